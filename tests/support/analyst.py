"""Builders of what an analyst is told."""

from datetime import timedelta
from decimal import Decimal

from dantaro_central.core.analyst.inputs import Inputs
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import (
    MarketStatus,
    RiskLevel,
    SupportLevel,
    SupportLevels,
    Trend,
    VolatilityRegime,
)
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from tests.support.candles import START, make_candle

__all__ = ["RISING", "make_inputs", "make_levels", "make_status"]

RISING: dict[str, str] = {
    Name.CLOSE: "110",
    Name.PREVIOUS_CLOSE: "108",
    Name.RSI14: "61.5",
    Name.MACD_HISTOGRAM: "2",
    Name.PREVIOUS_MACD_HISTOGRAM: "1",
    Name.BOLLINGER_MIDDLE: "105",
    Name.VOLUME: "10",
    Name.VOLUME_SMA20: "10",
    Name.DONCHIAN_UPPER20: "112",
    Name.PREVIOUS_DAY_LOW: "100",
}
"""A market that rises: momentum, place and strength speak for buying."""


def make_levels(
    moderate: str = "100",
    *,
    is_aggressive_broken: bool = False,
    is_conservative_broken: bool = False,
) -> SupportLevels:
    """Return support levels."""
    return SupportLevels(
        aggressive=SupportLevel(window_days=7, price=Decimal(104), broken=is_aggressive_broken),
        moderate=SupportLevel(window_days=30, price=Decimal(moderate)),
        conservative=SupportLevel(window_days=90, price=Decimal(90), broken=is_conservative_broken),
    )


def make_status(trend: Trend = Trend.BULL, risk: RiskLevel = RiskLevel.LOW) -> MarketStatus:
    """Return a market status."""
    return MarketStatus(
        trend=trend,
        breadth=Decimal("0.7"),
        volatility=VolatilityRegime.NORMAL,
        markets=5,
        risk=risk,
    )


def make_inputs(
    indicators: dict[str, str] | None = None,
    *,
    levels: SupportLevels | None = None,
    status: MarketStatus | None = None,
    symbol: str = "KRW-BTC",
) -> Inputs:
    """Return what is known when the hour after `START` has closed."""
    figures = RISING if indicators is None else indicators
    return Inputs(
        symbol=symbol,
        interval=Interval.M60,
        candle=START,
        data_until=START + timedelta(hours=1),
        indicators={name: Decimal(value) for name, value in figures.items()},
        levels=levels or make_levels(),
        status=status,
        candles=[make_candle(START)],
    )
