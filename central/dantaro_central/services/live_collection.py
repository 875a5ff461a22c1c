"""The collection of a venue: many markets that come one by one, and what the clock asks for.

Market time begins with the first traded market; the others follow while it goes on, traded ones
first. A market is stored as used once its history is, so a worker that was killed goes on with the
one that was under way.
"""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from dantaro_central.core.candles import MINUTE, Aggregator, Candle, floor_time
from dantaro_central.core.findings import Batch, Findings, PublicMood
from dantaro_central.core.market_clock import HISTORY_COMING, Market, MarketClock, MarketUse
from dantaro_central.core.market_state import CANDLES_KEPT
from dantaro_central.core.silence import Silence, silent_markets, without
from dantaro_central.errors import DatabaseDownError
from dantaro_central.live_ports import LiveSource, LiveStore, WishStore
from dantaro_central.ports import Outline
from dantaro_central.services.collection import CollectionService
from dantaro_crds.errors import NotFoundError, TransientError
from dantaro_crds.values import Interval, utc_text

__all__ = ["LiveCollection"]

_HOUR = Interval.M60.span
_REREAD = timedelta(hours=2)
_REACH = timedelta(days=91)
_SHORT = (Interval.M5, Interval.M15, Interval.M30)
_MOST_TRADED = 200
"""Markets with 1-minute candles: one call each a minute, of 480 that the venue allows."""

_SLACK = timedelta(days=2)
_DAYS = 400

_REBUILT = (
    (Interval.M1, (Interval.M5, Interval.M15, Interval.M30, Interval.M60)),
    (Interval.M60, (Interval.M240, Interval.D1)),
)


class LiveCollection(CollectionService):
    """Brings the stored market of a venue forward."""

    def __init__(
        self, source: LiveSource, store: LiveStore, wishes: WishStore, **more: Any
    ) -> None:
        self._venue = _StagedSource(source, store, wishes)
        super().__init__(self._venue, store, store, **more)
        self._live = source
        self._outside.cautions = source.cautions
        self._stored = store
        self._turn = asyncio.Lock()
        self._silences: dict[str, Silence] = {}
        self._told: dict[str, datetime] = {}
        self._silent: dict[str, datetime] = {}
        self._is_torn = False

    @property
    def problems(self) -> list[str]:
        """What a person should know, one sentence each."""
        found = [self._live.clock_problem] if self._live.clock_problem else []
        pending, all_of = len(self._venue.pending), len(self._markets)
        if pending:
            found.append(f"history: {all_of} of {all_of + pending} markets")
        found += [
            f"market {symbol} is not analysed: its last trade is of {utc_text(since)}, while "
            "others are traded"
            for symbol, since in sorted(self._silent.items())
        ]
        return found

    async def start(self) -> MarketClock:
        """Bring everything to where it was, or to the start of the market."""
        clock = await super().start()
        for market in self._markets:
            self._listen(market)
        return clock

    async def advance(self, due: datetime) -> MarketClock:
        """Move market time towards `due` by one step."""
        async with self._turn:
            with self._whole():
                if self._is_torn:
                    await self.start()
                    self._is_torn = False
                return await super().advance(due)

    async def admit_next(self) -> bool:
        """Take in the next market whose history is not stored; return whether there was one.

        Raises:
            TransientError: The venue does not answer now; the market comes last of all.
        """
        market = next(iter(self._venue.pending.values()), None)
        if market is None:
            return False
        try:
            await self._admit(market)
        except NotFoundError:
            self._stored.put_markets([_gone(market.symbol)])
        except TransientError:
            self._venue.pending[market.symbol] = self._venue.pending.pop(market.symbol)
            raise
        self._venue.pending.pop(market.symbol, None)
        return True

    async def take_up_wishes(self) -> int:
        """Fetch 1-minute candles of the markets that bots asked for; return how many came."""
        analysed = {m.symbol: m for m in self._markets if m.use is MarketUse.ANALYSED}
        wished = sorted(analysed.keys() & set(self._venue.load_wishes()))
        room = _MOST_TRADED - (len(self._markets) - len(analysed))
        for symbol in wished[: max(room, 0)]:
            await self._admit(Market(symbol=symbol, use=MarketUse.TRADED))
        return len(wished[: max(room, 0)])

    async def list_again(self) -> tuple[int, int]:
        """Look which markets there are; return how many are new and how many are gone.

        Raises:
            TransientError: The venue does not answer now, or lists hardly any market.
        """
        clock = self._present()
        outline = await self._venue.listing(clock.start)
        usable = {m.symbol for m in outline.markets if m.use is not MarketUse.BROKEN}
        gone = [m.symbol for m in self._markets if m.symbol not in usable]
        if 2 * len(gone) > len(self._markets) > 1:
            raise TransientError(
                f"expected most of {len(self._markets)} markets, found {len(gone)} of them gone: "
                "the list of the venue is not believed"
            )
        known = {m.symbol for m in self._markets} | self._venue.pending.keys()
        new = [m for m in outline.markets if m.symbol in usable and m.symbol not in known]
        for symbol in gone:
            self._leave(symbol)
        for market in new:
            self._venue.pending[market.symbol] = market
        self._stored.put_markets([_gone(s) for s in gone] + [_coming(m.symbol) for m in new])
        return len(new), len(gone)

    async def fetch_hours(self) -> int:
        """Fetch the 60-minute candles of the markets without 1-minute ones; return how many."""
        count = 0
        for market in [m for m in self._markets if m.use is MarketUse.ANALYSED]:
            until = floor_time(self._present().cursor, _HOUR)
            newest = self._state.load_newest(market.symbol, Interval.M60, count=1)
            after = newest[-1].time + _HOUR if newest else until - _REACH
            if after >= until:
                continue
            try:
                hours = await self._live.candles(
                    market.symbol, Interval.M60, after=after, until=until
                )
            except NotFoundError:
                continue
            if hours:
                self._take_hours(market, hours)
            count += len(hours)
        return count

    async def fetch_prices(self) -> int:
        """Fetch last prices of all markets and order books of the traded ones; return how many."""
        quotes = await self._live.quotes()
        uses = {market.symbol: market.use for market in self._markets}
        self._told = {symbol: quote.traded for symbol, quote in quotes.items()}
        self._stored.put_tickers(
            {
                symbol: quote.ticker
                for symbol, quote in quotes.items()
                if uses.get(symbol) is MarketUse.ANALYSED
            }
        )
        traded = [symbol for symbol, use in uses.items() if use is MarketUse.TRADED]
        books = await self._live.order_books(traded)
        self._stored.put_order_books(books)
        spreads = {symbol: json.loads(body)["spread"] for symbol, (_, body) in books.items()}
        self._outside.spreads = {
            symbol: float(spread) for symbol, spread in spreads.items() if spread is not None
        }
        return len(quotes)

    def hear(self, mood: PublicMood) -> None:
        """Take note of a public fear-and-greed index."""
        self._outside.mood = mood

    async def read_again(self) -> int:
        """Fetch the last two hours of minutes again; correct what came late; return how many."""
        count = 0
        for market in [m for m in self._markets if m.use is MarketUse.TRADED]:
            until = self._present().cursor
            after = max(until - _REREAD, self._present().start)
            try:
                found = await self._live.candles(
                    market.symbol, Interval.M1, after=after, until=until
                )
            except NotFoundError:
                continue
            async with self._turn:
                corrected = self._correct(market, found, until)
            count += corrected
        return count

    def silent_since(self, symbol: str) -> datetime | None:
        """Return the last trade of a market whose candles are too old to be true, else None."""
        return self._silent.get(symbol)

    def used(self) -> Sequence[Market]:
        """Return the markets that are collected."""
        return tuple(self._markets)

    def market_time(self) -> datetime:
        """Return market time."""
        return self._present().cursor

    def _review(self, batch: Batch, findings: Findings, until: datetime) -> Findings:
        """Leave out the analyses of silent markets: they would pass old prices for new ones."""
        for symbol, minutes in batch.minutes.items():
            if symbol in self._silences:
                self._silences[symbol].take(minutes)
        self._silent = silent_markets(self._silences, until=until, told=self._told)
        for market in self._markets:
            if market.use is MarketUse.ANALYSED:
                # `fetch_prices` knows a newer price than the last hour's.
                findings.tickers.pop(market.symbol, None)
        return without(findings, self._silent)

    async def _admit(self, market: Market) -> None:
        hour = floor_time(self._present().cursor, _HOUR)
        await self._venue.prefetch(market, before=hour)
        async with self._turn:
            state = await self._catch_up(market, self._present())
            self._leave(market.symbol)
            self._analyst.add(state)
            self._markets = [*self._markets, market]
            self._listen(market)

    def _take_hours(self, market: Market, hours: Sequence[Candle]) -> None:
        cursor = self._present().cursor
        batch = Batch(minutes={}, hours={market.symbol: hours})
        findings = self._analyst.digest(batch, after=cursor, until=cursor)
        findings.tickers.clear()
        with self._whole():
            self._stored.add_market(batch, findings, market=None)
        self._silences[market.symbol].take(hours)

    def _correct(self, market: Market, found: Sequence[Candle], until: datetime) -> int:
        before = {
            c.time: c
            for c in self._state.load_candles(
                market.symbol, Interval.M1, since=until - _REREAD - MINUTE
            )
        }
        corrected = self._stored.correct(market.symbol, Interval.M1, found)
        if corrected:
            times = [c.time for c in found if before.get(c.time) != c]
            self._rebuild(market.symbol, times, until)
            self._analyst.add(self._restored(market, self._present()))
        return corrected

    def _rebuild(self, symbol: str, times: Sequence[datetime], until: datetime) -> None:
        for shorter, longer in _REBUILT:
            for interval in longer:
                for bucket in sorted({floor_time(time, interval.span) for time in times}):
                    if bucket >= self._present().start and bucket + interval.span <= until:
                        self._build(symbol, shorter, interval, bucket)

    def _build(self, symbol: str, shorter: Interval, interval: Interval, bucket: datetime) -> None:
        builder = Aggregator(interval, since=bucket)
        end = bucket + interval.span
        for candle in self._stored.load_span(symbol, shorter, since=bucket, before=end):
            builder.add(candle)
        if built := builder.close(end):
            self._stored.correct(symbol, interval, [built])

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Note that memory went ahead of what is stored: `advance` begins with `start` then."""
        try:
            yield
        except DatabaseDownError:
            self._is_torn = True
            raise

    def _listen(self, market: Market) -> None:
        traded = market.use is MarketUse.TRADED
        interval = Interval.M1 if traded else Interval.M60
        silence = self._silences[market.symbol] = Silence(interval.span)
        silence.take(self._state.load_newest(market.symbol, interval, count=1500 if traded else 72))

    def _leave(self, symbol: str) -> None:
        self._markets = [market for market in self._markets if market.symbol != symbol]
        self._analyst.drop(symbol)
        self._silences.pop(symbol, None)
        self._silent.pop(symbol, None)

    def _present(self) -> MarketClock:
        assert self._clock is not None, "start() comes first"
        return self._clock


class _StagedSource:
    """The venue, of which the first start sees the first traded market alone."""

    def __init__(self, source: LiveSource, store: LiveStore, wishes: WishStore) -> None:
        self._source = source
        self._store = store
        self._wishes = wishes
        self._fetched: tuple[Market, datetime, dict[Interval, list[Candle]]] | None = None
        self.identity = source.identity
        self.pending: dict[str, Market] = {}

    def load_wishes(self) -> set[str]:
        """Return the markets that bots asked for."""
        return set(self._wishes.load_wishes())

    async def listing(self, start: datetime | None) -> Outline:
        """Return all markets as they are to be used, those that bots asked for traded."""
        outline = await self._source.prepare(start)
        wishes = self.load_wishes()
        markets = [
            Market(symbol=m.symbol, use=MarketUse.TRADED)
            if m.use is MarketUse.ANALYSED and m.symbol in wishes
            else m
            for m in outline.markets
        ]
        return replace(outline, markets=markets)

    async def prepare(self, start: datetime | None) -> Outline:
        """Return the markets; those whose history is not stored yet are left for later."""
        outline = await self.listing(start)
        stored = {} if start is None else self._store.load_markets()
        traded = [m for m in outline.markets if m.use is MarketUse.TRADED]
        analysed = [m for m in outline.markets if m.use is MarketUse.ANALYSED]
        ready = {m.symbol for m in (*traded, *analysed) if m == stored.get(m.symbol)}
        if start is None:
            ready = {market.symbol for market in traded[:1]}
        self.pending = {m.symbol: m for m in (*traded, *analysed) if m.symbol not in ready}
        markets = [_coming(m.symbol) if m.symbol in self.pending else m for m in outline.markets]
        return replace(outline, markets=markets)

    async def prefetch(self, market: Market, *, before: datetime) -> None:
        """Fetch the history of a market that is asked for next."""
        self._fetched = (market, before, await self.history(market, before=before))

    async def history(self, market: Market, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Return the candles that closed by `before`: hours and days, as far as they are not
        stored, and as many of 5 to 30 minutes as a traded market's analysis looks at.
        """
        if self._fetched is not None and self._fetched[:2] == (market, before):
            return self._fetched[2]
        history = await self._longer(market, before)
        for interval in _SHORT if market.use is MarketUse.TRADED else ():
            until = floor_time(before, interval.span)
            after = until - CANDLES_KEPT[interval] * interval.span
            history[interval] = await self._source.candles(
                market.symbol, interval, after=after, until=until
            )
        return history

    async def _longer(self, market: Market, before: datetime) -> dict[Interval, list[Candle]]:
        symbol = market.symbol
        hours = self._store.load_candles(symbol, Interval.M60, since=before - _REACH)
        hours = [candle for candle in hours if candle.time + _HOUR <= before]
        if not hours or hours[0].time > before - _REACH + _SLACK:
            return await self._source.history(market, before=before)
        after = hours[-1].time + _HOUR
        if after < before:
            hours += await self._source.candles(symbol, Interval.M60, after=after, until=before)
        return {
            Interval.M60: hours,
            Interval.D1: [
                day
                for day in self._store.load_newest(symbol, Interval.D1, count=_DAYS)
                if day.time + Interval.D1.span <= before
            ],
        }

    async def fetch(self, markets: Sequence[Market], *, after: datetime, until: datetime) -> Batch:
        """Return the candles that closed in (after, until]."""
        return await self._source.fetch(markets, after=after, until=until)


def _coming(symbol: str) -> Market:
    return Market(symbol=symbol, use=MarketUse.UNUSED, reason=HISTORY_COMING)


def _gone(symbol: str) -> Market:
    reason = f"the venue lists {symbol} no longer"
    return Market(symbol=symbol, use=MarketUse.UNUSED, reason=reason)
