"""The rolling state of one market from which every analysis of it is made.

All windows go by time, so the state at a market time depends on the candles alone: not on how they
came in, and not on when the process was started.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import fsum

from dantaro_central.core.analyzers.bars import BARS
from dantaro_central.core.analyzers.days import look_at_days
from dantaro_central.core.analyzers.indicators import DayPrices, MarketIndicators, figures
from dantaro_central.core.candles import MINUTE, Candle, CandleChain, floor_time
from dantaro_central.core.market_status import MarketView
from dantaro_central.core.recommendations import MarketSample
from dantaro_central.core.support_levels import LONGEST_WINDOW, SupportWindows, tick_of
from dantaro_crds.money import exact
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Ticker
from dantaro_crds.wire.indicator_names import IndicatorName

__all__ = ["ANALYSIS_EVERY", "CANDLES_KEPT", "MarketState"]

ANALYSIS_EVERY = timedelta(minutes=5)
"""Market time from one analysis to the next."""

_OF_MINUTES = (Interval.M5, Interval.M15, Interval.M30, Interval.M60)
_OF_HOURS = (Interval.M240, Interval.D1)

_DAY = timedelta(days=1)
_HOUR = Interval.M60.span

CANDLES_KEPT: Mapping[Interval, int] = {
    **dict.fromkeys(Interval, BARS),
    Interval.M1: (_DAY + _HOUR) // MINUTE,
    Interval.M60: LONGEST_WINDOW // _HOUR,
}
"""How many of the newest candles of an interval the state looks at: those that indicators need; of
the minutes a day, and the hour that the price of a day before must lie in; the hours of the longest
window of support levels. More change nothing."""

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
        self._of_minutes = CandleChain(_OF_MINUTES, since=since)
        self._of_hours = CandleChain(_OF_HOURS, since=since)
        self._indicators = MarketIndicators()
        self._days: deque[Candle] = deque(maxlen=2)
        self._mean_of: datetime | None = None
        self._mean: Decimal | None = None
        self._range: float | None = None
        self._day_value = 0.0
        self._busyness: float | None = None

    @exact
    def restore(self, candles: Mapping[Interval, Sequence[Candle]], *, until: datetime) -> None:
        """Bring an empty state to `until` by what was stored up to then.

        Args:
            candles: The newest `CANDLES_KEPT` of each interval, or all that there are, oldest
                first. The hours of the minutes are among the hours.
            until: Market time.
        """
        hours, minutes = candles.get(Interval.M60, ()), candles.get(Interval.M1, ())
        since = self._of_minutes.since
        if hours and floor_time(since, _HOUR) == since:
            # Hours from before the minutes make the first longer candles whole.
            self._of_hours = CandleChain(_OF_HOURS, since=min(hours[0].time, since))
        for hour in hours[:-_MEAN_HOURS]:
            self._support.add(hour.time, hour.low, float(hour.close * hour.volume))
        for hour in hours[-_MEAN_HOURS:]:
            self._of_hours.forget(hour.time)
            self._look_at_hour(hour)
        for minute in minutes:
            self._of_minutes.forget(minute.time)
            self._look_at_minute(minute)
        self._of_minutes.forget(until)
        self._of_hours.forget(until)
        self._days.extend(candles.get(Interval.D1, ())[-2:])
        self._indicators.restore(candles, days=self._day_prices(floor_time(until, ANALYSIS_EVERY)))

    def add_minute(self, candle: Candle) -> None:
        """Take in a closed 1-minute candle, later than all before."""
        self._indicators.add(Interval.M1, candle)
        self._look_at_minute(candle)

    def _look_at_minute(self, candle: Candle) -> None:
        self._of_minutes.add(candle)
        self._day.append(candle)
        self._day_volume += candle.volume
        self._last_price = candle.close

    def add_hour(self, candle: Candle) -> None:
        """Take in a closed 60-minute candle, later than all before."""
        self._indicators.add(Interval.M60, candle)
        self._look_at_hour(candle)

    def _look_at_hour(self, candle: Candle) -> None:
        self._of_hours.add(candle)
        traded = float(candle.close * candle.volume)
        self._support.add(candle.time, candle.low, traded)
        self._closes.append((candle.time, candle.close))
        self._ranges.append((candle.time, float((candle.high - candle.low) / candle.close)))
        self._traded.append((candle.time, traded))
        self._mean_of = None
        if not self._day:
            self._last_price = candle.close

    def close_buckets(self, until: datetime) -> Iterator[tuple[Interval, Candle]]:
        """Yield the longer candles that ended by `until`; they are taken in."""
        for interval, candle in self._of_minutes.close(until):
            if interval is Interval.M60:
                self.add_hour(candle)
            else:
                self._indicators.add(interval, candle)
            yield interval, candle
        for interval, candle in self._of_hours.close(until):
            self._indicators.add(interval, candle)
            if interval is Interval.D1:
                self._days.append(candle)
            yield interval, candle

    def indicator_news(
        self, until: datetime, *, is_first: bool = False
    ) -> Iterator[tuple[Interval, str]]:
        """Yield the intervals with other indicators than at the analysis before `until`.

        Args:
            until: Time of an analysis.
            is_first: There was none before.

        Yields:
            Interval, JSON of `Indicators`.
        """
        days = self._day_prices(until)
        return self._indicators.news(until, days, every=ANALYSIS_EVERY, is_first=is_first)

    def _day_prices(self, until: datetime) -> DayPrices:
        """Return what is known of the day that holds the minute before `until` and the day before.

        A day that was not seen from its open, or had no trade, says nothing.
        """
        day = floor_time(until - MINUTE, _DAY)
        known = {candle.time: candle for candle in self._days}
        opened = known[day].open if day in known else None
        if opened is None and day >= self._of_hours.since:
            opened = self._of_hours.open_price(day, until) or self._of_minutes.open_price(
                day, until
            )
        prices = [] if opened is None else [(IndicatorName.DAY_OPEN, opened)]
        if (before := known.get(day - _DAY)) is not None:
            prices.append((IndicatorName.PREVIOUS_DAY_HIGH, before.high))
            prices.append((IndicatorName.PREVIOUS_DAY_LOW, before.low))
        return tuple(prices)

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
        return MarketView(
            above_mean=float(self._last_price / self._mean) - 1,
            is_above_mean=self._last_price > self._mean,
            hourly_range=self._range,
            busyness=self._busyness,
        )

    def sample(self, until: datetime) -> MarketSample | None:
        """Return what a recommendation is made of, None with too little or old data."""
        if self.view(until) is None or self._mean is None or self._range is None:
            return None
        hour = floor_time(until, _HOUR)
        if self._last_price is None or self._closes[-1][0] < hour - _FRESH_HOURS * _HOUR:
            return None
        bars = self._indicators.bars(Interval.M60, until)
        named = {} if bars is None else dict(figures(bars))
        histogram = named.get(IndicatorName.MACD_HISTOGRAM)
        days = look_at_days(self._indicators.bars(Interval.D1, until))
        tick = tick_of(self.symbol, self._last_price)
        return MarketSample(
            symbol=self.symbol,
            traded=self._day_value,
            above_mean=float(self._last_price / self._mean) - 1,
            hourly_range=self._range,
            rsi=named.get(IndicatorName.RSI14),
            macd=None if histogram is None else histogram / named[IndicatorName.CLOSE],
            percent_b=named.get(IndicatorName.PERCENT_B),
            usual=days.usual,
            day_range=days.day_range,
            drawdown=days.drawdown,
            tick=None if tick is None else float(tick / self._last_price),
            days=days.days,
            hours=self._support.known_share(until),
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
        usual = look_at_days(self._indicators.bars(Interval.D1, hour)).usual
        self._busyness = self._day_value / usual if usual else None
        self._mean_of = hour


def _drop_before(
    samples: deque[tuple[datetime, Decimal]] | deque[tuple[datetime, float]], time: datetime
) -> None:
    while samples and samples[0][0] < time:
        samples.popleft()
