"""The rolling state of one market from which every analysis of it is made.

All windows go by time, so the state at a market time depends on the candles alone: not on how they
came in, and not on when the process was started.
"""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from math import fsum

from dantaro_central.core.candles import Aggregator, Candle, floor_time
from dantaro_central.core.market_status import MarketView
from dantaro_central.core.recommendations import MarketSample
from dantaro_central.core.support_levels import SupportWindows
from dantaro_crds.money import exact
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Ticker

__all__ = ["BUILT_INTERVALS", "MINUTES_KEPT", "MarketState"]

BUILT_INTERVALS = (Interval.M60, Interval.M240, Interval.D1)
"""Intervals that are built of the 1-minute candles."""

_DAY = timedelta(days=1)
_HOUR = Interval.M60.span

MINUTES_KEPT = _DAY + _HOUR
"""How much of the 1-minute candles the state looks at: a day, and the hour that the price of a day
before must lie in."""

_MEAN_HOURS = 50
_MEAN_NEEDED = 40
_RANGE_HOURS = 24
_RANGE_NEEDED = 20
_FRESH_HOURS = 2
_CHANGE_PLACES = Decimal("0.000001")


class MarketState:
    """One market at a market time."""

    def __init__(self, symbol: str, *, since: datetime) -> None:
        """Start empty.

        Args:
            symbol: The market.
            since: Open of the first 1-minute candle that is collected.
        """
        self.symbol = symbol
        self._support = SupportWindows(symbol)
        self._closes: deque[tuple[datetime, Decimal]] = deque()
        self._ranges: deque[tuple[datetime, float]] = deque()
        self._traded: deque[tuple[datetime, float]] = deque()
        self._day: deque[Candle] = deque()
        self._day_volume = Decimal(0)
        self._day_before: Candle | None = None
        self._last_price: Decimal | None = None
        self._builders = {name: Aggregator(name, since=since) for name in BUILT_INTERVALS}
        self._mean_of: datetime | None = None
        self._mean: Decimal | None = None
        self._range: float | None = None
        self._day_value = 0.0

    @exact
    def restore(
        self, *, hours: Iterable[Candle], minutes: Iterable[Candle], until: datetime
    ) -> None:
        """Bring an empty state to `until` by what was stored up to then.

        Args:
            hours: Closed 60-minute candles of the longest window, oldest first.
            minutes: 1-minute candles of `MINUTES_KEPT`, oldest first; their hours are in `hours`.
            until: Market time.
        """
        for hour in hours:
            self.add_hour(hour)
        for minute in minutes:
            self._forget_buckets(minute.time)
            self.add_minute(minute)
        self._forget_buckets(until)

    def _forget_buckets(self, until: datetime) -> None:
        for builder in self._builders.values():
            builder.close(until)

    def add_minute(self, candle: Candle) -> None:
        """Take in a closed 1-minute candle, later than all before."""
        for builder in self._builders.values():
            builder.add(candle)
        self._day.append(candle)
        self._day_volume += candle.volume
        self._last_price = candle.close

    def add_hour(self, candle: Candle) -> None:
        """Take in a closed 60-minute candle, later than all before."""
        self._support.add(candle.time, candle.low)
        self._closes.append((candle.time, candle.close))
        self._ranges.append((candle.time, float((candle.high - candle.low) / candle.close)))
        self._traded.append((candle.time, float(candle.close * candle.volume)))
        self._mean_of = None
        if not self._day:
            self._last_price = candle.close

    def close_buckets(self, until: datetime) -> Iterable[tuple[Interval, Candle]]:
        """Yield the longer candles that ended by `until`; hours are taken in."""
        for interval, builder in self._builders.items():
            if closed := builder.close(until):
                if interval is Interval.M60:
                    self.add_hour(closed)
                yield interval, closed

    def support_levels(self, until: datetime) -> str:
        """Return the support levels by the hours closed up to `until`, JSON of `SupportLevels`."""
        return self._support.text(until, self._last_price)

    def view(self, until: datetime) -> MarketView | None:
        """Return what the market adds to the market status, None with too little history."""
        hour = floor_time(until, _HOUR)
        if self._mean_of != hour:
            self._compute_means(hour)
        if self._mean is None or self._range is None or self._last_price is None:
            return None
        return MarketView(is_above_mean=self._last_price > self._mean, hourly_range=self._range)

    def sample(self, until: datetime) -> MarketSample | None:
        """Return what a recommendation is made of, None with too little or old data."""
        if self.view(until) is None or self._mean is None or self._range is None:
            return None
        hour = floor_time(until, _HOUR)
        if self._last_price is None or self._closes[-1][0] < hour - _FRESH_HOURS * _HOUR:
            return None
        return MarketSample(
            symbol=self.symbol,
            traded=self._day_value,
            above_mean=float(self._last_price / self._mean) - 1,
            hourly_range=self._range,
        )

    def ticker(self, until: datetime) -> Ticker | None:
        """Return the last price and, with a day of candles, its change; None before any."""
        if self._last_price is None:
            return None
        change = volume = None
        if (before := self._price_a_day_before(until)) is not None:
            change = ((self._last_price - before) / before).quantize(_CHANGE_PLACES)
            volume = self._day_volume
        return Ticker(time=until, price=self._last_price, change24h=change, volume24h=volume)

    def _price_a_day_before(self, until: datetime) -> Decimal | None:
        """Return the price 24 hours before, and forget the candles that are older than that."""
        start = until - _DAY
        while self._day and self._day[0].time < start:
            self._day_before = self._day.popleft()
            self._day_volume -= self._day_before.volume
        before = self._day_before
        return before.close if before and before.time >= start - _HOUR else None

    def _compute_means(self, hour: datetime) -> None:
        _drop_before(self._closes, hour - _MEAN_HOURS * _HOUR)
        _drop_before(self._ranges, hour - _RANGE_HOURS * _HOUR)
        _drop_before(self._traded, hour - _RANGE_HOURS * _HOUR)
        self._day_value = fsum(value for _, value in self._traded)
        closes, ranges = self._closes, self._ranges
        self._mean = self._range = None
        if len(closes) >= _MEAN_NEEDED:
            self._mean = sum((close for _, close in closes), Decimal(0)) / len(closes)
        if len(ranges) >= _RANGE_NEEDED:
            self._range = fsum(value for _, value in ranges) / len(ranges)
        self._mean_of = hour


def _drop_before(
    samples: deque[tuple[datetime, Decimal]] | deque[tuple[datetime, float]], time: datetime
) -> None:
    while samples and samples[0][0] < time:
        samples.popleft()
