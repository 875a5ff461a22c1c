"""Upbit's public REST API as a source.

Source:
    `upbit.md`, sections 1, 5, 6 and 8.
"""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx

from dantaro_central.core.analysis import Batch
from dantaro_central.core.candles import MINUTE, Candle, floor_time
from dantaro_central.core.market_clock import Market, MarketUse, SourceIdentity
from dantaro_central.core.upbit_candles import fill_minutes, to_candles
from dantaro_central.ports import Outline
from dantaro_crds.errors import NotFoundError, RateLimitedError, SpecError, TransientError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, utc_text

__all__ = ["UPBIT_URL", "UpbitSource"]

UPBIT_URL = "https://api.upbit.com/v1"
"""Korea, the only region with KRW markets."""

_PAGE = 200
_CALLS_PER_SECOND = 8
_BLOCKED_PAUSE = timedelta(seconds=60)
_TIMEOUT_SECONDS = 10.0

_HISTORY: dict[Interval, tuple[str, timedelta]] = {
    Interval.M60: ("minutes/60", timedelta(days=91)),
    Interval.M240: ("minutes/240", timedelta(days=91)),
    Interval.D1: ("days", timedelta(days=200)),
}
"""Path and reach of the longer candles before the start."""


class UpbitSource:
    """Fetches candles; market time is wall time."""

    def __init__(self, *, client: httpx.AsyncClient, symbols: Sequence[str], clock: Clock) -> None:
        """Choose markets.

        Args:
            client: With the base URL set; closed by its owner.
            symbols: KRW markets, n >= 1.
            clock: Wall time and waiting.
        """
        self._client = client
        self._symbols = symbols
        self._clock = clock
        self._next_call = 0.0
        self.identity = SourceIdentity(name="upbit", live=True)

    async def prepare(self, start: datetime | None) -> Outline:
        """Return the markets that Upbit lists; the start is the full hour, so that hours are whole.

        Raises:
            TransientError: Upbit does not answer as it should.
        """
        rows = await self._get("market/all", {})
        if not isinstance(rows, list):
            raise TransientError(f"Upbit market/all: expected a list, found {str(rows)[:80]}")
        listed = {row.get("market") for row in rows if isinstance(row, dict)}
        return Outline(
            markets=[_market(symbol, is_listed=symbol in listed) for symbol in self._symbols],
            start=start or floor_time(self._clock.now(), Interval.M60.span),
        )

    async def history(self, symbol: str, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Return the longer candles that closed by `before`.

        Raises:
            TransientError: Upbit does not answer as it should.
        """
        return {
            interval: await self._closed(path, symbol, interval, before - reach, before)
            for interval, (path, reach) in _HISTORY.items()
        }

    async def fetch(self, markets: Sequence[Market], *, after: datetime, until: datetime) -> Batch:
        """Return one candle for each minute that closed in (after, until].

        Raises:
            TransientError: Upbit does not answer as it should.
        """
        minutes: dict[str, Sequence[Candle]] = {}
        for market in markets:
            # One candle more: the last trade before fills minutes without one.
            found = await self._closed(
                "minutes/1", market.symbol, Interval.M1, after - MINUTE, until
            )
            minutes[market.symbol] = fill_minutes(found, after=after, until=until)
        return Batch(minutes=minutes)

    async def _closed(
        self, path: str, symbol: str, interval: Interval, since: datetime, until: datetime
    ) -> list[Candle]:
        """Return the candles that closed by `until`, back to one that opened by `since`."""
        found: list[Candle] = []
        to = until
        while True:
            wanted = -(-(to - since) // interval.span)
            count = min(max(wanted, 1), _PAGE)
            page = await self._page(path, symbol, to=to, count=count)
            found = [candle for candle in page if candle.time < to] + found
            if len(page) < count or not page or page[0].time <= since or page[0].time >= to:
                closed = {c.time: c for c in found if c.time + interval.span <= until}
                return [*closed.values()]
            to = page[0].time

    async def _page(self, path: str, symbol: str, *, to: datetime, count: int) -> list[Candle]:
        rows = await self._get(
            f"candles/{path}", {"market": symbol, "to": utc_text(to), "count": str(count)}
        )
        try:
            return to_candles(rows)
        except SpecError as error:
            raise TransientError(f"Upbit candles/{path} of {symbol}: {error.message}") from error

    async def _get(self, path: str, query: dict[str, str]) -> Any:
        await self._wait_for_turn()
        try:
            response = await self._client.get(path, params=query, timeout=_TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            raise TransientError(
                f"Upbit {path}: expected an answer, found {type(error).__name__}: {error}"
            ) from error
        self._heed(response.headers.get("Remaining-Req", ""))
        if not response.is_success:
            raise _error_of(path, response)
        try:
            return json.loads(response.text, parse_float=Decimal, parse_int=Decimal)
        except ValueError as error:
            raise TransientError(
                f"Upbit {path}: expected JSON, found {response.text[:80]!r}"
            ) from error

    async def _wait_for_turn(self) -> None:
        now = self._clock.monotonic()
        turn = max(self._next_call, now)
        self._next_call = turn + 1 / _CALLS_PER_SECOND
        if turn > now:
            await self._clock.sleep(turn - now)

    def _heed(self, remaining: str) -> None:
        """Wait for the next second when nothing is left of this one."""
        match = re.search(r"\bsec=(\d+)", remaining)
        if match is not None and int(match[1]) == 0:
            self._next_call = max(self._next_call, self._clock.monotonic() + 1.0)


def _market(symbol: str, *, is_listed: bool) -> Market:
    if is_listed:
        return Market(symbol=symbol, use=MarketUse.TRADED)
    return Market(symbol=symbol, use=MarketUse.BROKEN, reason=f"Upbit lists no market {symbol}")


def _error_of(path: str, response: httpx.Response) -> Exception:
    found = f"Upbit {path}: found status {response.status_code}: {response.text[:120]}"
    match response.status_code:
        case 429:
            return RateLimitedError(found, retry_after=timedelta(seconds=1))
        case 418:
            return RateLimitedError(found, retry_after=_block_of(response.text))
        case 404:
            return NotFoundError(found)
        case status if status >= 500:
            return TransientError(found)
    return SpecError(found)


def _block_of(text: str) -> timedelta:
    """Return how long a block lasts, from its message; a minute when it does not say."""
    match = re.search(r"(\d+)\s*(second|sec|minute|min|초|분)", text)
    if match is None:
        return _BLOCKED_PAUSE
    unit = timedelta(minutes=1) if match[2] in {"minute", "min", "분"} else timedelta(seconds=1)
    with suppress(OverflowError):
        return int(match[1]) * unit
    return _BLOCKED_PAUSE
