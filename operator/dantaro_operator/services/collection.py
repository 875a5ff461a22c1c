"""The use case of the collector: ask each bot how it is, in its own time."""

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

_LONGEST_LOOK_PAUSE = 300.0
"""Most seconds between two looks at the account of a bot that does not answer."""

_LOOK_SECONDS = 0.1

_JITTER = 0.1
"""Largest part by which a pause is shortened, so that bots spread over the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSettings:
    """How often and how many at a time.

    Attributes:
        every: Seconds between two answers of a bot.
        silent_after: Seconds in vain after which a bot counts as silent.
        look_after: Seconds in vain after which its account is looked at, then in growing pauses.
        url_of: Address of a bot's status page.
    """

    every: float
    silent_after: float
    look_after: float
    url_of: Callable[[Bot], str]


@dataclass(slots=True)
class _Turn:
    key: Key
    due: float
    backoff: Backoff
    asking: bool = False
    asked: bool = False
    look_due: float = 0.0
    looks: Backoff | None = None


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
        self._shape = -1

    def take_due(self) -> list[Bot]:
        """Return the bots whose turn it is, those that wait longest first; `ask` must follow."""
        now = self._clock.monotonic()
        self._meet(now)
        due = [turn for turn in self._turns.values() if turn.due <= now and not turn.asking]
        bots = []
        for turn in sorted(due, key=lambda turn: turn.due):
            bot = self._fleet.bot(turn.key)
            assert bot is not None
            turn.asking = True
            bots.append(bot)
        return bots

    def _meet(self, now: float) -> None:
        """Give every bot that has a StatefulSet a turn, and nobody else."""
        if self._shape == self._fleet.shape:
            return
        self._shape = self._fleet.shape
        self._turns = {
            bot.metadata.uid: self._turns.get(bot.metadata.uid)
            or _Turn(key=bot.key, due=now, backoff=self._new_backoff())
            for bot in self._fleet.bots_with_child()
        }

    async def wait_for_first_answers(self, *, patience: float) -> None:
        """Wait until every bot was asked once, at most so many seconds.

        Decided before their first answers, each account would be looked at and written twice.
        """
        end = self._clock.monotonic() + patience
        while self._clock.monotonic() < end and not all(
            (turn := self._turns.get(bot.metadata.uid)) is not None and turn.asked
            for bot in self._fleet.bots_with_child()
        ):
            await self._clock.sleep(_LOOK_SECONDS)

    async def ask(self, bot: Bot) -> None:
        """Ask a bot how it is, and ask for work on its account when that says something new."""
        turn = self._turns[bot.metadata.uid]
        try:
            report = await self._source.fetch_report(self._settings.url_of(bot))
        finally:
            turn.asking, turn.asked = False, True
        now = self._clock.monotonic()
        # Another pod may have got the address of one that is gone.
        if report is None or report.uid != bot.metadata.uid:
            self._missed(bot, turn, now)
            turn.due = now + min(turn.backoff.next(), self._settings.every)
            return
        turn.backoff.reset()
        turn.due = now + self._settings.every * (1 - _JITTER * self._rng.random())
        for account in self._fleet.put_report(report, now=now):
            self._queue.add(account)

    def _missed(self, bot: Bot, turn: _Turn, now: float) -> None:
        """Ask for looks at the account: its pod may say why, and it may count as silent by now."""
        record, home = self._fleet.record_of(bot.key), self._fleet.home_of(bot.metadata.uid)
        if home is None:
            return
        if record.unanswered is None or turn.looks is None:
            record.unanswered = now if record.unanswered is None else record.unanswered
            turn.looks = Backoff(
                first=self._settings.look_after,
                longest=_LONGEST_LOOK_PAUSE,
                jitter=_JITTER,
                rng=self._rng,
            )
            turn.look_due = now + self._settings.look_after
            self._queue.add_after(home, self._settings.silent_after + 1)
        elif now >= turn.look_due:
            turn.look_due = now + turn.looks.next()
            self._queue.add(home)

    def _new_backoff(self) -> Backoff:
        return Backoff(
            first=_FIRST_PAUSE, longest=self._settings.every, jitter=_JITTER, rng=self._rng
        )
