"""The use case of the collector: ask each bot how it is, in its own time."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock
from dantaro_operator.core.bots import Bot, Key
from dantaro_operator.ports import ReportSource
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.work_queue import WorkQueue

__all__ = ["CollectService", "CollectSettings"]

_FIRST_PAUSE = 1.0
"""Seconds until a bot that did not answer is asked again; twice as long each time."""

_JITTER = 0.1
"""Largest part by which a pause is shortened, so that bots spread over the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSettings:
    """How often and how many at a time.

    Attributes:
        every: Seconds between two answers of a bot.
        concurrency: So many are asked at a time.
        silent_after: Seconds in vain after which a bot counts as silent.
        url_of: Address of a bot's status page.
    """

    every: float
    concurrency: int
    silent_after: float
    url_of: Callable[[Bot], str]


@dataclass(slots=True)
class _Turn:
    due: float
    backoff: Backoff
    asking: bool = False


class CollectService:
    """Asks bots that have a StatefulSet. A bot that fails waits longer and delays no other."""

    def __init__(
        self,
        fleet: Fleet,
        queue: WorkQueue[Key],
        source: ReportSource,
        *,
        settings: CollectSettings,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._fleet = fleet
        self._queue = queue
        self._source = source
        self._settings = settings
        self._clock = clock
        self._rng = rng
        self._turns: dict[str, _Turn] = {}
        self._free = asyncio.Semaphore(settings.concurrency)

    def take_due(self) -> list[Bot]:
        """Return the bots whose turn it is, those that wait longest first; `ask` must follow."""
        now = self._clock.monotonic()
        turns: dict[str, _Turn] = {}
        due: list[tuple[float, Bot]] = []
        for bot in self._fleet.bots():
            if self._fleet.record_of(bot.key).child is None:
                continue
            uid = bot.metadata.uid
            turn = self._turns.get(uid) or _Turn(due=now, backoff=self._new_backoff())
            turns[uid] = turn
            if turn.due <= now and not turn.asking:
                turn.asking = True
                due.append((turn.due, bot))
        self._turns = turns
        return [bot for _, bot in sorted(due, key=lambda item: item[0])]

    async def ask(self, bot: Bot) -> None:
        """Ask a bot how it is, and ask for work on its account when that says something new."""
        turn = self._turns[bot.metadata.uid]
        try:
            async with self._free:
                report = await self._source.fetch_report(self._settings.url_of(bot))
        finally:
            turn.asking = False
        now = self._clock.monotonic()
        # Another pod may have got the address of one that is gone.
        if report is None or report.uid != bot.metadata.uid:
            self._missed(bot, now)
            turn.due = now + min(turn.backoff.next(), self._settings.every)
            return
        turn.backoff.reset()
        turn.due = now + self._settings.every * (1 - _JITTER * self._rng.random())
        for account in self._fleet.put_report(report, now=now):
            self._queue.add(account)

    def _missed(self, bot: Bot, now: float) -> None:
        """Ask for a look at the account once, when the bot begins to count as silent."""
        record, home = self._fleet.record_of(bot.key), self._fleet.home_of(bot.metadata.uid)
        if record.unanswered is None and home is not None:
            record.unanswered = now
            self._queue.add_after(home, self._settings.silent_after + 1)

    def _new_backoff(self) -> Backoff:
        return Backoff(
            first=_FIRST_PAUSE, longest=self._settings.every, jitter=_JITTER, rng=self._rng
        )
