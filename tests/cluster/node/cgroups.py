"""The one control group of the cluster in each hierarchy, version 1 or 2.

Everything that the node makes lies below it, because it is the root of the cluster's own cgroup
namespace. So its removal removes all.
"""

import errno
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "Hierarchy",
    "alias_names",
    "enter",
    "groups",
    "hierarchies",
    "remove",
    "settle",
]

_REMOVE_SECONDS = 10.0
_FLAGS = {"rw", "ro", "nosuid", "nodev", "noexec", "relatime", "clone_children", "xattr"}


@dataclass(frozen=True, kw_only=True)
class Hierarchy:
    """A mounted cgroup hierarchy."""

    mount: Path
    kind: str
    """`cgroup` (version 1) or `cgroup2`."""
    controllers: tuple[str, ...]
    """Of version 1, such as `cpu` or `name=systemd`; empty for version 2."""


def hierarchies(mounts: str) -> list[Hierarchy]:
    """Return the hierarchies that a node uses.

    Args:
        mounts: The text of `/proc/mounts`.

    Returns:
        Those of version 1 where there are any (a version 2 beside them holds no controllers),
        else the one of version 2, else none.
    """
    found = []
    for line in mounts.splitlines():
        _, mount, kind, options, *_ = line.split(" ")
        if kind in ("cgroup", "cgroup2"):
            names = tuple(
                o for o in options.split(",") if o not in _FLAGS and not o.startswith("release_")
            )
            controllers = names if kind == "cgroup" else ()
            found.append(Hierarchy(mount=Path(mount), kind=kind, controllers=controllers))
    first = [h for h in found if h.kind == "cgroup"]
    return first or found[:1]


def enter(found: Sequence[Hierarchy], name: str) -> None:
    """Make a group in each hierarchy and move the calling process into it."""
    for hierarchy in found:
        group = hierarchy.mount / name
        if hierarchy.kind == "cgroup2":
            _enable_controllers(hierarchy.mount)
        group.mkdir(exist_ok=True)
        if "cpuset" in hierarchy.controllers:  # a new group has no processors and takes nobody in
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (group / setting).write_text((hierarchy.mount / setting).read_text())
        (group / "cgroup.procs").write_text(str(os.getpid()))


def settle(found: Sequence[Hierarchy], name: str) -> None:
    """Make room below our group of version 2, once it is the root of a namespace.

    A group that has processes of its own may hand no controllers to groups below it. So the
    calling process, the only one there, moves one down.
    """
    for hierarchy in found:
        if hierarchy.kind == "cgroup2":
            supervisor = hierarchy.mount / name / "supervisor"
            supervisor.mkdir(exist_ok=True)
            (supervisor / "cgroup.procs").write_text(str(os.getpid()))
            _enable_controllers(hierarchy.mount / name)


def _enable_controllers(group: Path) -> None:
    """Let the groups below a version 2 group use every controller that it has itself."""
    for name in (group / "cgroup.controllers").read_text().split():
        (group / "cgroup.subtree_control").write_text(f"+{name}")


def groups(found: Sequence[Hierarchy], name: str) -> list[Path]:
    """Return the groups of that name that are there."""
    return [h.mount / name for h in found if (h.mount / name).exists()]


def remove(found: Sequence[Hierarchy], name: str) -> None:
    """Remove the group and all below, once their processes are gone.

    Raises:
        OSError: A group is still in use.
    """
    give_up = time.monotonic() + _REMOVE_SECONDS
    for group in groups(found, name):
        for folder, _, _ in os.walk(group, topdown=False):
            _remove_folder(Path(folder), give_up)


def _remove_folder(folder: Path, give_up: float) -> None:
    while True:
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError as error:
            # The kernel lets go of a dead process's group a moment later.
            if error.errno != errno.EBUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.02)
        else:
            return


def alias_names(hierarchy: Hierarchy) -> list[str]:
    """Return the names besides its own that a version 1 hierarchy is looked for by."""
    plain = [c for c in hierarchy.controllers if re.fullmatch(r"\w+", c)]
    return [c for c in plain if c != hierarchy.mount.name]
