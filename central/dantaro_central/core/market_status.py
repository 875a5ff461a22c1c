"""State of all markets together: breadth, trend, volatility."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from dantaro_crds.wire.bundle import MarketStatus, Trend, VolatilityRegime

__all__ = ["MarketView", "market_status", "next_trend", "volatility_of"]

_ENTER = Decimal("0.6")
_LEAVE = Decimal("0.5")
_LOW_RANGE = 0.006
_HIGH_RANGE = 0.012
_PLACES = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What one market adds to the whole.

    Attributes:
        is_above_mean: Whether the last price is above the mean of the last 50 hourly closes.
        hourly_range: Mean of (high - low) / close of the last 24 hours, fraction.
    """

    is_above_mean: bool
    hourly_range: float


def next_trend(before: Trend, breadth: Decimal) -> Trend:
    """Return the trend that follows, with hysteresis: entered beyond 60 %, left at less than 50 %.

    Args:
        before: The trend so far.
        breadth: Part of the markets above their mean, fraction 0..1; for Bear its complement
            counts.
    """
    if breadth > _ENTER or (before is Trend.BULL and breadth >= _LEAVE):
        return Trend.BULL
    if 1 - breadth > _ENTER or (before is Trend.BEAR and 1 - breadth >= _LEAVE):
        return Trend.BEAR
    return Trend.NEUTRAL


def volatility_of(ranges: Sequence[float]) -> VolatilityRegime:
    """Return the regime by the median of the markets' hourly ranges.

    Args:
        ranges: Mean (high - low) / close of an hour, fraction, n >= 1.

    Source:
        Limits: own choice; in recorded KRW markets of 2022-2025 a fifth of the days lies beyond
            each.
    """
    middle = median(ranges)
    if middle < _LOW_RANGE:
        return VolatilityRegime.LOW
    if middle > _HIGH_RANGE:
        return VolatilityRegime.HIGH
    return VolatilityRegime.NORMAL


def market_status(views: Sequence[MarketView], *, before: Trend) -> MarketStatus | None:
    """Return the state of all markets, None without any.

    Args:
        views: One for each market with enough history.
        before: The trend of the analysis before; Neutral at the first.
    """
    if not views:
        return None
    above = sum(view.is_above_mean for view in views)
    breadth = Decimal(above) / len(views)
    return MarketStatus(
        trend=next_trend(before, breadth),
        breadth=breadth.quantize(_PLACES),
        volatility=volatility_of([view.hourly_range for view in views]),
        markets=len(views),
    )
