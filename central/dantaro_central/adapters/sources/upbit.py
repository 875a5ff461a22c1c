"""Upbit's public REST API as a source.

Source:
    `upbit.md`, sections 1, 5, 6 and 8.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from dantaro_central.adapters.sources.upbit_client import UpbitClient
from dantaro_central.core.candles import MINUTE, Candle, floor_time
from dantaro_central.core.findings import Batch, Cautions
from dantaro_central.core.market_clock import LIVE_GRACE, Market, MarketUse, SourceIdentity
from dantaro_central.core.upbit_candles import fill_minutes, to_candles
from dantaro_central.core.upbit_quotes import (
    Quote,
    to_cautions,
    to_listed,
    to_order_books,
    to_quotes,
)
from dantaro_central.ports import Outline
from dantaro_crds.errors import NotFoundError, SpecError, TransientError
from dantaro_crds.values import Interval, utc_text

__all__ = ["UpbitSource"]

_T = TypeVar("_T")

_QUOTE = "KRW"
_PAGE = 200
_READ_AHEAD = timedelta(minutes=_PAGE - 5)
_BOOKS_PER_CALL = 80
_HISTORY = timedelta(days=91)
"""Reach of the hours before the start."""

_DAY = Interval.D1.span

_PATHS = {
    Interval.M1: "minutes/1",
    Interval.M5: "minutes/5",
    Interval.M15: "minutes/15",
    Interval.M30: "minutes/30",
    Interval.M60: "minutes/60",
    Interval.M240: "minutes/240",
    Interval.D1: "days",
}

_ANALYSED = "it is analysed by 60-minute candles; it gets 1-minute candles when a bot asks for it"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """1-minute candles that were read at once while market time lies behind."""

    after: datetime
    until: datetime
    candles: Sequence[Candle]


class UpbitSource:
    """Fetches candles; market time is wall time."""

    def __init__(
        self, client: UpbitClient, *, symbols: Sequence[str], traded: Sequence[str] = ()
    ) -> None:
        """Choose markets.

        Args:
            client: Calls Upbit.
            symbols: KRW markets to look at; empty: all.
            traded: Those with 1-minute candles; without any of them all that `symbols` names.
        """
        self._client = client
        self._symbols = symbols
        self._traded = frozenset(traded or symbols)
        self._pages: dict[str, _Page] = {}
        self.identity = SourceIdentity(name="upbit", live=True)
        self.cautions: dict[str, Cautions] = {}
        self.duplicates: Counter[tuple[str, Interval]] = Counter()

    def now(self) -> datetime:
        """Return the wall time, as Upbit sees it."""
        return self._client.now()

    @property
    def clock_problem(self) -> str:
        """What is wrong with this machine's clock, one sentence; empty if nothing is."""
        return self._client.clock_problem

    async def prepare(self, start: datetime | None) -> Outline:
        """Return the markets that Upbit lists; the start is the full hour, so that hours are whole.

        Raises:
            TransientError: Upbit does not answer as it should.
        """
        rows = await self._client.get("market/all", {"is_details": "true"})
        listed = _read("market/all", partial(to_listed, rows, quote=_QUOTE))
        self.cautions.clear()
        self.cautions.update(_read("market/all", partial(to_cautions, rows)))
        asked = {*(self._symbols or listed), *self._traded}
        return Outline(
            markets=[self._market(symbol, listed) for symbol in sorted(asked)],
            start=start or floor_time(self.now(), Interval.M60.span),
        )

    async def history(self, market: Market, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Return the hours of 91 days and 200 days that closed by `before`.

        Raises:
            TransientError: Upbit does not answer as it should.
        """
        symbol, today = market.symbol, floor_time(before, _DAY)
        hours = await self.candles(symbol, Interval.M60, after=before - _HISTORY, until=before)
        # One call: a page holds as many days as an analysis looks at, if it ends with a whole one.
        days = await self.candles(symbol, Interval.D1, after=today - _PAGE * _DAY, until=today)
        return {Interval.M60: hours, Interval.D1: days}

    async def fetch(self, markets: Sequence[Market], *, after: datetime, until: datetime) -> Batch:
        """Return one candle for each minute that closed in (after, until], of the traded markets.

        A market that Upbit does not know is left out.

        Raises:
            TransientError: Upbit does not answer as it should, or `until` is not over there.
        """
        minutes: dict[str, Sequence[Candle]] = {}
        for market in markets:
            if market.use is not MarketUse.TRADED:
                continue
            try:
                minutes[market.symbol] = await self._minutes(market.symbol, after, until)
            except NotFoundError:
                continue
        if until > self.now():
            # Minutes to come must not be filled as if nothing had been traded in them.
            raise TransientError(
                f"expected {utc_text(until)} to be over at Upbit, where it is "
                f"{utc_text(self.now().replace(microsecond=0))}: set this machine's clock"
            )
        return Batch(minutes=minutes)

    async def candles(
        self, symbol: str, interval: Interval, *, after: datetime, until: datetime
    ) -> list[Candle]:
        """Return the candles of an interval that closed in (after, until], oldest first.

        Those of 1m are filled where nothing was traded.

        Raises:
            NotFoundError: Upbit does not know the market.
            TransientError: Upbit does not answer as it should.
        """
        if interval is Interval.M1:
            found = await self._closed(symbol, interval, after - MINUTE, until)
            return list(fill_minutes(found, after=after, until=until))
        found = await self._closed(symbol, interval, after, until)
        return [candle for candle in found if candle.time + interval.span > after]

    async def quotes(self) -> dict[str, Quote]:
        """Return the last price of every KRW market: one call.

        Raises:
            TransientError: Upbit does not answer as it should.
        """
        rows = await self._client.get("ticker/all", {"quote_currencies": _QUOTE})
        now = self.now().replace(microsecond=0)
        return _read("ticker/all", partial(to_quotes, rows, now=now))

    async def order_books(self, symbols: Sequence[str]) -> dict[str, tuple[datetime, str]]:
        """Return time and JSON of the order books of markets; some eighty a call.

        Raises:
            TransientError: Upbit does not answer as it should.
        """
        found: dict[str, tuple[datetime, str]] = {}
        for first in range(0, len(symbols), _BOOKS_PER_CALL):
            names = ",".join(symbols[first : first + _BOOKS_PER_CALL])
            rows = await self._client.get("orderbook", {"markets": names})
            found |= _read("orderbook", partial(to_order_books, rows))
        return found

    def _market(self, symbol: str, listed: Sequence[str]) -> Market:
        if symbol not in listed:
            reason = f"Upbit lists no market {symbol}"
            return Market(symbol=symbol, use=MarketUse.BROKEN, reason=reason)
        if symbol in self._traded:
            return Market(symbol=symbol, use=MarketUse.TRADED)
        return Market(symbol=symbol, use=MarketUse.ANALYSED, reason=_ANALYSED)

    async def _minutes(self, symbol: str, after: datetime, until: datetime) -> Sequence[Candle]:
        page = self._pages.get(symbol)
        if page is None or not page.after < after <= until <= page.until:
            over = floor_time(self.now() - LIVE_GRACE, MINUTE)
            reach = max(until, min(over, after + _READ_AHEAD))
            # One candle more: the last trade before fills minutes without one.
            found = await self._closed(symbol, Interval.M1, after - MINUTE, reach)
            page = self._pages[symbol] = _Page(after=after, until=reach, candles=found)
        if page.until <= until:
            self._pages.pop(symbol)
        return fill_minutes(page.candles, after=after, until=until)

    async def _closed(
        self, symbol: str, interval: Interval, since: datetime, until: datetime
    ) -> list[Candle]:
        """Return the candles that closed by `until`, back to one that opened by `since`."""
        found: list[Candle] = []
        to = until
        while True:
            wanted = -(-(to - since) // interval.span)
            count = min(max(wanted, 1), _PAGE)
            page = await self._page(symbol, interval, to=to, count=count)
            found = [candle for candle in page if candle.time < to] + found
            if len(page) < count or not page or page[0].time <= since or page[0].time >= to:
                closed = {c.time: c for c in found if c.time + interval.span <= until}
                return [*closed.values()]
            to = page[0].time

    async def _page(
        self, symbol: str, interval: Interval, *, to: datetime, count: int
    ) -> list[Candle]:
        path = f"candles/{_PATHS[interval]}"
        query = {"market": symbol, "to": utc_text(to), "count": str(count)}
        rows = await self._client.get(path, query)
        page = _read(f"{path} of {symbol}", partial(to_candles, rows))
        self.duplicates[symbol, interval] += len(page) - len({candle.time for candle in page})
        return page


def _read(what: str, read: Callable[[], _T]) -> _T:
    try:
        return read()
    except SpecError as error:
        raise TransientError(f"Upbit {what}: {error.message}") from error
