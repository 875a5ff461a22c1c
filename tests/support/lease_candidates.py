"""Starts candidates for a Lease as real processes, and records what they write to the server."""

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from dantaro_operator.adapters.kubernetes.lease_record import LeaseTimes
from tests.cluster.tether import Tethered, start_tethered
from tests.support.eventually import eventually
from tests.support.lease_process import WRITTEN

__all__ = ["TIMES", "Candidate", "Candidates", "History", "recorded"]

TIMES = LeaseTimes(duration=3.0, renew_deadline=2.0, retry=0.4)
"""Short, and yet long enough for a busy machine."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A process of `tests.support.lease_process`."""

    identity: str
    process: Tethered

    def times(self, event: str) -> list[float]:
        """Return when an event happened, seconds of the clock that all processes share."""
        return [line["at"] for line in self.lines() if line["event"] == event]

    def first(self, event: str) -> float:
        """Wait for an event and return when it happened first."""
        return eventually(lambda: self.times(event))[0]

    def lines(self) -> list[dict[str, Any]]:
        """Return what it told; the last line may be half there, and its logs are no JSON."""
        text = self.process.log.read_text()
        lines = [line for line in text.splitlines() if line.startswith("{") and line.endswith("}")]
        return [json.loads(line) for line in lines]


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Starts processes that end with the test."""

    kubeconfig: Path
    namespace: str
    folder: Path
    stack: ExitStack
    times: LeaseTimes = TIMES

    def start(self, identity: str, *, server: str = "") -> Candidate:
        """Start one; `server` is another way to the API server."""
        values = {
            "kubeconfig": self.kubeconfig,
            "namespace": self.namespace,
            "identity": identity,
            "duration": self.times.duration,
            "deadline": self.times.renew_deadline,
            "retry": self.times.retry,
            "delivery": self.times.duration - self.times.renew_deadline,
        } | ({"server": server} if server else {})
        command = [sys.executable, "-m", "tests.support.lease_process"]
        command += [f"--{key}={value}" for key, value in values.items()]
        process = start_tethered(
            identity, command, log=self.folder / f"{identity}.log", cwd=Path(__file__).parents[2]
        )
        self.stack.callback(process.stop)
        return Candidate(identity=identity, process=process)

    def start_leading(self, identity: str, *, server: str = "") -> Candidate:
        """Start one and wait until it leads and writes."""
        candidate = self.start(identity, server=server)
        candidate.first("wrote")
        return candidate


@dataclass(frozen=True, kw_only=True)
class History:
    """Every write that the server took, in its order."""

    writes: list[tuple[int, str]] = field(default_factory=list)

    @property
    def writers(self) -> list[str]:
        """Return who wrote, one name for each stretch of writes."""
        names = [name for _, name in sorted(self.writes)]
        return [name for i, name in enumerate(names) if i == 0 or names[i - 1] != name]

    def count(self, writer: str) -> int:
        """Return how often somebody wrote."""
        return sum(name == writer for _, name in self.writes)


@contextmanager
def recorded(api: httpx.Client, namespace: str) -> Iterator[History]:
    """Watch what the candidates of a namespace write."""
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    version = api.get(path).raise_for_status().json()["metadata"]["resourceVersion"]
    history = History()
    stopped = threading.Event()

    def follow() -> None:
        since = version
        while not stopped.is_set():
            try:
                query = {"watch": "1", "resourceVersion": since, "timeoutSeconds": "1"}
                with api.stream("GET", path, params=query) as stream:
                    for line in stream.iter_lines():
                        found = json.loads(line)["object"]
                        since = found["metadata"]["resourceVersion"]
                        if found["metadata"]["name"].startswith(WRITTEN):
                            history.writes.append((int(since), found["data"]["writer"]))
            except httpx.HTTPError:
                stopped.wait(0.1)  # The server restarts.

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield history
    finally:
        stopped.set()
        thread.join()
