"""Decisions: the rules decide within the analysis; a language model is asked beside it, so that a
slow one keeps no candle waiting.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from dantaro_central.core.analyst.decisions import MadeDecision, decide, valid_until
from dantaro_central.core.analyst.desk import decisions_of
from dantaro_central.core.analyst.inputs import CANDLES_TOLD, Inputs
from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Findings
from dantaro_central.core.market_clock import Market, MarketUse
from dantaro_central.ports import Analyst, DecisionStore, StateStore
from dantaro_crds.errors import TransientError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, utc_text

__all__ = ["AnalystService", "RulesService", "Seen"]

Seen = Callable[[MadeDecision], None]
"""Called with each decision that was made."""

_AT_ONCE = 4
"""Most markets that are asked about at the same time."""

_SECOND = timedelta(seconds=1)

_log = structlog.get_logger()


class RulesService:
    """Lets the rules decide, as a part of the analysis: at any pace, and after any restart, the
    same candles lead to the same decisions.
    """

    def __init__(self, *, interval: Interval, symbols: Collection[str], seen: Seen) -> None:
        """Choose what is decided on.

        Args:
            interval: Length of the candles.
            symbols: Markets; none: the traded ones.
            seen: Called with each decision.
        """
        self._interval = interval
        self._symbols = symbols
        self._seen = seen
        self._decided: dict[str, datetime] = {}

    def decide(
        self, findings: Findings, markets: Iterable[Market], *, is_whole: bool = True
    ) -> None:
        """Add to findings what the rules decide on them.

        Args:
            findings: Of one batch.
            markets: All that are used.
            is_whole: Whether the market status is of all of them; else it is left out.
        """
        asked = {
            market.symbol
            for market in markets
            if market.use is MarketUse.TRADED
            and (not self._symbols or market.symbol in self._symbols)
        }
        made = decisions_of(findings, interval=self._interval, symbols=asked, is_whole=is_whole)
        findings.decisions.extend(made)
        for decision in made:
            if self._decided.get(decision.symbol) != decision.data_until:
                self._decided[decision.symbol] = decision.data_until
                self._seen(decision)


class AnalystService:
    """One decision for each market and closed candle of a live market."""

    def __init__(
        self,
        store: DecisionStore,
        state: StateStore,
        analyst: Analyst,
        clock: Clock,
        *,
        interval: Interval,
        symbols: Sequence[str],
        seen: Seen,
    ) -> None:
        """Choose an analyst.

        Args:
            store: Decisions.
            state: Market time, markets and candles.
            analyst: Whom to ask.
            clock: Wall time.
            interval: Length of the candles that are decided on.
            symbols: Markets that are decided on; none: the traded ones.
            seen: Called with each decision that was stored.
        """
        self._store = store
        self._state = state
        self._analyst = analyst
        self._clock = clock
        self._interval = interval
        self._symbols = symbols
        self._seen = seen
        self._cursor: datetime | None = None
        self._answered: deque[MadeDecision] = deque()

    async def run_once(self) -> int:
        """Decide on every market whose newest closed candle has no decision yet.

        Killed between an answer and its storing, it asks once more. Without new market time it
        does nothing.

        Returns:
            How many decisions were made.

        Raises:
            TransientError: The database does not answer.
        """
        self._store_answered()
        market = self._state.load_clock()
        if market is None or market.cursor == self._cursor:
            return 0
        now = self._clock.now()
        undecided = [
            inputs
            for inputs in self._store.load_undecided(self._asked(), self._interval)
            if now < valid_until(inputs.closed, self._interval)
        ]
        gate = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for inputs in undecided:
                group.create_task(self._decide(inputs, gate))
        self._cursor = market.cursor
        return len(undecided)

    def _asked(self) -> Sequence[str]:
        traded = [
            market.symbol
            for market in self._state.load_markets().values()
            if market.use is MarketUse.TRADED
        ]
        return [symbol for symbol in traded if not self._symbols or symbol in self._symbols]

    async def _decide(self, inputs: Inputs, gate: asyncio.Semaphore) -> None:
        async with gate:
            told = replace(inputs, candles=self._last_candles(inputs))
            advice = await self._analyst.decide(told)
            decision = decide(
                told,
                advice,
                available=_whole_second(self._clock.now()),
                model=self._analyst.model,
                prompt=self._analyst.prompt,
            )
        self._answered.append(decision)
        with suppress(TransientError):
            self._store_answered()

    def _store_answered(self) -> None:
        """Store what was answered; what cannot be stored now is kept, as it is paid for."""
        while self._answered:
            decision = self._answered[0]
            self._store.save_decision(decision)
            self._answered.popleft()
            self._seen(decision)
            _log.info(
                "analyst decided",
                symbol=decision.symbol,
                candle_closed=utc_text(decision.data_until),
                model=decision.model,
                action=decision.advice.action.value,
                confidence=str(decision.advice.confidence),
                latency_ms=decision.advice.latency_ms,
                cost=str(decision.advice.cost),
            )

    def _last_candles(self, inputs: Inputs) -> list[Candle]:
        since = inputs.candle - (CANDLES_TOLD - 1) * self._interval.span
        known = self._state.load_candles(inputs.symbol, self._interval, since=since)
        return [candle for candle in known if candle.time <= inputs.candle]


def _whole_second(time: datetime) -> datetime:
    """Return the time, rounded up: an analysis that is served already never gains a decision."""
    whole = time.replace(microsecond=0)
    return whole if whole == time else whole + _SECOND
