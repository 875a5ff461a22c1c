"""`up`, `down` and `status` of a cluster with a node."""

import fcntl
import ipaddress
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.binaries import CONTROL_PLANE, NODE, build_binaries
from tests.cluster.control_plane import StartError
from tests.cluster.node import cgroups
from tests.cluster.node.inside import INNER_LINK
from tests.cluster.node.isolation import run
from tests.cluster.node.packages import NODE_TOOLS, install_tools
from tests.cluster.node.place import Place, Record
from tests.cluster.progress import Progress

__all__ = ["Status", "down", "free_cable", "node_obstacle", "status", "up"]

_CABLES = [f"10.245.{number}.0/30" for number in range(77, 97)]
"""Address ranges for the cable between machine and cluster; the first that is free is taken."""

_ROOT = Path(__file__).parents[3]
_START_SECONDS = 180.0
_GONE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Status:
    """Whether there is a cluster, and what to say about it."""

    kubeconfig: Path | None
    """None: it cannot be used."""
    message: str


def node_obstacle() -> str | None:
    """Return why there can be no node here, None where there can be one."""
    if sys.platform != "linux":
        return f"a node needs Linux, this is {sys.platform}"
    if os.geteuid() != 0:
        return "a node needs root: it makes namespaces, mounts and network links"
    if not cgroups.hierarchies(Path("/proc/mounts").read_text()):
        return "a node needs control groups: no cgroup file system is mounted"
    attempt = "from tests.cluster.node.isolation import unshare; unshare()"
    probe = subprocess.run(
        [sys.executable, "-c", attempt], cwd=_ROOT, capture_output=True, text=True, check=False
    )
    if probe.returncode != 0:
        return f"a node needs namespaces: {probe.stderr.strip().splitlines()[-1]}"
    return None


def status(place: Place) -> Status:
    """Tell about a cluster."""
    if place.read_record() is None:
        return Status(kubeconfig=None, message="no cluster is up")
    if place.running() is None:
        message = "the cluster has ended; `make cluster-down` removes what is left. It said:\n"
        return Status(kubeconfig=None, message=message + place.tail())
    if not place.ready.exists():
        return Status(kubeconfig=None, message="the cluster is starting")
    return Status(kubeconfig=place.kubeconfig, message="the cluster is up")


def up(
    place: Place,
    progress: Progress,
    *,
    volumes: int = 10,
    max_pods: int = 110,
    owner: int | None = None,
) -> Path:
    """Start a cluster and wait until its node is ready; one that is up stays as it is.

    Args:
        place: Where it lives.
        progress: Hears what is being done.
        volumes: How many volumes of 1 GiB there are for claims.
        max_pods: How many pods the node takes.
        owner: The process whose end is the end of the cluster; None: it runs until `down`.

    Returns:
        The kubeconfig of the administrator.

    Raises:
        StartError: With the log of what failed.
        MissingToolError: A package could not be installed.
        MissingBinaryError: A Kubernetes binary could not be built.
    """
    if obstacle := node_obstacle():
        raise StartError(obstacle)
    with _locked(place):
        found = status(place)
        if found.kubeconfig is not None:
            progress.say("the cluster is up already")
            return found.kubeconfig
        install_tools(NODE_TOOLS, progress, cni=True)
        build_binaries(CONTROL_PLANE + NODE, progress)
        _clean(place)
        try:
            options = [f"--volumes={volumes}", f"--max-pods={max_pods}"]
            options += [f"--owner={owner}"] if owner is not None else []
            _start(place, progress, options)
        except BaseException:  # also Ctrl-C: half a cluster helps nobody
            _clean(place)
            raise
    return place.kubeconfig


def down(place: Place) -> bool:
    """End a cluster and remove all that it left; twice is harmless.

    Returns:
        Whether one was running.

    Raises:
        RuntimeError: A process did not end.
        OSError: A control group or a file could not be removed.
    """
    with _locked(place):
        running = place.running() is not None
        _clean(place)
    return running


def _clean(place: Place) -> None:
    """End what runs, wait until the kernel has dropped it, remove groups and files."""
    if record := place.read_record():
        record.end()
    cgroups.remove(cgroups.hierarchies(Path("/proc/mounts").read_text()), place.mark)
    _await_cable_gone(place)
    if place.folder.exists():
        shutil.rmtree(place.folder)


def _await_cable_gone(place: Place) -> None:
    """Wait for the kernel to drop the cable; it does so a moment after the network's end."""
    give_up = time.monotonic() + _GONE_SECONDS
    while (Path("/sys/class/net") / place.mark).exists():
        if time.monotonic() > give_up:
            run("ip", "link", "delete", place.mark)
            return
        time.sleep(0.02)


def _start(place: Place, progress: Progress, options: list[str]) -> None:
    began = time.monotonic()
    cable = free_cable(json.loads(run("ip", "-json", "-4", "route")))
    outer, inner = (f"{host}/{cable.prefixlen}" for host in cable.hosts())
    place.folder.mkdir(parents=True, mode=0o700)
    command = [sys.executable, "-m", "tests.cluster.node.inside", f"--folder={place.folder}"]
    with place.log.open("wb") as output:
        launch = subprocess.run(
            [*command, f"--address={inner}", *options],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us alone
            check=False,
        )
    record = place.read_record()
    if launch.returncode != 0 or record is None:
        raise StartError(f"the cluster did not start:\n{place.tail()}")
    cable_end = ["peer", "name", INNER_LINK, "netns", str(record.pid)]
    run("ip", "link", "add", place.mark, "type", "veth", *cable_end)
    run("ip", "address", "add", outer, "dev", place.mark)
    run("ip", "link", "set", place.mark, "up")
    _follow(place, record, progress)
    progress.say(f"the cluster is ready, {time.monotonic() - began:.1f} s")


def _follow(place: Place, record: Record, progress: Progress) -> None:
    """Repeat what the cluster says until it is ready."""
    give_up = time.monotonic() + _START_SECONDS
    with place.log.open() as log:
        while True:
            running, ready = record.is_running(), place.ready.exists()
            if not running or time.monotonic() > give_up:
                raise StartError(f"the cluster did not start:\n{place.tail()}")
            for line in log:
                progress.say(line.rstrip())
            if ready:
                return
            time.sleep(0.05)


def free_cable(routes: Sequence[Mapping[str, Any]]) -> ipaddress.IPv4Network:
    """Return the first range that no route of the machine touches.

    Args:
        routes: As `ip -json -4 route` prints them.

    Raises:
        StartError: There is none.
    """
    taken = [ipaddress.IPv4Network(r["dst"]) for r in routes if r["dst"] != "default"]
    for text in _CABLES:
        cable = ipaddress.IPv4Network(text)
        if not any(cable.overlaps(other) for other in taken):
            return cable
    raise StartError(f"every range from {_CABLES[0]} to {_CABLES[-1]} has a route on this machine")


@contextmanager
def _locked(place: Place) -> Iterator[None]:
    """Let one `up` or `down` of a place work at a time."""
    place.lock.parent.mkdir(parents=True, exist_ok=True)
    with place.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
