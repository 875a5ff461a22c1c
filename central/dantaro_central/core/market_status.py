"""State of all markets together: breadth, trend, volatility, risk, mood.

The mood is a fear-and-greed index of our own: the mean of four parts from 0 (fear) to 100 (greed),
rounded half up.

| part | 0 | 50 | 100 |
|---|---|---|---|
| momentum: mean distance from the mean of 50 hours | 5 % below | at it | 5 % above |
| breadth: markets above that mean | none | half | all |
| volatility: median hourly range | 1.5 % | 0.9 % | 0.3 % |
| volume: 24 hours over the usual day, median | twice, falling | nothing | twice, rising |

Between them a part goes in a straight line, and beyond them it stays. Volume goes where momentum
goes, the farther the more is traded: 50 + (momentum - 50) x ratio / 2, the ratio at most 2; without
20 days of history the ratio counts 1.

The risk is High with High volatility, or with a mood below 25 in a Bear trend; Low with Low
volatility and no Bear trend; else Medium.

A public index, where one is given, is told in place of the mood; the risk goes by our own.

Source: own definition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import floor, fsum
from statistics import median

from dantaro_central.core.findings import PublicMood
from dantaro_crds.wire.bundle import MarketStatus, RiskLevel, Trend, VolatilityRegime

__all__ = ["MarketView", "fear_greed", "market_status", "next_trend", "risk_of", "volatility_of"]

_ENTER = Decimal("0.6")
_LEAVE = Decimal("0.5")
_LOW_RANGE = 0.006
_HIGH_RANGE = 0.012
_PLACES = Decimal("0.0001")
_FAR = 0.05
_STILL, _WILD = 0.003, 0.015
_BUSY = 2.0
_FEAR = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What one market adds to the whole.

    Attributes:
        is_above_mean: Whether the last price is above the mean of the last 50 hourly closes.
        hourly_range: Mean of (high - low) / close of the last 24 hours, fraction.
        above_mean: Last price over that mean, less 1; fraction > -1.
        busyness: Value of 24 hours over the mean day of 20 days, >= 0; None: not known.
    """

    is_above_mean: bool
    hourly_range: float
    above_mean: float = 0.0
    busyness: float | None = None


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


def fear_greed(views: Sequence[MarketView]) -> int:
    """Return the mood of the market, 0 (fear) to 100 (greed).

    Args:
        views: One for each market, n >= 1.
    """
    n = len(views)
    momentum = _between(-_FAR, fsum(view.above_mean for view in views) / n, _FAR)
    breadth = 100 * sum(view.is_above_mean for view in views) / n
    calm = 100 - _between(_STILL, median(view.hourly_range for view in views), _WILD)
    known = [view.busyness for view in views if view.busyness is not None]
    ratio = min(median(known), _BUSY) if known else 1.0
    volume = 50 + (momentum - 50) * ratio / _BUSY
    return floor((momentum + breadth + calm + volume) / 4 + 0.5)


def _between(low: float, value: float, high: float) -> float:
    """Return where a value lies between two ends, 0..100."""
    return 100 * (min(max(value, low), high) - low) / (high - low)


def risk_of(trend: Trend, volatility: VolatilityRegime, mood: int) -> RiskLevel:
    """Return how dangerous the whole market is."""
    if volatility is VolatilityRegime.HIGH or (trend is Trend.BEAR and mood < _FEAR):
        return RiskLevel.HIGH
    if volatility is VolatilityRegime.LOW and trend is not Trend.BEAR:
        return RiskLevel.LOW
    return RiskLevel.MEDIUM


def market_status(
    views: Sequence[MarketView], *, before: Trend, public: PublicMood | None = None
) -> MarketStatus | None:
    """Return the state of all markets, None without any.

    Args:
        views: One for each market with enough history.
        before: The trend of the analysis before; Neutral at the first.
        public: An index that is told in place of our own.
    """
    if not views:
        return None
    above = sum(view.is_above_mean for view in views)
    breadth = Decimal(above) / len(views)
    trend = next_trend(before, breadth)
    volatility = volatility_of([view.hourly_range for view in views])
    mood = fear_greed(views)
    return MarketStatus(
        trend=trend,
        breadth=breadth.quantize(_PLACES),
        volatility=volatility,
        markets=len(views),
        risk=risk_of(trend, volatility, mood),
        fear_greed=mood if public is None else public.value,
        fear_greed_source=None if public is None else public.source,
    )
