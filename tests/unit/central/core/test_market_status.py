"""The state of all markets together."""

from decimal import Decimal

import pytest

from dantaro_central.core.market_status import (
    MarketView,
    market_status,
    next_trend,
    volatility_of,
)
from dantaro_crds.wire.bundle import Trend, VolatilityRegime

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
