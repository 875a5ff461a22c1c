"""The process that owns the cluster: process 1 of the cluster's namespaces.

Its end, also by kill -9, is the end of everything inside: the kernel ends the processes, drops the
mounts, and with the network its links and packet filter rules.
"""

import argparse
import os
import select
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

import httpx

from tests.cluster.binaries import CONTROL_PLANE, NODE, find_binaries
from tests.cluster.control_plane import SERVICE_RANGE, StartError
from tests.cluster.node.cgroups import enter, hierarchies, settle
from tests.cluster.node.isolation import INSIDE, mount_all, run, unshare
from tests.cluster.node.parts import NODE_NAME, Parts
from tests.cluster.node.place import Place, Record, write_at_once
from tests.cluster.node.volumes import Volumes
from tests.cluster.progress import Progress

__all__ = ["INNER_LINK", "main"]

INNER_LINK = "eth0"
"""Name of the cluster's end of the cable to the machine."""

_LINK_SECONDS = 30.0
_LOOK_SECONDS = 1.0


def main() -> None:
    """Make the namespaces, leave their process 1 behind and end."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.node.inside")
    parser.add_argument("--folder", type=Path, required=True, help="folder of the cluster")
    parser.add_argument("--address", required=True, help="address inside, with its prefix length")
    parser.add_argument("--volumes", type=int, required=True, help="how many volumes")
    parser.add_argument("--max-pods", type=int, required=True, help="how many pods")
    parser.add_argument("--owner", type=int, help="the process whose end is the cluster's")
    arguments = parser.parse_args()
    place = Place(folder=arguments.folder)
    # Held open from here on, because the number means nothing inside.
    arguments.owner = os.pidfd_open(arguments.owner) if arguments.owner else None
    groups = hierarchies(Path("/proc/mounts").read_text())
    enter(groups, place.mark)
    unshare()
    settle(groups, place.mark)
    if first := os.fork():
        place.write_record(Record.of(first))
        return
    _be_first(arguments)


def _be_first(arguments: argparse.Namespace) -> NoReturn:
    """Start the worker, take in orphans, and end with the worker."""
    worker = os.fork()
    if worker == 0:
        os._exit(_work(arguments))
    while True:
        ended, status = os.wait()
        if ended == worker:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _work(arguments: argparse.Namespace) -> int:
    try:
        mount_all(arguments.folder, hierarchies(Path("/proc/mounts").read_text()))
        _connect(arguments.address)
        volumes = Volumes(INSIDE / "volumes", arguments.volumes)
        parts = Parts(
            binaries=find_binaries(CONTROL_PLANE + NODE),
            address=arguments.address.partition("/")[0],
            volumes=volumes,
            max_pods=arguments.max_pods,
            progress=Progress(),
        )
        with ExitStack() as stack:
            api = parts.start(stack)
            place = Place(folder=INSIDE)
            write_at_once(place.ready, b"")
            while not _has_ended(arguments.owner):
                parts.check()
                _recycle(volumes, api)
    except (StartError, RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _has_ended(owner: int | None) -> bool:
    """Wait a while; return whether the owner ended in it."""
    return bool(select.select([owner] if owner is not None else [], [], [], _LOOK_SECONDS)[0])


def _recycle(volumes: Volumes, api: httpx.Client) -> None:
    try:
        volumes.recycle(api)
    except (httpx.HTTPError, OSError) as error:  # the API server may be busy: next time
        print(f"volumes not looked at: {error!r}", file=sys.stderr, flush=True)


def _connect(address: str) -> None:
    socket.sethostname(NODE_NAME)
    run("ip", "link", "set", "lo", "up")
    give_up = time.monotonic() + _LINK_SECONDS
    while INNER_LINK not in (name for _, name in socket.if_nameindex()):
        if time.monotonic() > give_up:
            raise StartError(f"nobody plugged in {INNER_LINK} within {_LINK_SECONDS:.0f} s")
        time.sleep(0.01)
    run("ip", "address", "add", address, "dev", INNER_LINK)
    run("ip", "link", "set", INNER_LINK, "up")
    # Without a route the kernel refuses an address before kube-proxy's rules see it.
    run("ip", "route", "add", SERVICE_RANGE, "dev", INNER_LINK)


if __name__ == "__main__":
    main()
