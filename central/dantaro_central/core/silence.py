"""Markets whose candles have silently grown old.

A venue may answer with old candles for days. Minutes without a trade look the same, so a market is
judged by what is usual for it: it is silent when nothing was traded for longer than three times its
longest pause of the last day, while another market was traded just now. When the venue itself tells
of a later trade, ten minutes are enough.

Source:
    Own choice.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Findings
from dantaro_central.core.recommendations import samples_json, to_samples

__all__ = ["Silence", "silent_markets", "without"]

_SHORTEST = timedelta(minutes=30)
_UNKNOWN = timedelta(hours=6)
_LONGEST = timedelta(hours=12)
_TIMES = 3
_MEMORY = timedelta(days=1)
_PROVEN = timedelta(minutes=10)
_MOVING = timedelta(minutes=10)


class Silence:
    """When one market was last traded, and how long it usually is not."""

    def __init__(self, span: timedelta) -> None:
        """Start without knowledge.

        Args:
            span: Length of the market's candles.
        """
        self._span = span
        self._first: datetime | None = None
        self._pauses: deque[tuple[datetime, timedelta]] = deque()
        self.traded_until: datetime | None = None

    def take(self, candles: Iterable[Candle]) -> None:
        """Take in candles, oldest first; those without volume are fillers."""
        for candle in candles:
            if not candle.volume:
                continue
            if self.traded_until is None:
                self._first = candle.time
            elif (pause := candle.time - self.traded_until) > timedelta(0):
                self._pauses.append((candle.time, pause))
            self.traded_until = candle.time + self._span
            while self._pauses and self._pauses[0][0] < candle.time - _MEMORY:
                self._pauses.popleft()

    def is_silent(self, until: datetime, *, told: datetime | None) -> bool:
        """Return whether the candles are too old to be true.

        Args:
            until: Market time.
            told: Time of the last trade by another answer of the venue, None if there is none.
        """
        if self.traded_until is None:
            return False
        age = until - self.traded_until
        if told is not None and told - self.traded_until > _PROVEN + self._span:
            return age > _PROVEN + self._span
        return age > self._limit()

    def _limit(self) -> timedelta:
        first, last = self._first, self.traded_until
        if first is None or last is None or last - first < _MEMORY:
            return max(_UNKNOWN, self._span * _TIMES)
        longest = max((pause for _, pause in self._pauses), default=timedelta(0))
        return min(max(_SHORTEST, longest * _TIMES, self._span * _TIMES), _LONGEST)


def silent_markets(
    markets: Mapping[str, Silence], *, until: datetime, told: Mapping[str, datetime]
) -> dict[str, datetime]:
    """Return the silent markets with the time up to which they were traded.

    Nothing is silent while no market is traded at all: then the venue rests.

    Args:
        markets: All markets.
        until: Market time.
        told: Last trades by another answer of the venue.
    """
    newest = max((m.traded_until for m in markets.values() if m.traded_until), default=None)
    if newest is None or newest < until - _MOVING:
        return {}
    return {
        symbol: market.traded_until
        for symbol, market in markets.items()
        if market.traded_until and market.is_silent(until, told=told.get(symbol))
    }


def without(findings: Findings, symbols: Collection[str]) -> Findings:
    """Return findings less what tells of some markets; candles stay."""
    if not symbols:
        return findings
    return replace(
        findings,
        levels=[found for found in findings.levels if found[0] not in symbols],
        indicators=[found for found in findings.indicators if found[0] not in symbols],
        scores=[found for found in findings.scores if found[0] not in symbols],
        tickers={name: found for name, found in findings.tickers.items() if name not in symbols},
        samples=[
            (until, samples_json(s for s in to_samples(text) if s.symbol not in symbols))
            for until, text in findings.samples
        ],
    )
