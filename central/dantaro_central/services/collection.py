"""The worker's step: fetch candles, analyse, store both, move market time."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from dantaro_central.core.analysis import Analyst
from dantaro_central.core.candles import Candle, complete_history, floor_time
from dantaro_central.core.findings import Batch, Findings, Outside
from dantaro_central.core.market_clock import Market, MarketClock, MarketUse, SourceIdentity
from dantaro_central.core.market_state import ANALYSIS_EVERY, CANDLES_KEPT, MarketState
from dantaro_central.errors import SourceChangedError
from dantaro_central.ports import CandleSource, CandleStore, Outline, StateStore
from dantaro_central.services.analyst import RulesService
from dantaro_crds.values import Interval

__all__ = ["CollectionService"]

_ROWS_PER_STEP = 240
"""Most 1-minute candles stored at once: a few milliseconds, so that the API is not kept waiting."""

_USED = {MarketUse.TRADED, MarketUse.ANALYSED}


class CollectionService:
    """Brings the stored market forward."""

    def __init__(
        self,
        source: CandleSource,
        state: StateStore,
        store: CandleStore,
        *,
        rules: RulesService | None = None,
    ) -> None:
        """Choose where candles come from and where they go.

        Args:
            source: Where candles come from.
            state: What is stored.
            store: Where candles and analyses go.
            rules: Who decides on the analyses; None: nobody, or somebody beside them.
        """
        self._source = source
        self._state = state
        self._store = store
        self._rules = rules
        self._outside = Outside()
        self._analyst = Analyst([])
        self._markets: Sequence[Market] = ()
        self._end: datetime | None = None
        self._clock: MarketClock | None = None

    async def start(self) -> MarketClock:
        """Bring everything to where it was, or to the start of the market; repeatable until it
        works.

        Raises:
            SourceChangedError: The database holds the market of another source.
            SpecError: The source cannot be used.
            TransientError: The source does not answer now.
        """
        stored = self._state.load_clock()
        if stored is not None:
            _refuse_other(stored.source, self._source.identity)
        outline = await self._source.prepare(stored.start if stored else None)
        self._markets = [market for market in outline.markets if market.use in _USED]
        self._end = outline.end
        if stored is None:
            self._clock = await self._begin(outline)
        else:
            self._clock = await self._resume(outline, stored)
        return self._clock

    async def advance(self, due: datetime) -> MarketClock:
        """Move market time towards `due` by one step.

        Args:
            due: Market time that is due; not after it, and not after the end of the source.

        Returns:
            New market time; the same when nothing was due.

        Raises:
            TransientError: The source does not answer now; nothing was stored.
        """
        before = self._clock
        assert before is not None, "start() comes first"
        until = self._next(before.cursor, due)
        if until <= before.cursor:
            return before
        batch = await self._source.fetch(self._markets, after=before.cursor, until=until)
        findings = self._analyst.digest(batch, after=before.cursor, until=until)
        findings = self._review(batch, findings, until)
        if self._rules is not None:
            self._rules.decide(findings, self._markets)
        clock = MarketClock(
            source=before.source,
            start=before.start,
            cursor=until,
            ended=until == self._end,
        )
        self._store.advance(clock, before=before, batch=batch, findings=findings)
        self._clock = clock
        return clock

    def _review(self, batch: Batch, findings: Findings, until: datetime) -> Findings:
        """Return what of the findings is to be stored: all of it."""
        del batch, until
        return findings

    async def _begin(self, outline: Outline) -> MarketClock:
        """Store the history and the first analysis: the one due at the open of the first candle."""
        self._store.clear()
        cursor = outline.start
        states = []
        for market in self._markets:
            history = await self._history(market, before=cursor)
            state = MarketState(market.symbol, since=cursor)
            state.restore(history, until=cursor)
            states.append(state)
        self._analyst = Analyst(states, live=self._source.identity.live, outside=self._outside)
        findings = self._analyst.analyse(floor_time(cursor, ANALYSIS_EVERY))
        if self._rules is not None:
            self._rules.decide(findings, self._markets)
        clock = MarketClock(source=self._source.identity, start=cursor, cursor=cursor)
        self._store.advance(
            clock,
            before=None,
            batch=Batch(minutes={}),
            findings=findings,
            markets=outline.markets,
        )
        return clock

    async def _resume(self, outline: Outline, stored: MarketClock) -> MarketClock:
        """Bring the analyst to the stored market time; markets that are new catch up."""
        before = self._state.load_markets()
        self._analyst = Analyst(
            [],
            trend=self._state.load_trend(),
            live=self._source.identity.live,
            outside=self._outside,
        )
        for market in self._markets:
            known = before.get(market.symbol)
            if known is None or known.use is not market.use:
                self._analyst.add(await self._catch_up(market, stored))
            else:
                self._analyst.add(self._restored(market, stored))
        clock = MarketClock(
            source=stored.source,
            start=stored.start,
            cursor=stored.cursor,
            ended=self._end is not None and stored.cursor >= self._end,
        )
        gone = [_gone(market) for market in before.values() if market.use in _USED]
        present = {market.symbol for market in outline.markets}
        self._store.advance(
            clock,
            before=stored,
            batch=Batch(minutes={}),
            findings=Findings(),
            markets=[
                *outline.markets,
                *(market for market in gone if market.symbol not in present),
            ],
        )
        return clock

    def _restored(self, market: Market, stored: MarketClock) -> MarketState:
        state = MarketState(market.symbol, since=stored.start)
        state.restore(
            {
                interval: self._state.load_newest(market.symbol, interval, count=count)
                for interval, count in CANDLES_KEPT.items()
            },
            until=stored.cursor,
        )
        return state

    async def _catch_up(self, market: Market, stored: MarketClock) -> MarketState:
        """Collect and analyse one market alone up to the stored market time.

        A live market is taken up at the present hour, a recorded or simulated one from the start.
        Killed half-way it begins again, which changes nothing of what is stored.
        """
        cursor = stored.start
        if stored.source.live:
            cursor = floor_time(stored.cursor, Interval.M60.span)
        history = await self._history(market, before=cursor)
        state = MarketState(market.symbol, since=cursor)
        state.restore(history, until=cursor)
        analyst = Analyst([state])
        findings = analyst.analyse(floor_time(cursor, ANALYSIS_EVERY))
        batch = Batch(minutes={})
        while True:
            if self._rules is not None:
                self._rules.decide(findings, [market], is_whole=False)
            is_done = cursor >= stored.cursor
            self._store.add_market(batch, findings, market=market if is_done else None)
            if is_done:
                return state
            until = min(cursor + timedelta(minutes=_ROWS_PER_STEP), stored.cursor)
            batch = await self._source.fetch([market], after=cursor, until=until)
            findings = analyst.digest(batch, after=cursor, until=until)
            cursor = until

    async def _history(self, market: Market, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Fetch and store what closed by `before`."""
        found = await self._source.history(market, before=before)
        history = complete_history(found, until=before)
        self._store.add_history(market.symbol, history)
        return history

    def _next(self, cursor: datetime, due: datetime) -> datetime:
        minutes = max(_ROWS_PER_STEP // max(len(self._markets), 1), 5)
        until = min(due, cursor + timedelta(minutes=minutes))
        return until if self._end is None else min(until, self._end)


def _refuse_other(stored: SourceIdentity, asked: SourceIdentity) -> None:
    if stored != asked:
        raise SourceChangedError(
            f"the database holds the market of another source: expected {asked}, found {stored}; "
            "ask for that one again, or delete the state folder to begin anew"
        )


def _gone(market: Market) -> Market:
    return Market(
        symbol=market.symbol,
        use=MarketUse.UNUSED,
        reason="the source has it no longer, or it was not asked for",
    )
