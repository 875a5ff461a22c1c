"""The state of all markets together."""

from decimal import Decimal

import pytest

from dantaro_central.core.market_status import (
    MarketView,
    fear_greed,
    market_status,
    next_trend,
    risk_of,
    volatility_of,
)
from dantaro_crds.wire.bundle import RiskLevel, Trend, VolatilityRegime

pytestmark = pytest.mark.unit

BULL, NEUTRAL, BEAR = Trend.BULL, Trend.NEUTRAL, Trend.BEAR


@pytest.mark.parametrize(
    ("before", "breadth", "want"),
    [
        pytest.param(NEUTRAL, "0.6", NEUTRAL, id="60-percent-is-not-enough-to-enter"),
        pytest.param(NEUTRAL, "0.61", BULL, id="beyond-60-percent-enters"),
        pytest.param(BULL, "0.5", BULL, id="half-holds-bull"),
        pytest.param(BULL, "0.49", NEUTRAL, id="less-than-half-leaves-bull"),
        pytest.param(BULL, "0.39", BEAR, id="a-crash-turns-at-once"),
        pytest.param(NEUTRAL, "0.4", NEUTRAL, id="40-percent-is-not-enough-for-bear"),
        pytest.param(NEUTRAL, "0.39", BEAR, id="below-40-percent-enters-bear"),
        pytest.param(BEAR, "0.5", BEAR, id="half-holds-bear"),
        pytest.param(BEAR, "0.51", NEUTRAL, id="more-than-half-leaves-bear"),
    ],
)
def test_the_trend_has_hysteresis(before: Trend, breadth: str, want: Trend) -> None:
    assert next_trend(before, Decimal(breadth)) is want


@pytest.mark.parametrize(
    ("ranges", "want"),
    [
        pytest.param([0.001], VolatilityRegime.LOW, id="quiet"),
        pytest.param([0.001, 0.008, 0.5], VolatilityRegime.NORMAL, id="the-median-counts"),
        pytest.param([0.02, 0.03], VolatilityRegime.HIGH, id="wild"),
    ],
)
def test_volatility_is_that_of_the_median_market(
    ranges: list[float], want: VolatilityRegime
) -> None:
    assert volatility_of(ranges) is want


def test_breadth_is_the_part_of_markets_above_their_mean() -> None:
    views = [MarketView(is_above_mean=flag, hourly_range=0.01) for flag in (True, True, False)]
    status = market_status(views, before=NEUTRAL)
    assert status is not None
    assert (status.breadth, status.trend, status.markets) == (Decimal("0.6667"), BULL, 3)


def test_without_markets_there_is_no_status() -> None:
    assert market_status([], before=BULL) is None


def make_view(above: float, size: float = 0.009, busyness: float | None = None) -> MarketView:
    return MarketView(
        is_above_mean=above > 0, above_mean=above, hourly_range=size, busyness=busyness
    )


@pytest.mark.parametrize(
    ("views", "want"),
    [
        # Momentum 50, breadth 0 (nothing is above), volatility 50, volume 50: 37.5.
        pytest.param([make_view(0.0)], 38, id="nothing-moves"),
        # 100 + 100 + 100 + (50 + 50 x 2 / 2) = 400.
        pytest.param([make_view(0.05, 0.003, 2.0)], 100, id="greed"),
        pytest.param([make_view(0.9, 0.001, 9.0)], 100, id="beyond"),
        pytest.param([make_view(-0.05, 0.015, 2.0)], 0, id="fear"),
        # Momentum 75; breadth 100; volatility 50; 50 + 25 x 1 / 2 = 62.5: 71.875.
        pytest.param([make_view(0.025)], 72, id="rising"),
        # Momentum 50, breadth 50, volatility of 0.6 % in the median 75, volume 50: 56.25.
        pytest.param([make_view(0.02, 0.003, 1.0), make_view(-0.02, 0.009, 3.0)], 56, id="mixed"),
    ],
)
def test_the_mood_is_the_mean_of_four_parts(views: list[MarketView], want: int) -> None:
    assert fear_greed(views) == want
    status = market_status(views, before=Trend.NEUTRAL)
    assert status is not None
    assert status.fear_greed == want


@pytest.mark.parametrize(
    ("trend", "volatility", "mood", "want"),
    [
        (Trend.BULL, VolatilityRegime.HIGH, 80, RiskLevel.HIGH),
        (Trend.BEAR, VolatilityRegime.NORMAL, 24, RiskLevel.HIGH),
        (Trend.BEAR, VolatilityRegime.NORMAL, 25, RiskLevel.MEDIUM),
        (Trend.BEAR, VolatilityRegime.LOW, 30, RiskLevel.MEDIUM),
        (Trend.NEUTRAL, VolatilityRegime.LOW, 10, RiskLevel.LOW),
        (Trend.BULL, VolatilityRegime.NORMAL, 90, RiskLevel.MEDIUM),
    ],
)
def test_the_risk_goes_by_volatility_trend_and_mood(
    trend: Trend, volatility: VolatilityRegime, mood: int, want: RiskLevel
) -> None:
    assert risk_of(trend, volatility, mood) is want
