"""A control plane of a test's own, whose parts may be killed and started again."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.cluster.binaries import CONTROL_PLANE, find_binaries
from tests.cluster.control_plane import ControlPlane, control_plane
from tests.cluster.kubeconfig import User
from tests.cluster.tether import start_tethered
from tests.support.cluster import Cluster, open_cluster
from tests.support.eventually import eventually

__all__ = ["FaultPlane", "fault_plane"]


class FaultPlane:
    """An API server with our CRDs, and what breaks it."""

    def __init__(self, plane: ControlPlane, cluster: Cluster, stack: ExitStack) -> None:
        self.plane = plane
        self.cluster = cluster
        self._stack = stack
        self._parts = dict(plane.parts)
        self._commands = {name: _command_of(part.process.pid) for name, part in self._parts.items()}

    def kill(self, name: str) -> None:
        """Kill -9 a part."""
        self._parts[name].kill()

    def start(self, name: str) -> None:
        """Start a part again as it was."""
        part = start_tethered(name, self._commands[name], log=self._parts[name].log)
        self._stack.callback(part.stop)
        self._parts[name] = part

    def restart_api_server(self) -> None:
        """Kill -9 the API server, start it again and wait until it is ready.

        The controllers go with it, as where they elect a leader. Their garbage collector would
        else never see that an object was deleted and made again in the gap (1.36.3), and keep what
        the old one owned.
        """
        self.kill("kube-controller-manager")
        self.kill("kube-apiserver")
        self.start("kube-apiserver")
        eventually(self._is_ready, timeout=60)
        self.start("kube-controller-manager")

    def _is_ready(self) -> bool:
        try:
            return self.cluster.api.get("/readyz").is_success
        except httpx.TransportError:
            return False


def _command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")


@contextmanager
def fault_plane(
    folder: Path, *, users: Sequence[User] = (), api_server_arguments: Sequence[str] = ()
) -> Iterator[FaultPlane]:
    """Run a control plane with our CRDs for the length of a block."""
    binaries = find_binaries(CONTROL_PLANE)
    with (
        control_plane(
            binaries, folder / "plane", users=users, api_server_arguments=api_server_arguments
        ) as plane,
        ExitStack() as stack,
        open_cluster(
            plane.kubeconfig, kubectl=binaries["kubectl"], cache=folder / "kubectl"
        ) as cluster,
    ):
        cluster.install_crds()
        opened = FaultPlane(plane, cluster, stack)
        # Its garbage collector looks for new kinds every 30 s only.
        opened.kill("kube-controller-manager")
        opened.start("kube-controller-manager")
        yield opened
