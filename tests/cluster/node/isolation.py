"""Namespaces and mounts: what makes the whole cluster vanish with one process.

The cluster sees the files of the machine, but what it writes to /run and /var, and every mount,
bridge and packet filter rule that it makes, is its own and ends with its namespaces.
"""

import ctypes
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.cluster.node.cgroups import Hierarchy, alias_names

__all__ = ["INSIDE", "mount_all", "run", "unshare"]

INSIDE = Path("/run/dantaro")
"""Where the state folder of the cluster appears inside; short, as paths of sockets must be."""

_NEW_MOUNT, _NEW_CGROUP, _NEW_UTS = 0x20000, 0x2000000, 0x4000000
_NEW_IPC, _NEW_PID, _NEW_NETWORK = 0x8000000, 0x20000000, 0x40000000
_ALL = _NEW_MOUNT | _NEW_CGROUP | _NEW_UTS | _NEW_IPC | _NEW_PID | _NEW_NETWORK

_PINNED = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""Settings of the whole machine that a kubelet changes. Inside they already read as it wants
them, so that the machine's own stay as they are."""


def unshare() -> None:
    """Put the calling process into new namespaces; its next child is their process 1.

    Raises:
        OSError: The kernel refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_ALL) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the kernel refuses new namespaces: {os.strerror(number)}")


def run(*command: str | Path) -> str:
    """Run a command and return what it printed.

    Raises:
        RuntimeError: It failed; the message holds the command and its words.
    """
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"`{' '.join(map(str, command))}` failed: {done.stderr.strip()}")
    return done.stdout


def mount_all(state: Path, groups: Sequence[Hierarchy]) -> None:
    """Mount what the cluster needs of its own; only in a new mount namespace.

    Args:
        state: The folder of the cluster; it is `INSIDE` from now on.
        groups: The hierarchies of control groups of the machine.
    """
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "proc", "proc", "/proc")
    _mount_run(state)
    _mount_var()
    _mount_groups(groups)
    _pin_settings()


def _mount_run(state: Path) -> None:
    # The state folder is opened first: it could lie below /run.
    handle = os.open(state, os.O_PATH | os.O_DIRECTORY)
    try:
        run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
        INSIDE.mkdir()
        run("mount", "-c", "--bind", f"/proc/{os.getpid()}/fd/{handle}", INSIDE)
    finally:
        os.close(handle)


def _mount_var() -> None:
    upper, work = Path("/run/var/upper"), Path("/run/var/work")
    for folder in (upper, work):
        folder.mkdir(parents=True)
    options = f"lowerdir=/var,upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "-o", options, "overlay", "/var")
    for name in ("lib/containerd", "lib/kubelet", "log/pods"):
        source, target = INSIDE / name, Path("/var") / name
        for folder in (source, target):
            folder.mkdir(parents=True, exist_ok=True)
        run("mount", "--bind", source, target)


def _mount_groups(groups: Sequence[Hierarchy]) -> None:
    run("mount", "-t", "sysfs", "sysfs", "/sys")  # shows the network of its own
    root = Path("/sys/fs/cgroup")
    if groups[0].kind == "cgroup2":
        run("mount", "-t", "cgroup2", "cgroup2", root)
        return
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", root)
    for hierarchy in groups:
        folder = root / hierarchy.mount.name
        folder.mkdir()
        run("mount", "-t", "cgroup", "-o", ",".join(hierarchy.controllers), "cgroup", folder)
        for name in alias_names(hierarchy):
            (root / name).symlink_to(hierarchy.mount.name)


def _pin_settings() -> None:
    folder = Path("/run/settings")
    folder.mkdir()
    for name, value in _PINNED.items():
        setting = Path("/proc/sys") / name
        if setting.exists():
            file = folder / name.replace("/", ".")
            file.write_text(f"{value}\n")
            run("mount", "--bind", file, setting)
