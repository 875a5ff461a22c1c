"""Bots that cannot run, and bots whose namespace goes: told with what to do, and never for ever."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.central_process import central
from tests.support.cluster import Cluster
from tests.support.documents import allocation_document, grid_bot_document
from tests.support.eventually import eventually
from tests.support.operator_process import OperatorProcess, operator_process
from tests.support.pod_runner import pod_runner

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(120)]

Object = dict[str, Any]

TAKEN = {"type": "PodScheduled", "status": "True"}
TROUBLES: dict[str, tuple[Object, str, str, str]] = {
    "crowded": (
        {
            "conditions": [
                {
                    "type": "PodScheduled",
                    "status": "False",
                    "reason": "Unschedulable",
                    "message": "0/3 nodes are available: 3 Insufficient memory.",
                }
            ]
        },
        "Reconciling",
        "Unschedulable",
        "0/3 nodes are available",
    ),
    "imageless": (
        {"waiting": {"reason": "ErrImagePull", "message": "not found"}},
        "Stalled",
        "ImagePullBackOff",
        "its image localhost/dantaro/runtime:test cannot be pulled: ErrImagePull: not found",
    ),
    "misconfigured": (
        {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}},
        "Stalled",
        "CreateContainerConfigError",
        'secret "x" not found',
    ),
    "crashing": (
        {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}},
        "Stalled",
        "CrashLoop",
        "its process ended with code 70",
    ),
}
"""By name of a bot: status of its pod or state of its container, then what is told."""


class World:
    """One namespace with bots; the operator and its Lease are in another."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def create(self, *names: str) -> None:
        shares = [{"kind": "GridBot", "name": name, "percent": 100 // len(names)} for name in names]
        markets = ("KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL")
        account = allocation_document(shares=shares, budget="100000000")
        self._post("allocations", account)
        for name, symbol in zip(names, markets, strict=False):
            self._post("gridbots", grid_bot_document(name, symbol=symbol))

    def _post(self, plural: str, document: Object) -> None:
        answer = self.cluster.api.post(self.cluster.path(plural, self.namespace), json=document)
        assert answer.is_success, answer.text

    def condition(self, name: str, kind: str) -> Object:
        answer = self.cluster.api.get(self.cluster.path("gridbots", self.namespace, name))
        found = answer.raise_for_status().json()["status"].get("conditions", ())
        return next((item for item in found if item["type"] == kind), {})

    def has_reason(self, name: str, kind: str, reason: str) -> bool:
        return bool(self.condition(name, kind).get("reason") == reason)

    def tell_pod(self, name: str, told: Object) -> None:
        """Write what kubelet or the scheduler would."""
        if "waiting" in told:
            ended = {"terminated": {"exitCode": 70}}
            status: Object = {
                "conditions": [TAKEN],
                "containerStatuses": [
                    {"name": "bot", "image": "x", "imageID": "", "ready": False}
                    | {"restartCount": 4, "state": told, "lastState": ended}
                ],
            }
        else:
            status = told
        path = f"/api/v1/namespaces/{self.namespace}/pods/gb-{name}-0/status"
        merge = {"Content-Type": "application/merge-patch+json"}
        eventually(lambda: self.cluster.api.get(path).is_success)
        self.cluster.api.patch(path, json={"status": status}, headers=merge).raise_for_status()

    def is_gone(self) -> bool:
        return self.cluster.api.get(f"/api/v1/namespaces/{self.namespace}").status_code == 404


@pytest.fixture
def world(cluster: Cluster, namespace: str) -> World:
    return World(cluster, namespace)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def start_operator(stack: ExitStack, world: World, folder: Path, **more: Any) -> OperatorProcess:
    home = stack.enter_context(world.cluster.namespace())
    settings = {"namespaces": world.namespace} | more
    started = operator_process(world.cluster.kubeconfig, folder, namespace=home, **settings)
    return stack.enter_context(started)


def test_what_keeps_a_pod_from_running_is_told_by_its_bot(
    world: World, stack: ExitStack, tmp_path: Path
) -> None:
    start_operator(stack, world, tmp_path / "op")
    world.create(*TROUBLES)

    for name, (told, *_) in TROUBLES.items():
        world.tell_pod(name, told)

    for name, (_, kind, reason, words) in TROUBLES.items():
        eventually(partial(world.has_reason, name, "Ready", reason))
        assert world.condition(name, "WorkloadReady")["reason"] == reason
        found = world.condition(name, kind)
        assert (found["status"], found["reason"]) == ("True", reason)
        assert words in found["message"]

    path = world.cluster.path("gridbots", world.namespace, "imageless")
    world.cluster.api.delete(path).raise_for_status()
    eventually(partial(world.has_reason, "imageless", "Stalled", "DrainFailed"))
    message = world.condition("imageless", "Stalled")["message"]
    assert 'dantaro.io/force-delete: "true" lets it go anyway: its image' in message


def test_a_namespace_with_bots_on_paper_goes_when_it_is_deleted(
    world: World, stack: ExitStack, tmp_path: Path
) -> None:
    market = stack.enter_context(
        central(tmp_path / "central", "--source", "simulated", "--speed", "60")
    )
    runner = stack.enter_context(
        pod_runner(
            world.cluster.kubeconfig,
            namespace=world.namespace,
            folder=tmp_path / "pods",
            key_file=market.key_file,
        )
    )
    operator = start_operator(
        stack, world, tmp_path / "op", central_url=market.url, bot_status_url=runner.status_url
    )
    world.create("one")
    eventually(lambda: world.condition("one", "Ready").get("status") == "True", timeout=60)

    answer = world.cluster.api.delete(f"/api/v1/namespaces/{world.namespace}")

    assert answer.is_success, answer.text
    eventually(world.is_gone, timeout=60)
    operator.wait_until_ready()


def test_a_namespace_goes_also_when_its_bot_never_ran_and_the_operator_starts_late(
    world: World, stack: ExitStack, tmp_path: Path
) -> None:
    operator = start_operator(stack, world, tmp_path / "op")
    world.create("one")
    eventually(partial(world.has_reason, "one", "Ready", "Starting"))
    assert operator.run.stop() == 0

    world.cluster.api.delete(f"/api/v1/namespaces/{world.namespace}").raise_for_status()
    path = f"/apis/apps/v1/namespaces/{world.namespace}/statefulsets"
    eventually(lambda: not world.cluster.api.get(path).json()["items"], timeout=60)
    start_operator(stack, world, tmp_path / "op")

    eventually(world.is_gone, timeout=60)
