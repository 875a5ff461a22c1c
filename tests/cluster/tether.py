"""Child processes that end with their parent, even when it is killed with -9 (Linux).

On other systems they end when the parent ends in an orderly way.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["Tethered", "exited_within", "start_tethered", "tied_to_caller"]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_STOP_SECONDS = 10.0
_TAIL = 4000


class Tethered:
    """A child process and its log (standard output and error)."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.process = process
        self.log = log

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-_TAIL:]

    def check(self) -> None:
        """Raise with the end of the log if it has ended.

        Raises:
            RuntimeError: It is no longer running.
        """
        if self.process.poll() is not None:
            raise RuntimeError(
                f"{self.name} ended with exit code {self.process.returncode}:\n{self.tail()}"
            )

    def stop(self) -> None:
        """End it and wait until it is gone; kill it when it takes longer than 10 s."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.process.kill()
        self.process.wait()


def start_tethered(
    name: str, command: Sequence[str | Path], *, log: Path, cwd: Path | None = None
) -> Tethered:
    """Start a child that gets SIGKILL when the calling thread's process is gone."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            preexec_fn=tied_to_caller(),  # noqa: PLW1509  # it makes two system calls and nothing else
        )
    return Tethered(name, process, log)


def tied_to_caller() -> Callable[[], None]:
    """Return what a child calls before its program starts, so that it dies with this process."""
    parent = os.getpid()

    def tie() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

    return tie


def exited_within(pid: int, seconds: float) -> bool:
    """Wait until a process that need not be our child is gone, at most so long."""
    give_up = time.monotonic() + seconds
    if hasattr(os, "pidfd_open"):
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            return True
        try:
            return bool(select.select([handle], [], [], seconds)[0])
        finally:
            os.close(handle)
    while True:
        with contextlib.suppress(PermissionError):
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return True
        if time.monotonic() >= give_up:
            return False
        time.sleep(0.2)
