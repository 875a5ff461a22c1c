"""Support levels are quantiles of hourly lows."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_central.core.support_levels import SupportWindows, price_floor, quantile
from dantaro_crds.wire.bundle import SupportLevels
from tests.support.candles import START

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)


def levels_of(
    lows: list[int], *, last: int | None = None, symbol: str = "KRW-BTC"
) -> SupportLevels:
    """Return the levels at START of hours that end there."""
    windows = SupportWindows(symbol)
    for back, low in zip(range(len(lows), 0, -1), lows, strict=True):
        windows.add(START - back * HOUR, Decimal(low))
    text = windows.text(START, None if last is None else Decimal(last))
    return SupportLevels.model_validate_json(text)


@pytest.mark.parametrize(
    ("samples", "share", "want"),
    [
        pytest.param([7], "0.05", "7", id="one-sample"),
        pytest.param([10, 20], "0.05", "10.5", id="between-two"),
        pytest.param([0, 10, 20, 30, 40], "0.05", "2", id="a-fifth-of-the-first-step"),
        pytest.param([1, 2, 3], "1", "3", id="the-largest"),
        pytest.param(list(range(101)), "0.05", "5", id="exactly-a-rank"),
    ],
)
def test_quantiles_are_interpolated_between_ranks(
    samples: list[int], share: str, want: str
) -> None:
    assert quantile(np.array(samples, float), Decimal(share)) == Decimal(want)


@given(
    st.lists(st.decimals("0.00000001", "999999999", places=8), min_size=1, max_size=60),
    st.decimals(0, 1, places=2),
)
def test_a_quantile_is_exact_whatever_the_order(samples: list[Decimal], share: Decimal) -> None:
    short = [+sample.quantize(Decimal("1.000000")) + Decimal("0.000001") for sample in samples]
    rising = sorted(short)
    rank = share * (len(rising) - 1)
    below, part = int(rank), rank - int(rank)
    above = rising[min(below + 1, len(rising) - 1)]
    want = rising[below] + (above - rising[below]) * part
    assert quantile(np.array([float(sample) for sample in short]), share) == want


def test_levels_of_a_hand_computed_history() -> None:
    # 168 lows 1,000,000, 1,001,000 ... 1,167,000: rank 0.05 * 167 = 8.35, so 1,008,350: tick 1,000.
    lows = [1_000_000 + 1_000 * index for index in range(168)]
    levels = levels_of(lows, last=2_000_000)
    assert levels.aggressive.price == 1_008_000
    assert not levels.aggressive.broken
    assert levels.aggressive.reason is None


def test_a_window_with_too_few_hours_says_so() -> None:
    levels = levels_of([500] * 135)
    assert levels.aggressive.price == 500
    assert levels.moderate.price is None
    assert levels.moderate.reason == "135 of 720 hours are known, 576 are needed"
    assert levels_of([500] * 134).aggressive.reason == (
        "134 of 168 hours are known, 135 are needed"
    )


def test_longer_windows_never_stand_above_shorter_ones() -> None:
    # The old hours are high: the plain 90-day quantile would stand above the 7-day one.
    lows = [2_000_000] * (2160 - 168) + [1_000_000] * 168
    lows[0:2160:1] = [2_000_000] * 1992 + [1_000_000] * 168
    levels = levels_of(lows)
    prices = [levels.conservative.price, levels.moderate.price, levels.aggressive.price]
    assert None not in prices
    assert prices == sorted(prices, key=lambda price: price or 0)
    assert levels.conservative.price == 1_000_000


@pytest.mark.parametrize(
    ("last", "want_broken"),
    [
        pytest.param(501, False, id="above"),
        pytest.param(500, True, id="at"),
        pytest.param(499, True, id="below"),
        pytest.param(None, False, id="no-price-known"),
    ],
)
def test_a_level_is_broken_at_or_below_it(last: int | None, want_broken: bool) -> None:
    assert levels_of([500] * 168, last=last).aggressive.broken is want_broken


def test_hours_leave_the_window_as_time_goes_by() -> None:
    windows = SupportWindows("KRW-BTC")
    for back in range(168, 0, -1):
        windows.add(START - back * HOUR, Decimal(500))
    later = SupportLevels.model_validate_json(windows.text(START + 40 * HOUR, None))
    assert later.aggressive.reason == "128 of 168 hours are known, 135 are needed"


@pytest.mark.parametrize(
    ("symbol", "price", "want"),
    [
        pytest.param("KRW-BTC", "1234567.8", "1234000", id="tick-of-upbit"),
        pytest.param("BTC/USDT", "1.123456789", "1.12345678", id="unknown-venue"),
        pytest.param("KRW-X", "0.000000001", "0.000000001", id="below-the-smallest-tick"),
    ],
)
def test_prices_are_floored_to_a_tick(symbol: str, price: str, want: str) -> None:
    assert price_floor(symbol, Decimal(price)) == Decimal(want)
