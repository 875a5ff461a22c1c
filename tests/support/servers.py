"""Servers that are not ours: Debian's packages, run as nobody; they end with this process."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.cluster.node.packages import MissingToolError
from tests.cluster.tether import tied_to_caller

__all__ = ["as_nobody", "install_packages", "start_server"]

_NOBODY = 65534


def as_nobody(folder: Path) -> dict[str, Any]:
    """Give a folder to nobody; return what makes a process run as that user, where root asks."""
    if os.geteuid() != 0:
        return {}
    os.chown(folder, _NOBODY, _NOBODY)
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}


def start_server(command: Sequence[str], *, log: Path, user: dict[str, Any]) -> subprocess.Popen:  # type: ignore[type-arg]
    """Start a server whose output goes to a file."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=tied_to_caller(),  # noqa: PLW1509  # two system calls and nothing else
            **user,
        )


def install_packages(*names: str, is_there: Callable[[], bool]) -> None:
    """Install Debian packages, unless another test process has done so meanwhile.

    Raises:
        MissingToolError: This is no Debian, or apt-get failed; it names what to install.
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingToolError(f"not here: install what Debian calls {' '.join(names)}")
    with (Path(tempfile.gettempdir()) / "dantaro-packages.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_there():
            return
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", "--no-remove", *names)


def _apt_get(*arguments: str) -> None:
    done = subprocess.run(
        ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise MissingToolError(f"`apt-get {' '.join(arguments)}` failed: {done.stderr[-2000:]}")
