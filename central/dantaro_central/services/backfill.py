"""Fills the history of a live source, page by page, newest first."""

from collections.abc import Callable
from datetime import datetime, timedelta

from dantaro_central.core.candles import floor_time
from dantaro_central.live_ports import LiveSource, LiveStore
from dantaro_crds.errors import NotFoundError, TransientError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, utc_text

__all__ = ["BackfillService"]

_PAGE = 200
_TRIES = 6


class BackfillService:
    """Stores candles that are missing; a page that is stored whole is not fetched again."""

    def __init__(
        self, source: LiveSource, store: LiveStore, clock: Clock, *, tell: Callable[[str], None]
    ) -> None:
        """Choose the source and the database.

        Args:
            source: Where candles come from.
            store: Where they go.
            clock: Pauses between tries.
            tell: Takes one line of progress.
        """
        self._source = source
        self._store = store
        self._clock = clock
        self._tell = tell

    async def fill(self, symbol: str, interval: Interval, *, days: int) -> int:
        """Fetch and store the closed candles of the last days; return how many were missing.

        Raises:
            NotFoundError: The venue does not know the market.
            TransientError: The venue did not answer in six tries.
        """
        until = floor_time(self._source.now(), interval.span)
        first = until - timedelta(days=days)
        total = -(-(until - first) // (_PAGE * interval.span))
        stored = 0
        for page in range(1, total + 1):
            begin = max(until - _PAGE * interval.span, first)
            if not self._is_whole(symbol, interval, begin, until):
                stored += await self._fill_page(symbol, interval, begin, until)
            until = begin
            self._tell(
                f"{symbol} {interval}: page {page} of {total}, back to {utc_text(begin)}, "
                f"{stored} candles stored"
            )
        return stored

    def _is_whole(self, symbol: str, interval: Interval, begin: datetime, end: datetime) -> bool:
        known = self._store.load_span(symbol, interval, since=begin, before=end)
        return len(known) >= (end - begin) // interval.span

    async def _fill_page(
        self, symbol: str, interval: Interval, begin: datetime, end: datetime
    ) -> int:
        backoff = Backoff(first=1.0, longest=60.0)
        while True:
            try:
                found = await self._source.candles(symbol, interval, after=begin, until=end)
            except TransientError as error:
                if backoff.failures + 1 >= _TRIES:
                    raise
                pause = backoff.next()
                if error.retry_after is not None:
                    pause = max(pause, error.retry_after.total_seconds())
                self._tell(f"{symbol} {interval}: trying again in {pause:.0f} s: {error.message}")
                await self._clock.sleep(pause)
                continue
            return self._store.correct(symbol, interval, found)

    async def symbols(self) -> list[str]:
        """Return all markets of the venue."""
        outline = await self._source.prepare(None)
        return [market.symbol for market in outline.markets]

    async def fill_all(self, symbols: list[str], interval: Interval, *, days: int) -> list[str]:
        """Fill several markets; return what went wrong, one sentence each."""
        wrong: list[str] = []
        for symbol in symbols or await self.symbols():
            try:
                await self.fill(symbol, interval, days=days)
            except NotFoundError as error:
                wrong.append(f"{symbol}: {error.message}")
        return wrong
