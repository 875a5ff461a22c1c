"""What watches missed is found, and only a watch that stands still counts as one."""

import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from dantaro_crds.errors import TransientError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.v1alpha1.resource import Resource, dump
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.core.bots import Key
from dantaro_operator.core.cluster.names import child_metadata
from dantaro_operator.ports import Collections
from dantaro_operator.services.accounts import AccountPorts, AccountService, AccountSettings
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.health import HealthService
from dantaro_operator.services.resync import ResyncService
from dantaro_operator.services.watching import STATEFUL_SET, WatchService
from dantaro_operator.services.work_queue import WorkQueue
from tests.support.bots import make_grid_bot, make_settings
from tests.support.clock import StepClock
from tests.support.manifests import make_cluster_settings

pytestmark = pytest.mark.unit

BOT = make_grid_bot()
ACCOUNT = ("Allocation", "default", "main")
CHILD: Key = (STATEFUL_SET, "default", "gb-grid")


def document(resource: Resource, version: int) -> dict[str, Any]:
    metadata = dump(resource.metadata) | {"resourceVersion": str(version)}
    return dump(resource) | {"metadata": metadata}


def child(version: int) -> dict[str, Any]:
    metadata = child_metadata(BOT) | {"generation": 1, "resourceVersion": str(version)}
    return {"kind": STATEFUL_SET, "metadata": metadata, "spec": {}}


class FakeCollections:
    """A cluster's objects; `meanwhile` happens after a list was read."""

    def __init__(self, *documents: Mapping[str, Any]) -> None:
        self.objects = {key_of(one): one for one in documents}
        self.meanwhile: Callable[[], None] = lambda: None
        self.is_down = False

    async def fetch_versions(self, kind: str) -> Mapping[Key, int]:
        if self.is_down:
            raise TransientError("down")
        items = self.objects.items()
        found = {k: int(one["metadata"]["resourceVersion"]) for k, one in items if k[0] == kind}
        if kind == BOT.kind:
            self.meanwhile()
        return found

    async def fetch(self, key: Key) -> Mapping[str, Any] | None:
        return self.objects.get(key)

    async def fetch_configs(self) -> Mapping[str, BotConfig]:
        return {}


def key_of(one: Mapping[str, Any]) -> Key:
    return (one["kind"], one["metadata"]["namespace"], one["metadata"]["name"])


class World:
    """Everything around a resync, with a watch that brings what the test says."""

    def __init__(self, collections: FakeCollections) -> None:
        clock = StepClock()
        self.collections = collections
        self.fleet = Fleet()
        self.queue: WorkQueue[Key] = WorkQueue(
            monotonic=clock.monotonic, new_backoff=lambda: Backoff(first=1, longest=1)
        )
        self.watches = WatchService(self.fleet, self.queue)
        self.health = HealthService(queue=self.queue, stalled_after=1)
        port: Collections = collections
        self.resync = ResyncService(
            port,
            self.watches,
            unused_accounts(self.fleet, self.queue, clock),
            self.health,
            fleet=self.fleet,
            queue=self.queue,
            spread=1.0,
            clock=clock,
            rng=random.Random(1),
        )


def unused_accounts(fleet: Fleet, queue: WorkQueue[Key], clock: StepClock) -> AccountService:
    nobody: Any = None
    ports = AccountPorts(objects=nobody, children=nobody, recorder=nobody, clock=clock)
    settings = AccountSettings(plan=make_settings(), cluster=make_cluster_settings())
    return AccountService(fleet, queue, ports, settings)


async def queued(queue: WorkQueue[Key]) -> list[Key]:
    found = []
    while len(queue):
        found.append(await queue.take())
        queue.done(found[-1])
    return found


async def settled(world: World) -> World:
    """Return a world whose watches brought everything."""
    for one in world.collections.objects.values():
        world.watches.changed(one["kind"], one, listed=True)
    await queued(world.queue)
    return world


async def test_nothing_is_missed_where_the_watches_brought_everything() -> None:
    world = await settled(World(FakeCollections(document(BOT, 5), child(6))))

    await world.resync.resync()

    assert (world.health.stalled_watches, world.watches.had_gap) == (set(), False)
    world.queue.close()


async def test_a_watch_that_brings_nothing_is_told_and_what_it_missed_is_taken() -> None:
    world = await settled(World(FakeCollections(document(BOT, 5))))
    world.collections.objects[BOT.key] = document(make_grid_bot(state="Stopped"), 9)

    await world.resync.resync()

    assert world.health.stalled_watches == {"GridBot"}
    assert [bot.spec.state for bot in world.fleet.bots()] == ["Stopped"]
    assert await queued(world.queue) == [ACCOUNT]
    await world.resync.resync()
    assert world.health.stalled_watches == set()
    world.queue.close()


@pytest.mark.parametrize("gone", [BOT.key, CHILD], ids=["bot", "stateful-set"])
async def test_a_deletion_that_nobody_told_is_found_and_is_no_stall(gone: Key) -> None:
    world = await settled(World(FakeCollections(document(BOT, 5), child(6))))
    del world.collections.objects[gone]

    await world.resync.resync()

    assert world.health.stalled_watches == set()
    assert len(list(world.fleet.bots())) == (gone != BOT.key)
    assert (world.fleet.record_of(BOT.key).child is None) is (gone == CHILD)
    assert await queued(world.queue) == [ACCOUNT]
    world.queue.close()


async def test_an_object_made_during_the_list_is_neither_lost_nor_a_stall() -> None:
    world = World(FakeCollections())

    def make() -> None:
        made = document(BOT, 7)
        world.collections.objects[BOT.key] = made
        world.watches.changed("GridBot", made)

    world.collections.meanwhile = make

    await world.resync.resync()

    assert world.health.stalled_watches == set()
    assert list(world.fleet.bots()) == [BOT]
    world.queue.close()


async def test_an_object_deleted_during_the_list_is_no_stall() -> None:
    world = await settled(World(FakeCollections(document(BOT, 5))))

    def delete() -> None:
        gone = world.collections.objects.pop(BOT.key, None)
        if gone is not None:
            world.watches.changed("GridBot", document(BOT, 8), gone=True)

    world.collections.meanwhile = delete

    await world.resync.resync()

    assert world.health.stalled_watches == set()
    assert list(world.fleet.bots()) == []
    world.queue.close()


async def test_a_watch_that_began_anew_leads_to_a_look_for_deletions() -> None:
    world = await settled(World(FakeCollections(document(BOT, 5), child(6))))
    await world.resync.close_gap()
    assert not world.watches.had_gap
    del world.collections.objects[CHILD]
    world.watches.changed("GridBot", document(BOT, 5), listed=True)
    assert world.watches.had_gap

    world.collections.is_down = True
    with pytest.raises(TransientError):
        await world.resync.close_gap()
    assert world.watches.had_gap
    world.collections.is_down = False
    await world.resync.close_gap()

    assert not world.watches.had_gap
    assert world.fleet.record_of(BOT.key).child is None
    assert await queued(world.queue) == [ACCOUNT]


async def test_late_events_of_an_older_namesake_make_nothing_late() -> None:
    world = await settled(World(FakeCollections(document(BOT, 9))))
    older = make_grid_bot(metadata={"uid": "older"})

    world.watches.changed("GridBot", document(older, 7))
    world.watches.changed("GridBot", document(older, 8), gone=True)

    assert world.watches.find_late({BOT.key: 9}) == set()
    assert list(world.fleet.bots()) == [BOT]
