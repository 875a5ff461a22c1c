"""Support levels: prices below which a market has seldom been.

Source:
    `indicators.md`, section 5: 5 % quantile (linear interpolation) of the lows of the last 168,
    720 and 2,160 closed 60-minute candles.
"""

from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np

from dantaro_central.core.analyzers.bars import Floats
from dantaro_central.core.analyzers.touches import HourTape, confidence
from dantaro_central.core.candles import floor_time
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval
from dantaro_crds.venues import TickTable, rules_for
from dantaro_crds.wire.bundle import SupportLevel, SupportLevels

__all__ = [
    "LONGEST_WINDOW",
    "SupportWindows",
    "price_floor",
    "quantile",
    "tick_of",
]

_QUANTILE = Decimal("0.05")
_WINDOW_DAYS = (7, 30, 90)
_SHARE_NEEDED = Decimal("0.8")
_HOUR = Interval.M60.span
_FINEST = Decimal("0.00000001")

LONGEST_WINDOW = timedelta(days=_WINDOW_DAYS[-1])
"""How much history of 60-minute candles the levels look at."""


def quantile(samples: Floats, share: Decimal) -> Decimal:
    """Return a quantile with linear interpolation between the two nearest ranks.

    Args:
        samples: In any order, n >= 1; decimals of at most 15 digits, which float64 holds exactly.
        share: Fraction 0..1.
    """
    rank = share * (len(samples) - 1)
    below = int(rank)
    above = min(below + 1, len(samples) - 1)
    parted = np.partition(samples, (below, above))
    low, high = (Decimal(repr(float(parted[at]))) for at in (below, above))
    return low + (high - low) * (rank - below)


def price_floor(symbol: str, price: Decimal) -> Decimal:
    """Return the largest price <= `price` that the market knows; `price` itself below the smallest.

    Ticks are known of Upbit's markets; others are cut to 8 decimals.
    """
    ticks = _ticks_of(symbol)
    if ticks is None:
        return price.quantize(_FINEST, rounding=ROUND_FLOOR) or price
    return ticks.floor(price) or price


def tick_of(symbol: str, price: Decimal) -> Decimal | None:
    """Return the tick at a price, None of a market whose ticks are not known."""
    ticks = _ticks_of(symbol)
    return None if ticks is None else ticks.tick(price)


def _ticks_of(symbol: str) -> TickTable | None:
    try:
        return rules_for("upbit", symbol).ticks
    except SpecError:
        return None


class SupportWindows:
    """The three windows of one market, and the levels as text for the wire.

    Levels move with the hours; only `broken` moves with the last price.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._tape = HourTape(_hours(_WINDOW_DAYS[-1]))
        self._hour: datetime | None = None
        self._dirty = True
        self._levels: tuple[SupportLevel, ...] = ()
        self._broken: tuple[bool, ...] | None = None
        self._text = ""

    def add(self, time: datetime, low: Decimal, traded: float = 0.0) -> None:
        """Take in the low of a closed hour, later than all before, and the value traded in it."""
        self._tape.add(time, float(low), traded)
        self._dirty = True

    def known_share(self, until: datetime) -> float:
        """Return the part of the hours of the longest window that are known, fraction 0..1."""
        lows, _ = self._tape.since(floor_time(until, _HOUR) - LONGEST_WINDOW)
        return len(lows) / _hours(_WINDOW_DAYS[-1])

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
            level.price is not None and last_price is not None and last_price <= level.price
            for level in self._levels
        )
        if broken != self._broken:
            self._broken = broken
            aggressive, moderate, conservative = (
                level.model_copy(update={"broken": is_broken})
                for level, is_broken in zip(self._levels, broken, strict=True)
            )
            levels = SupportLevels(
                aggressive=aggressive, moderate=moderate, conservative=conservative
            )
            self._text = levels.model_dump_json(by_alias=True)
        return self._text

    def _compute(self, hour: datetime) -> None:
        levels: list[SupportLevel] = []
        lowest: Decimal | None = None
        for days in _WINDOW_DAYS:
            lows, traded = self._tape.since(hour - timedelta(days=days))
            needed = int((_hours(days) * _SHARE_NEEDED).to_integral_value(ROUND_CEILING))
            if len(lows) < needed:
                reason = f"{len(lows)} of {_hours(days)} hours are known, {needed} are needed"
                levels.append(SupportLevel(window_days=days, reason=reason))
                continue
            # Quantiles of nested windows are not ordered by themselves: the running minimum is.
            level = quantile(lows, _QUANTILE)
            lowest = level if lowest is None else min(level, lowest)
            price = price_floor(self._symbol, lowest)
            sure = Decimal(str(confidence(lows, traded, float(price))))
            levels.append(SupportLevel(window_days=days, price=price, confidence=sure))
        self._levels = tuple(levels)
        self._hour = hour
        self._dirty = False
        self._broken = None


def _hours(days: int) -> int:
    return days * 24
