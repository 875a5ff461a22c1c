"""Two operators on one Lease, one of them paused and continued: never two writers."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import count, groupby
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.kubeconfig import User
from tests.support.cluster import Cluster
from tests.support.documents import allocation_document
from tests.support.eventually import eventually
from tests.support.fault_plane import FaultPlane, fault_plane
from tests.support.fleet_pods import fleet_pods
from tests.support.fleet_script import BotWish, Hands
from tests.support.operator_process import OperatorProcess, operator_process

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(180)]

RIVALS = ("rival-a", "rival-b")
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "resources": [{"group": "coordination.k8s.io"}]},
        {
            "level": "Metadata",
            "users": list(RIVALS),
            "verbs": ["create", "update", "patch", "delete"],
        },
        {"level": "None"},
    ],
}
"""All writes of operators but those to the Lease."""

LEASE: dict[str, Any] = {
    "lease_duration_seconds": 2,
    "lease_renew_deadline_seconds": 1.4,
    "lease_retry_seconds": 0.2,
}


@dataclass(frozen=True, kw_only=True, order=True)
class Write:
    """A write that an operator asked for, whatever came of it."""

    began: datetime
    ended: datetime
    user: str


@dataclass(kw_only=True)
class Rivals:
    """Two operators for the same bots, each of them a user of its own."""

    plane: FaultPlane
    folder: Path
    namespace: str
    status_url: str
    stack: ExitStack

    def start(self, user: str) -> OperatorProcess:
        started = operator_process(
            self.plane.plane.kubeconfig_for(user),
            self.folder / user,
            namespace=self.namespace,
            bot_status_url=self.status_url,
            **LEASE,
        )
        return self.stack.enter_context(started)

    def writes(self) -> list[Write]:
        """Return what the API server noted, in its order."""
        lines = (self.folder / "audit.log").read_text().splitlines()
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return sorted(
            Write(
                began=datetime.fromisoformat(entry["requestReceivedTimestamp"]),
                ended=datetime.fromisoformat(entry["stageTimestamp"]),
                user=entry["user"]["username"],
            )
            for entry in entries
        )

    def wait_for_writes(self, user: str) -> None:
        """Wait until a user writes some more."""
        before = self._written_by(user)
        eventually(lambda: self._written_by(user) > before + 10, timeout=30)

    def _written_by(self, user: str) -> int:
        return sum(write.user == user for write in self.writes())


@pytest.fixture
def rivals(tmp_path: Path) -> Iterator[Rivals]:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(POLICY))
    arguments = [f"--audit-policy-file={policy}", f"--audit-log-path={tmp_path / 'audit.log'}"]
    users = [User(name=name, groups=("system:masters",)) for name in RIVALS]
    with (
        fault_plane(tmp_path, users=users, api_server_arguments=arguments) as plane,
        fleet_pods(plane.plane.kubeconfig) as pods,
        plane.cluster.namespace() as namespace,
        ExitStack() as stack,
    ):
        yield Rivals(
            plane=plane,
            folder=tmp_path,
            namespace=namespace,
            status_url=pods.status_url,
            stack=stack,
        )


@contextmanager
def changes(cluster: Cluster, namespace: str) -> Iterator[None]:
    """Change bots all the time."""
    bots = [
        BotWish(place=0, account="main", kind="GridBot", name=f"bot-{i}", symbol=f"KRW-C{i}")
        for i in range(4)
    ]
    shares = [{"kind": bot.kind, "name": bot.name, "percent": 10} for bot in bots]
    hands = Hands(cluster=cluster, namespaces=(namespace,))
    for document in (allocation_document(shares=shares), *(bot.document() for bot in bots)):
        hands.create(0, document)
    stopped = threading.Event()

    def change() -> None:
        for number in count():
            if stopped.wait(0.05):
                return
            spec = {"lowerPrice": str(80_000 + number % 100 * 100)}
            bot = bots[number % len(bots)]
            hands.patch(0, bot.plural, bot.name, {"spec": spec})

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def leads(operator: OperatorProcess) -> bool:
    return operator.measured("dantaro_operator_leading") == 1


def test_a_paused_and_continued_leader_writes_nothing_and_never_two_write(rivals: Rivals) -> None:
    holder, other = RIVALS
    with changes(rivals.plane.cluster, rivals.namespace):
        paused = rivals.start(holder)
        eventually(partial(leads, paused))
        rivals.start(other)
        rivals.wait_for_writes(holder)
        os.kill(paused.run.process.pid, signal.SIGSTOP)
        rivals.wait_for_writes(other)
        os.kill(paused.run.process.pid, signal.SIGCONT)
        assert paused.run.process.wait(10) == 1, "it ends, to begin again as a standby"
        standby = rivals.start(holder)
        rivals.wait_for_writes(other)
        assert not leads(standby)

    writes = rivals.writes()
    assert [user for user, _ in groupby(write.user for write in writes)] == [holder, other]
    last = max(write.ended for write in writes if write.user == holder)
    first = min(write.began for write in writes if write.user == other)
    assert last < first
    print(f"{len(writes)} writes; from the last of one to the first of the other {first - last}")
