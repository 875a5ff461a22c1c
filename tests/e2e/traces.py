"""What a cluster could leave on a machine, as sets to compare before and after."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

__all__ = ["TRACES", "take_traces"]

_SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/hostname",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    "net/ipv4/ip_forward",
    "net/netfilter/nf_conntrack_max",
)
_FOLDERS = ("/etc", "/opt", "/run", "/run/netns", "/tmp", "/usr/libexec", "/var/lib", "/var/log")


def take_traces() -> dict[str, set[str]]:
    """Return every trace that there is now."""
    return {name: look() for name, look in TRACES.items()}


def _processes() -> set[str]:
    """Return the processes that run in namespaces other than ours.

    One that has ended and waits for the machine's process 1 to take note of it does not run.
    """
    ours, found = Path("/proc/self/ns/pid").readlink(), set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name, _, fields = (entry / "stat").read_text().rpartition(")")
                if (entry / "ns/pid").readlink() != ours and fields.split()[0] != "Z":
                    found.add(name)
            except OSError:  # it has just ended
                continue
    return found


def _groups() -> set[str]:
    return {folder for folder, _, _ in os.walk("/sys/fs/cgroup")}


def _settings() -> set[str]:
    files = (Path("/proc/sys") / name for name in _SETTINGS)
    return {f"{file} = {file.read_text().strip()}" for file in files if file.exists()}


def _folders() -> set[str]:
    return {str(e) for f in _FOLDERS if Path(f).is_dir() for e in Path(f).iterdir()}


def _lines(*command: str) -> Callable[[], set[str]]:
    def look() -> set[str]:
        assert shutil.which(command[0]), f"there is no {command[0]} to look with"
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return set(done.stdout.splitlines())

    return look


TRACES: dict[str, Callable[[], set[str]]] = {
    "processes": _processes,
    "mounts": lambda: set(Path("/proc/mounts").read_text().splitlines()),
    "links": _lines("ip", "-oneline", "-brief", "link"),
    "routes": _lines("ip", "route"),
    "network namespaces": _lines("ip", "netns"),
    "nftables": _lines("nft", "list", "ruleset"),
    "iptables": _lines("iptables-save"),
    "control groups": _groups,
    "settings": _settings,
    "folders": _folders,
}
"""What to look at, and how."""
