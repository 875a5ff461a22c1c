"""The process that owns a control plane: started in the background, ended by its owner's end.

A cluster is a folder. While its supervisor lives it holds the lock of that folder, so a folder
whose lock is free is left over from a kill and may be removed.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tests.cluster.binaries import CONTROL_PLANE, find_binaries
from tests.cluster.control_plane import StartError, control_plane
from tests.cluster.tether import exited_within

__all__ = ["kubeconfig_of", "new_folder", "remove_leftovers", "serve", "start", "stop"]

_START_SECONDS = 120.0
_STOP_SECONDS = 30.0
_LOCK_SECONDS = 5.0
_YOUNG_SECONDS = 120.0
_LOCK, _PID, _READY, _LOG = "lock", "pid", "ready", "supervisor.log"


def new_folder() -> Path:
    """Make a folder for a cluster that lives as long as a test run; remove those of dead runs."""
    base = Path(tempfile.gettempdir()) / f"dantaro-clusters-{os.getuid()}"
    base.mkdir(mode=0o700, exist_ok=True)
    remove_leftovers(base)
    return Path(tempfile.mkdtemp(dir=base))


def remove_leftovers(base: Path) -> None:
    """Remove the cluster folders below `base` whose supervisor is gone."""
    for folder in base.iterdir():
        # A young folder may belong to a run that is starting and has no lock yet.
        if time.time() - folder.stat().st_mtime > _YOUNG_SECONDS and not _is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def kubeconfig_of(folder: Path) -> Path | None:
    """Return the administrator's kubeconfig of a running cluster, None if it does not run."""
    ready = folder / _READY
    return Path(ready.read_text()) if ready.exists() and _is_held(folder) else None


def start(folder: Path, *, owner: int | None) -> Path:
    """Start a supervisor in the background and wait until its cluster is ready.

    Args:
        folder: The cluster's own.
        owner: The process whose end is the end of the cluster; None: it runs until `stop`.

    Returns:
        The kubeconfig of the administrator.

    Raises:
        StartError: With the log of what failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / _LOG
    command = [sys.executable, "-m", "tests.cluster", "serve", "--folder", str(folder)]
    if owner is not None:
        command += ["--owner", str(owner)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=Path(__file__).parents[2],
            start_new_session=True,  # Ctrl-C in a test run must not end it before the tests
        )
    give_up = time.monotonic() + _START_SECONDS
    while process.poll() is None:
        if kubeconfig := kubeconfig_of(folder):
            return kubeconfig
        if time.monotonic() > give_up:
            process.kill()
            process.wait()
            break
        time.sleep(0.05)
    text = log.read_text(errors="replace") if log.exists() else ""
    raise StartError(f"the control plane did not start:\n{text}")


def serve(folder: Path, *, owner: int | None) -> None:
    """Run a control plane until SIGTERM, SIGINT or the end of the owner; remove its folder then.

    Raises:
        StartError: With the log of what failed; the folder stays.
        RuntimeError: A part ended by itself; the folder stays.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    with _held(folder):
        (folder / _PID).write_text(str(os.getpid()))
        try:
            with control_plane(find_binaries(CONTROL_PLANE), folder / "run") as plane:
                _write_at_once(folder / _READY, str(plane.kubeconfig))
                while not (owner and exited_within(owner, 0.5)):
                    if owner is None:
                        time.sleep(0.5)
                    plane.check()
        except (StartError, RuntimeError):
            (folder / _READY).unlink(missing_ok=True)
            raise
        except SystemExit:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def stop(folder: Path) -> bool:
    """End the cluster of a folder and remove the folder; twice is harmless.

    Returns:
        Whether one was running.
    """
    running = _is_held(folder)
    if running:
        pid = int((folder / _PID).read_text())
        os.kill(pid, signal.SIGTERM)
        if not exited_within(pid, _STOP_SECONDS):
            os.kill(pid, signal.SIGKILL)
            exited_within(pid, _STOP_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    return running


def _leave(number: int, frame: FrameType | None) -> None:
    for again in (signal.SIGTERM, signal.SIGINT):
        signal.signal(again, signal.SIG_IGN)
    sys.exit(0)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    give_up = time.monotonic() + _LOCK_SECONDS
    with (folder / _LOCK).open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:  # for a moment also by who looks whether it is held
                if time.monotonic() > give_up:
                    raise StartError(f"a cluster runs in {folder} already") from error
            time.sleep(0.05)
        yield


def _is_held(folder: Path) -> bool:
    if not (folder / _LOCK).exists():
        return False
    with (folder / _LOCK).open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _write_at_once(path: Path, text: str) -> None:
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)
