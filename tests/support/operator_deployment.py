"""An operator as a Deployment keeps it: whenever its process ends, another one is started."""

import secrets
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.cluster import Cluster
from tests.support.eventually import eventually
from tests.support.fleet_pods import FleetPods
from tests.support.fleet_script import FleetScript, Hands
from tests.support.fleet_state import FleetState, fleet_state
from tests.support.operator_process import OperatorProcess, operator_process

__all__ = ["DEFAULT_LEASE", "FleetRun", "OperatorDeployment", "fleet_run"]

DEFAULT_LEASE = {
    "lease_duration_seconds": 15,
    "lease_renew_deadline_seconds": 10,
    "lease_retry_seconds": 2,
}
"""Long enough to live through a restart of the API server."""

_LOOK_SECONDS = 0.02
_LEAD_SECONDS = 60.0


class OperatorDeployment:
    """Keeps one operator running.

    Attributes:
        ended: How often a process ended, by exit code.
    """

    def __init__(self, folder: Path, *, kubeconfig: Path, **settings: Any) -> None:
        self._kubeconfig = kubeconfig
        self._folder = folder
        self._settings = settings
        self._stopped = threading.Event()
        self._current: OperatorProcess | None = None
        self._thread = threading.Thread(target=self._keep)
        self.ended: Counter[int] = Counter()

    def __enter__(self) -> Self:
        """Start the first process."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """End the last process."""
        self._stopped.set()
        self._thread.join()
        if error is not None and self._current is not None:
            print(f"--- log of the operator ---\n{self._current.run.tail()}")

    def wait_until_it_leads(self) -> OperatorProcess:
        """Wait until the process that runs now holds the Lease, and return it."""
        return eventually(self._leader, timeout=_LEAD_SECONDS)

    def kill(self) -> None:
        """Kill -9 the process that runs now, or the next one where it ended by itself just now."""
        is_killed = False
        while not is_killed:
            process = eventually(self._living)
            process.kill()
            is_killed = process.wait() == -signal.SIGKILL

    def _living(self) -> subprocess.Popen[bytes]:
        assert self._current is not None, "no process was started yet"
        process = self._current.run.process
        assert process.poll() is None, "no process runs"
        return process

    def _leader(self) -> OperatorProcess:
        current = self._current
        assert current is not None, "no process was started yet"
        assert current.measured("dantaro_operator_leading") == 1, "it does not lead"
        return current

    def _keep(self) -> None:
        while not self._stopped.is_set():
            with operator_process(
                self._kubeconfig, self._folder, until_ready=False, **self._settings
            ) as started:
                self._current = started
                process = started.run.process
                while process.poll() is None and not self._stopped.wait(_LOOK_SECONDS):
                    pass
                if process.poll() is not None:
                    self.ended[process.returncode] += 1


class FleetRun:
    """A script in namespaces of its own, with an operator of its own."""

    def __init__(
        self, hands: Hands, script: FleetScript, operator: OperatorDeployment, cluster: Cluster
    ) -> None:
        self.operator = operator
        self._hands = hands
        self._cluster = cluster
        self._script = script
        self._allowed = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._play, daemon=True)
        self._error: BaseException | None = None

    def begin(self) -> None:
        """Begin the script; it waits for `allow`."""
        self._thread.start()

    def allow(self, steps: int) -> None:
        """Let the script go on by so many steps."""
        self._allowed.release(steps)

    def finish(self) -> None:
        """Let it go on to its end and wait for that."""
        self._allowed.release(len(self._script.steps))
        self._thread.join()
        if self._error is not None:
            raise self._error

    def state(self) -> FleetState:
        """Return what the fleet has come to."""
        return fleet_state(self._cluster, self._hands.namespaces)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Its namespaces; the first is also the operator's."""
        return self._hands.namespaces

    def _play(self) -> None:
        try:
            for step in self._script.steps:
                self._allowed.acquire()
                step(self._hands)
        except BaseException as error:  # noqa: BLE001  # raised again in `finish`
            self._error = error


def _new_namespace(cluster: Cluster) -> str:
    name = f"test-{secrets.token_hex(5)}"
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    cluster.api.post("/api/v1/namespaces", json=manifest).raise_for_status()
    return name


@contextmanager
def fleet_run(
    cluster: Cluster, pods: FleetPods, script: FleetScript, folder: Path, **settings: Any
) -> Iterator[FleetRun]:
    """Make the namespaces of a run, which stay, and start its operator.

    Args:
        cluster: Where.
        pods: Answer for the bots.
        script: What is going to happen.
        folder: Holds the operator's log.
        settings: Of the operator, in place of those for these runs.
    """
    namespaces = tuple(_new_namespace(cluster) for _ in range(script.places))
    values: dict[str, Any] = {
        "namespace": namespaces[0],
        "namespaces": ",".join(namespaces),
        "bot_status_url": pods.status_url,
        "kubeconfig": cluster.kubeconfig,
        "log_level": "INFO",
    }
    with OperatorDeployment(folder, **(values | settings)) as operator:
        yield FleetRun(Hands(cluster=cluster, namespaces=namespaces), script, operator, cluster)
