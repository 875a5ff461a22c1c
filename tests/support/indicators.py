"""Indicators written plainly from their definitions, and the analyses that a central would serve.

Every function gives a list as long as its input, None where there are too few values yet. float64,
as in the definitions; only `analyses` makes decimals of the results.

Source: indicators definition, sections 2 to 4.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from math import sqrt

from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Analysis, Candle, Indicators
from dantaro_crds.wire.indicator_names import IndicatorName as Name

__all__ = [
    "Bar",
    "analyses",
    "atr",
    "bollinger",
    "donchian_upper",
    "ema",
    "indicator_values",
    "keltner",
    "macd",
    "rsi",
    "sma",
    "squeeze",
    "true_range",
    "wilder",
]

Series = list[float | None]
Band = tuple[float, float, float]
"""Upper, middle, lower."""

HISTORY = 200
"""Candles that are looked back on; more changes nothing that is seen."""

PERIOD = timedelta(minutes=5)
"""Time between two analyses."""

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@dataclass(kw_only=True)
class Bar:
    """A candle of any length."""

    time: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


def sma(values: Sequence[float], n: int) -> Series:
    """Return the mean of the last n."""
    return [None if i < n - 1 else sum(values[i - n + 1 : i + 1]) / n for i in range(len(values))]


def smoothed(values: Sequence[float], n: int, *, alpha: float, first: int) -> Series:
    """Return an exponential mean that begins at index `first` with the mean of the n up to it."""
    result: Series = [None] * len(values)
    if first >= len(values):
        return result
    mean = sum(values[first - n + 1 : first + 1]) / n
    result[first] = mean
    for i in range(first + 1, len(values)):
        mean += alpha * (values[i] - mean)
        result[i] = mean
    return result


def ema(values: Sequence[float], n: int, *, first: int | None = None) -> Series:
    """Return the exponential mean, alpha 2/(n+1)."""
    return smoothed(values, n, alpha=2 / (n + 1), first=n - 1 if first is None else first)


def wilder(values: Sequence[float], n: int, *, first: int) -> Series:
    """Return Wilder's mean, alpha 1/n."""
    return smoothed(values, n, alpha=1 / n, first=first)


def rsi(closes: Sequence[float], n: int = 14) -> Series:
    """Return the relative strength; 50 where nothing moved."""
    changes = [0.0, *(b - a for a, b in pairwise(closes))]
    ups = wilder([max(change, 0.0) for change in changes], n, first=n)
    downs = wilder([max(-change, 0.0) for change in changes], n, first=n)
    return [
        None if up is None or down is None else 50.0 if up + down == 0 else 100 * up / (up + down)
        for up, down in zip(ups, downs, strict=True)
    ]


def macd(closes: Sequence[float]) -> list[tuple[float, float, float] | None]:
    """Return MACD(12, 26, 9): line, signal, histogram; the fast mean starts with the slow one."""
    fast, slow = ema(closes, 12, first=25), ema(closes, 26)
    line = [a - b for a, b in zip(fast, slow, strict=True) if a is not None and b is not None]
    result: list[tuple[float, float, float] | None] = [None] * len(closes)
    for i, (value, signal) in enumerate(zip(line, ema(line, 9), strict=True)):
        if signal is not None:
            result[25 + i] = (value, signal, value - signal)
    return result


def bollinger(closes: Sequence[float], n: int = 20, k: float = 2.0) -> list[Band | None]:
    """Return the mean with k population standard deviations to each side."""
    result: list[Band | None] = []
    for i, mean in enumerate(sma(closes, n)):
        if mean is None:
            result.append(None)
            continue
        width = k * sqrt(sum((value - mean) ** 2 for value in closes[i - n + 1 : i + 1]) / n)
        result.append((mean + width, mean, mean - width))
    return result


def true_range(bars: Sequence[Bar]) -> list[float]:
    """Return the true ranges; that of the first bar, which has none, is 0 and never used."""
    result = [0.0]
    for before, bar in pairwise(bars):
        last = before.close
        result.append(max(bar.high - bar.low, abs(bar.high - last), abs(bar.low - last)))
    return result[: len(bars)]


def atr(bars: Sequence[Bar], n: int, *, first: int | None = None) -> Series:
    """Return Wilder's mean of the true ranges, from index n on unless told otherwise."""
    return wilder(true_range(bars), n, first=n if first is None else first)


def keltner(middles: Series, ranges: Series, k: float) -> list[Band | None]:
    """Return the middle with k ranges to each side."""
    return [
        None if a is None or b is None else (a + k * b, a, a - k * b)
        for a, b in zip(middles, ranges, strict=True)
    ]


def squeeze(bars: Sequence[Bar]) -> list[bool | None]:
    """Return whether Bollinger(20, 2) lies inside Keltner(EMA20 of closes, 1.5 x ATR20)."""
    closes = [bar.close for bar in bars]
    inner = bollinger(closes)
    outer = keltner(ema(closes, 20), atr(bars, 20), 1.5)
    return [
        None if a is None or b is None else a[2] > b[2] and a[0] < b[0]
        for a, b in zip(inner, outer, strict=True)
    ]


def donchian_upper(bars: Sequence[Bar], n: int = 20) -> Series:
    """Return the highest high of the n bars before each."""
    highs = [bar.high for bar in bars]
    return [None if i < n else max(highs[i - n : i]) for i in range(len(bars))]


def indicator_values(bars: Sequence[Bar]) -> dict[str, Decimal]:
    """Return every indicator of the newest bar that can be computed, days apart."""
    closes = [bar.close for bar in bars]
    volumes = [bar.volume for bar in bars]
    strengths, lines, bands = rsi(closes), macd(closes), bollinger(closes)
    on = squeeze(bars)
    found: dict[Name, float | None] = {
        Name.CLOSE: closes[-1],
        Name.VOLUME: volumes[-1],
        Name.RSI14: strengths[-1],
        Name.DONCHIAN_UPPER20: donchian_upper(bars)[-1],
        Name.SQUEEZE_ON: on[-1],
    }
    if lines[-1] is not None:
        found[Name.MACD_HISTOGRAM] = lines[-1][2]
    if bands[-1] is not None:
        found[Name.BOLLINGER_UPPER], found[Name.BOLLINGER_MIDDLE], found[Name.BOLLINGER_LOWER] = (
            bands[-1]
        )
    if len(bars) > 1:
        found[Name.PREVIOUS_CLOSE] = closes[-2]
        found[Name.PREVIOUS_RSI14] = strengths[-2]
        found[Name.PREVIOUS_SQUEEZE_ON] = on[-2]
        found[Name.VOLUME_SMA20] = sma(volumes, 20)[-2]
        if lines[-2] is not None:
            found[Name.PREVIOUS_MACD_HISTOGRAM] = lines[-2][2]
        if bands[-2] is not None:
            found[Name.PREVIOUS_BOLLINGER_UPPER] = bands[-2][0]
            found[Name.PREVIOUS_BOLLINGER_LOWER] = bands[-2][2]
    before = on[-11:-1]
    if len(before) == 10 and None not in before:
        found[Name.SQUEEZE_BARS10] = sum(map(bool, before))
    return {name: to_decimal(value) for name, value in found.items() if value is not None}


def to_decimal(value: float) -> Decimal:
    """Return a number with at most 12 decimals."""
    return round(Decimal(repr(float(value))), 12)


@dataclass(kw_only=True)
class History:
    """What a central remembers of a market: bars of one interval, and the days."""

    interval: Interval
    bars: deque[Bar] = field(default_factory=lambda: deque(maxlen=HISTORY))
    growing: Bar | None = None
    today: Bar | None = None
    yesterday: Bar | None = None
    known: dict[str, Decimal] = field(default_factory=dict)

    def take(self, candle: Candle) -> None:
        """Take the next closed candle of one minute."""
        since = (candle.time - candle.time.replace(hour=0, minute=0)) % self.interval.span
        start = candle.time - since
        self.growing = grown(self.growing, candle, start)
        if candle.time + MINUTE == start + self.interval.span:
            self.bars.append(self.growing)
            self.growing = None
            self.known = indicator_values(self.bars_list)
        midnight = candle.time.replace(hour=0, minute=0)
        if self.today is not None and self.today.time != midnight:
            is_next = self.today.time + DAY == midnight
            self.yesterday = self.today if is_next else None
            self.today = None
        self.today = grown(self.today, candle, midnight)

    @property
    def bars_list(self) -> list[Bar]:
        """Return the closed bars, oldest first."""
        return list(self.bars)

    def indicators(self) -> Indicators | None:
        """Return what can be said now; None before the first closed bar."""
        if not self.bars:
            return None
        values = dict(self.known)
        if self.today is not None:
            values[Name.DAY_OPEN] = to_decimal(self.today.open)
        if self.yesterday is not None:
            values[Name.PREVIOUS_DAY_HIGH] = to_decimal(self.yesterday.high)
            values[Name.PREVIOUS_DAY_LOW] = to_decimal(self.yesterday.low)
        return Indicators(values=values, time=self.bars[-1].time, interval=self.interval)


def grown(bar: Bar | None, candle: Candle, start: datetime) -> Bar:
    """Return a bar that began at `start` with one more candle in it."""
    high, low = float(candle.high), float(candle.low)
    close, volume = float(candle.close), float(candle.volume)
    if bar is None or bar.time != start:
        first = float(candle.open)
        return Bar(time=start, open=first, high=high, low=low, close=close, volume=volume)
    return Bar(
        time=start,
        open=bar.open,
        high=max(bar.high, high),
        low=min(bar.low, low),
        close=close,
        volume=bar.volume + volume,
    )


def analyses(candles_1m: Iterable[Candle], interval: Interval) -> Iterator[Analysis]:
    """Return an analysis each five minutes, made of the candles that had closed until then.

    Args:
        candles_1m: Without gaps, oldest first.
        interval: Of the indicators.
    """
    history = History(interval=interval)
    for candle in candles_1m:
        history.take(candle)
        closed = candle.time + MINUTE
        if not (closed - closed.replace(hour=0, minute=0)) % PERIOD:
            yield Analysis(data_until=closed, indicators=history.indicators())
