"""Which pods are read, and when."""

import asyncio
import itertools
import random
from collections.abc import Mapping
from typing import Any

import pytest

from dantaro_crds.errors import AuthenticationError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.v1alpha1.resource import dump
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.bots import Bot, Key
from dantaro_operator.core.children import child_facts
from dantaro_operator.services.collection import CollectService, CollectSettings
from dantaro_operator.services.fleet import BotRecord, Fleet
from dantaro_operator.services.pod_looks import PodLooks
from dantaro_operator.services.work_queue import WorkQueue
from tests.support.bots import make_grid_bot
from tests.support.clock import StepClock

pytestmark = pytest.mark.unit

AFTER = 10.0
PENDING: Mapping[str, Any] = {"metadata": {}, "spec": {}, "status": {"phase": "Pending"}}


def stateful_set(*, ready: int) -> dict[str, Any]:
    return {
        "metadata": {"namespace": "default", "name": "gb-grid", "generation": 1}
        | {"resourceVersion": str(7 + ready), "uid": "u"},
        "spec": {},
        "status": {"readyReplicas": ready, "observedGeneration": 1},
    }


class FakePods:
    """What of a cluster is needed here."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.refused = False

    async def load_pod(self, bot: Bot) -> Mapping[str, Any] | None:
        self.read.append(bot.metadata.name)
        if self.refused:
            raise AuthenticationError("pods is forbidden")
        return PENDING

    async def apply(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        return manifest

    async def mark_pod(self, bot: Bot, marks: Mapping[str, str]) -> None: ...

    async def load_config(self, bot: Bot) -> BotConfig | None: ...


def record(*, ready: int = 0, unanswered: float | None = 0.0) -> BotRecord:
    return BotRecord(
        child=child_facts(stateful_set(ready=ready), known=None), unanswered=unanswered
    )


@pytest.mark.parametrize(
    ("known", "now", "want"),
    [
        pytest.param(record(), AFTER, True, id="no-answer-for-long"),
        pytest.param(record(), AFTER - 1, False, id="no-answer-for-a-moment"),
        pytest.param(record(unanswered=None), 100.0, False, id="answers"),
        pytest.param(record(ready=1), 100.0, False, id="its-pod-is-ready"),
        pytest.param(BotRecord(unanswered=0.0), 100.0, False, id="nothing-was-made"),
    ],
)
def test_only_pods_of_bots_that_do_not_answer_are_read(
    known: BotRecord, now: float, *, want: bool
) -> None:
    assert PodLooks(FakePods(), after=AFTER).is_due(make_grid_bot(), known, now=now) is want


async def test_a_pod_is_not_read_again_at_once_and_forgotten_with_the_answer() -> None:
    pods, bot = FakePods(), make_grid_bot()
    looks = PodLooks(pods, after=AFTER)

    await looks.look(bot, now=AFTER)

    assert looks.facts_of(bot, record()).hindrance is not None
    assert not looks.is_due(bot, record(), now=2 * AFTER - 1)
    assert looks.is_due(bot, record(), now=2 * AFTER)
    assert not looks.is_due(bot, record(unanswered=None), now=2 * AFTER)
    assert looks.facts_of(bot, record()).running


async def test_a_pod_that_may_not_be_read_stops_nothing() -> None:
    pods, bot = FakePods(), make_grid_bot()
    pods.refused = True
    looks = PodLooks(pods, after=AFTER)

    await looks.look(bot, now=AFTER)

    assert pods.read == ["grid"]
    assert looks.facts_of(bot, record()).running


class Mute:
    """A bot that never answers."""

    async def fetch_report(self, url: str) -> BotReport | None:
        return None


async def test_looks_at_the_account_of_a_bot_that_does_not_answer_become_seldom() -> None:
    clock, fleet, bot = StepClock(), Fleet(), make_grid_bot(metadata={"resourceVersion": "1"})
    document = dump(bot)
    document["metadata"] |= {"resourceVersion": "1", "uid": bot.metadata.uid}
    fleet.put(document)
    fleet.record_of(bot.key).child = record().child
    queue: WorkQueue[Key] = WorkQueue(
        monotonic=clock.monotonic, new_backoff=lambda: Backoff(first=1, longest=1)
    )
    collection = CollectService(
        fleet,
        queue,
        Mute(),
        settings=CollectSettings(
            every=30.0,
            silent_after=90.0,
            look_after=AFTER,
            url_of=lambda bot: bot.metadata.name,
        ),
        clock=clock,
        rng=random.Random(1),
    )
    looks = []
    for clock.seconds in range(3600):
        for due in collection.take_due():
            await collection.ask(due)
        if len(queue):
            looks.append(clock.seconds)
            queue.done(await asyncio.wait_for(queue.take(), 1))
    queue.close()

    assert AFTER <= looks[0] < 3 * AFTER
    assert len([time for time in looks if time < 120]) >= 3
    pauses = [after - before for before, after in itertools.pairwise(looks)]
    assert pauses[-1] > 250
    assert 12 <= len(looks) <= 20
