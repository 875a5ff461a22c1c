"""What becomes of an account's knowledge when an object goes while it is written to."""

from collections.abc import Mapping
from typing import Any

import pytest

from dantaro_crds.errors import NotFoundError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.v1alpha1.resource import Resource, dump
from dantaro_operator.core.bots import Key
from dantaro_operator.core.cluster.names import FINALIZER
from dantaro_operator.ports import Objects
from dantaro_operator.services.accounts import AccountPorts, AccountService, AccountSettings
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.work_queue import WorkQueue
from tests.support.bots import make_allocation, make_grid_bot, make_settings, share
from tests.support.clock import StepClock
from tests.support.manifests import make_cluster_settings

pytestmark = pytest.mark.unit

ACCOUNT = make_allocation(shares=[share("GridBot", "grid")])
BOT = make_grid_bot()
GOING = {
    "finalizers": [FINALIZER],
    "deletionTimestamp": "2026-01-31T09:00:00Z",
    "annotations": {"dantaro.io/force-delete": "true"},
}


def document(resource: Resource, version: int) -> dict[str, Any]:
    metadata = dump(resource.metadata) | {"resourceVersion": str(version)}
    return dump(resource) | {"metadata": metadata}


class FakeObjects:
    """Says of every bot that it is not found when it is held, and takes everything else."""

    def __init__(self, *, bot_exists: bool) -> None:
        self._bot_exists = bot_exists
        self._version = 100
        self.released: list[Key] = []

    async def hold(self, resource: Resource) -> Mapping[str, Any]:
        if resource.kind == "GridBot":
            raise NotFoundError("gridbots/grid not found")
        return self._answer(resource)

    async def release(self, resource: Resource) -> None:
        self.released.append(resource.key)

    async def write_status(self, resource: Resource, patch: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._answer(resource)

    async def exists(self, resource: Resource) -> bool:
        return self._bot_exists

    def _answer(self, resource: Resource) -> Mapping[str, Any]:
        self._version += 1
        return document(resource, self._version)


class FakeRecorder:
    """Tells nobody."""

    async def record(self, resource: Resource, notice: object) -> None:
        return None


class World:
    """One account with one bot, of which nothing runs yet."""

    def __init__(self, *resources: Resource, bot_exists: bool) -> None:
        clock = StepClock()
        self.fleet = Fleet()
        self.queue: WorkQueue[Key] = WorkQueue(
            monotonic=clock.monotonic, new_backoff=lambda: Backoff(first=1, longest=1)
        )
        for number, resource in enumerate(resources):
            self.fleet.put(document(resource, number))
        self.objects = FakeObjects(bot_exists=bot_exists)
        port: Objects = self.objects
        no_children: Any = None
        ports = AccountPorts(
            objects=port, children=no_children, recorder=FakeRecorder(), clock=clock
        )
        settings = AccountSettings(plan=make_settings(), cluster=make_cluster_settings())
        self.accounts = AccountService(self.fleet, self.queue, ports, settings)


async def test_a_bot_that_is_not_there_any_more_is_forgotten_and_its_account_looked_at() -> None:
    world = World(ACCOUNT, BOT, bot_exists=False)

    await world.accounts.reconcile(ACCOUNT.key)

    assert list(world.fleet.bots()) == []
    assert await world.queue.take() == ACCOUNT.key


async def test_a_bot_that_is_there_all_the_same_is_kept() -> None:
    world = World(ACCOUNT, BOT, bot_exists=True)

    await world.accounts.reconcile(ACCOUNT.key)

    assert list(world.fleet.bots()) == [BOT]
    assert world.queue.is_idle


async def test_what_was_let_go_is_forgotten_at_once_and_its_account_looked_at() -> None:
    going = make_grid_bot(metadata=GOING)
    world = World(ACCOUNT, going, bot_exists=True)

    await world.accounts.reconcile(ACCOUNT.key)

    assert world.objects.released == [going.key]
    assert list(world.fleet.bots()) == []
    assert await world.queue.take() == ACCOUNT.key


async def test_an_allocation_that_was_let_go_has_its_neighbours_looked_at() -> None:
    going, other = make_allocation(metadata=GOING, shares=[]), make_allocation("other", shares=[])
    world = World(going, other, bot_exists=True)

    await world.accounts.reconcile(going.key)

    assert world.objects.released == [going.key]
    assert {await world.queue.take(), await world.queue.take()} == {going.key, other.key}
