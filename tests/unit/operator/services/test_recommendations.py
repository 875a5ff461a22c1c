"""Central is asked only for bots that need it, and only what is new asks for work."""

from dataclasses import dataclass, field

import pytest

from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.v1alpha1.resource import dump
from dantaro_crds.v1alpha1.trading_bot import TradingBot
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.bots import Key
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.recommendations import (
    AGAIN_SECONDS,
    RETRY_SECONDS,
    RecommendationService,
)
from dantaro_operator.services.work_queue import WorkQueue
from tests.support.bots import make_trading_bot
from tests.support.clock import StepClock
from tests.support.recommendations import make_recommendations

pytestmark = pytest.mark.unit

HOME = ("Allocation", "default", "main")
FIRST, SECOND = make_recommendations("KRW-A", "KRW-B"), make_recommendations("KRW-B", "KRW-A")


@dataclass
class Central:
    """Says what the test wants, and counts how often it was asked."""

    answer: tuple[Recommendation, ...] | None = FIRST
    asked: int = 0
    advice: list[tuple[Recommendation, ...] | None] = field(default_factory=list)

    async def fetch_recommendations(self) -> tuple[Recommendation, ...] | None:
        self.asked += 1
        return self.answer


class World:
    def __init__(self, *bots: TradingBot) -> None:
        self.clock = StepClock()
        self.central = Central()
        self.queue: WorkQueue[Key] = WorkQueue(
            monotonic=self.clock.monotonic, new_backoff=lambda: Backoff(first=1, longest=1)
        )
        fleet = Fleet()
        for bot in bots:
            document = dump(bot)
            document["metadata"]["resourceVersion"] = "1"
            fleet.put(document)
        self.service = RecommendationService(
            fleet,
            self.queue,
            self.central,
            advise=self.central.advice.append,
            clock=self.clock,
        )

    async def look(self, *, after: float = 0.0) -> list[Key]:
        """Look and return the accounts that are to be worked on."""
        self.clock.seconds += after
        await self.service.look()
        found = []
        while len(self.queue):
            found.append(await self.queue.take())
            self.queue.done(found[-1])
        return found


AUTO = make_trading_bot(symbol="auto")


async def test_without_a_bot_that_needs_it_nobody_is_asked() -> None:
    world = World(make_trading_bot())
    assert (await world.look(), world.central.asked) == ([], 0)


async def test_a_list_is_asked_for_once_a_minute_and_new_ranks_ask_for_work() -> None:
    world = World(AUTO)
    assert await world.look() == [HOME]
    assert await world.look(after=AGAIN_SECONDS - 1) == []
    assert world.central.asked == 1
    assert await world.look(after=1) == []
    world.central.answer = SECOND
    assert await world.look(after=AGAIN_SECONDS) == [HOME]
    assert world.central.advice == [FIRST, FIRST, SECOND]


async def test_a_central_that_is_away_for_a_moment_takes_nothing_back() -> None:
    world = World(AUTO)
    await world.look()
    world.central.answer = None
    assert await world.look(after=AGAIN_SECONDS) == []
    for _ in range(3):
        assert await world.look(after=RETRY_SECONDS) == []
    assert world.central.advice == [FIRST]
    assert await world.look(after=RETRY_SECONDS) == [HOME]
    assert world.central.advice == [FIRST, None]
    world.central.answer = FIRST
    assert await world.look(after=RETRY_SECONDS) == [HOME]
