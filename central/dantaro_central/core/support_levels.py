"""Support levels: prices below which a market has seldom been.

Source:
    `indicators.md`, section 5: 5 % quantile (linear interpolation) of the lows of the last 168,
    720 and 2,160 closed 60-minute candles.
"""

from bisect import bisect_left, insort
from collections import deque
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from dantaro_central.core.candles import floor_time
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval
from dantaro_crds.venues import TickTable, rules_for
from dantaro_crds.wire.bundle import SupportLevel, SupportLevels

__all__ = ["LONGEST_WINDOW", "RollingLows", "SupportWindows", "price_floor", "quantile"]

_QUANTILE = Decimal("0.05")
_WINDOW_DAYS = (7, 30, 90)
_SHARE_NEEDED = Decimal("0.8")
_HOUR = Interval.M60.span
_FINEST = Decimal("0.00000001")

LONGEST_WINDOW = timedelta(days=_WINDOW_DAYS[-1])
"""How much history of 60-minute candles the levels look at."""


def quantile(rising: list[Decimal], share: Decimal) -> Decimal:
    """Return a quantile with linear interpolation between the two nearest ranks.

    Args:
        rising: Samples, smallest first, n >= 1.
        share: Fraction 0..1.
    """
    rank = share * (len(rising) - 1)
    below = int(rank)
    if below + 1 >= len(rising):
        return rising[-1]
    return rising[below] + (rising[below + 1] - rising[below]) * (rank - below)


def price_floor(symbol: str, price: Decimal) -> Decimal:
    """Return the largest price <= `price` that the market knows; `price` itself below the smallest.

    Ticks are known of Upbit's markets; others are cut to 8 decimals.
    """
    ticks = _ticks_of(symbol)
    if ticks is None:
        return price.quantize(_FINEST, rounding=ROUND_FLOOR) or price
    return ticks.floor(price) or price


def _ticks_of(symbol: str) -> TickTable | None:
    try:
        return rules_for("upbit", symbol).ticks
    except SpecError:
        return None


class RollingLows:
    """The lows of the last `days` days of hours, kept sorted."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.hours = days * 24
        self.needed = int((self.hours * _SHARE_NEEDED).to_integral_value(ROUND_CEILING))
        self._by_time: deque[tuple[datetime, Decimal]] = deque()
        self._rising: list[Decimal] = []

    def add(self, time: datetime, low: Decimal) -> None:
        """Take in the low of the hour that opened at `time`, later than all before."""
        self._by_time.append((time, low))
        insort(self._rising, low)

    def drop_before(self, time: datetime) -> None:
        """Forget the hours that opened before `time`."""
        while self._by_time and self._by_time[0][0] < time:
            _, low = self._by_time.popleft()
            del self._rising[bisect_left(self._rising, low)]

    def level(self) -> Decimal | None:
        """Return the quantile of the lows, not on a tick; None when too many hours are missing."""
        if len(self._rising) < self.needed:
            return None
        return quantile(self._rising, _QUANTILE)

    def why_none(self) -> str:
        """Return a sentence for a level that cannot be computed."""
        return f"{len(self._rising)} of {self.hours} hours are known, {self.needed} are needed"


class SupportWindows:
    """The three windows of one market, and the levels as text for the wire.

    Levels move with the hours; only `broken` moves with the last price.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._windows = tuple(RollingLows(days) for days in _WINDOW_DAYS)
        self._hour: datetime | None = None
        self._dirty = True
        self._levels: tuple[Decimal | None, ...] = ()
        self._broken: tuple[bool, ...] | None = None
        self._text = ""

    def add(self, time: datetime, low: Decimal) -> None:
        """Take in the low of a closed hour, later than all before."""
        for window in self._windows:
            window.add(time, low)
        self._dirty = True

    def text(self, until: datetime, last_price: Decimal | None) -> str:
        """Return the levels by the hours closed up to `until` as JSON of `SupportLevels`.

        Args:
            until: Market time; every hour added closed by then.
            last_price: Last price by then; None: nothing counts as broken.
        """
        hour = floor_time(until, _HOUR)
        if self._dirty or hour != self._hour:
            self._compute(hour)
        broken = tuple(
            level is not None and last_price is not None and last_price <= level
            for level in self._levels
        )
        if broken != self._broken:
            self._broken = broken
            self._text = self._model(broken).model_dump_json(by_alias=True)
        return self._text

    def _compute(self, hour: datetime) -> None:
        levels: list[Decimal | None] = []
        lowest: Decimal | None = None
        for window in self._windows:
            window.drop_before(hour - timedelta(hours=window.hours))
            level = window.level()
            if level is not None:
                # Quantiles of nested windows are not ordered by themselves: the running minimum is.
                level = lowest = level if lowest is None else min(level, lowest)
                level = price_floor(self._symbol, level)
            levels.append(level)
        self._levels = tuple(levels)
        self._hour = hour
        self._dirty = False
        self._broken = None

    def _model(self, broken: tuple[bool, ...]) -> SupportLevels:
        aggressive, moderate, conservative = (
            SupportLevel(
                window_days=window.days,
                price=level,
                broken=is_broken,
                reason=window.why_none() if level is None else None,
            )
            for window, level, is_broken in zip(self._windows, self._levels, broken, strict=True)
        )
        return SupportLevels(aggressive=aggressive, moderate=moderate, conservative=conservative)
