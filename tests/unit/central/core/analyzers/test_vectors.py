"""Indicators equal TA-Lib and the vectors of the indicators definition, section 3."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from dantaro_central.core.analyzers.bars import BARS, Bars, Ring
from dantaro_central.core.analyzers.indicators import figures
from dantaro_central.core.analyzers.technical import rsi_of_flat
from dantaro_central.core.analyzers.volatility import bollinger, keltner, squeezed
from dantaro_central.core.candles import Candle
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from tests.support.candles import START, make_candle

pytestmark = pytest.mark.unit

# fmt: off
CLOSES = [
    44.34, 44.09, 44.15, 43.61, 44.33, 44.83, 45.10, 45.42, 45.84, 46.08,
    45.89, 46.03, 45.61, 46.28, 46.28, 46.00, 46.03, 46.41, 46.22, 45.64,
    46.21, 46.25, 45.71, 46.45, 45.78, 45.35, 44.03, 44.18, 44.22, 44.57,
    43.42, 42.66, 43.13, 43.50, 43.80, 44.10, 44.00, 43.70, 43.90, 44.20,
]
# fmt: on
CLOSE = np.array(CLOSES)
HIGH, LOW = CLOSE + 0.5, CLOSE - 0.4
TINY = Decimal("1e-11")

RISING = st.lists(st.integers(900, 1100), min_size=BARS, max_size=BARS)


def ring_of(candles: list[Candle]) -> Bars:
    ring = Ring(Interval.M60)
    for candle in candles:
        ring.add(candle)
    bars = ring.bars()
    assert bars is not None
    return bars


def hours(closes: list[int], *, volumes: list[int] | None = None) -> list[Candle]:
    return [
        make_candle(
            START + n * timedelta(hours=1),
            close,
            high=str(Decimal(close) + 3),
            low=str(Decimal(close) - 2),
            volume=1 if volumes is None else volumes[n],
        )
        for n, close in enumerate(closes)
    ]


def values_of(candles: list[Candle]) -> dict[Name, float]:
    return dict(figures(ring_of(candles)))


@pytest.mark.parametrize(
    ("series", "want"),
    [
        pytest.param(talib.SMA(CLOSE, 5), {4: 44.104, 39: 43.98}, id="sma5"),
        pytest.param(talib.EMA(CLOSE, 10), {9: 44.779, 10: 44.981, 39: 43.98179844}, id="ema10"),
        pytest.param(
            talib.RSI(CLOSE, 14), {14: 70.46413502, 15: 66.24961855, 39: 48.55047875}, id="rsi14"
        ),
        pytest.param(
            talib.MACD(CLOSE, 12, 26, 9)[0], {33: -0.45345742, 39: -0.34660949}, id="macd"
        ),
        pytest.param(
            talib.MACD(CLOSE, 12, 26, 9)[1], {33: -0.04451480, 39: -0.30086548}, id="signal"
        ),
        pytest.param(
            talib.MACD(CLOSE, 12, 26, 9)[2], {33: -0.40894261, 39: -0.04574401}, id="histogram"
        ),
        pytest.param(bollinger(CLOSE)[0], {19: 47.11532822, 39: 46.62153045}, id="bollinger-upper"),
        pytest.param(bollinger(CLOSE)[1], {19: 45.409, 39: 44.458}, id="bollinger-middle"),
        pytest.param(bollinger(CLOSE)[2], {19: 43.70267178, 39: 42.29446955}, id="bollinger-lower"),
        pytest.param(
            talib.ATR(HIGH, LOW, CLOSE, 14),
            {14: 0.95357143, 15: 0.94974490, 39: 0.98431667},
            id="atr14",
        ),
        pytest.param(
            talib.KC(HIGH, LOW, CLOSE, 20, 10, 2)[0],
            {19: 47.31233333, 39: 46.25961957},
            id="keltner-of-talib-upper",
        ),
        pytest.param(
            talib.KC(HIGH, LOW, CLOSE, 20, 10, 2)[1],
            {19: 45.44233333, 39: 44.30444958},
            id="keltner-of-talib-middle",
        ),
        pytest.param(
            talib.KC(HIGH, LOW, CLOSE, 20, 10, 2)[2],
            {19: 43.57233333, 39: 42.34927959},
            id="keltner-of-talib-lower",
        ),
    ],
)
def test_the_library_in_use_gives_the_published_values(
    series: np.ndarray, want: dict[int, float]
) -> None:
    first = min(want)
    assert all(np.isnan(series[:first])) or first == 15
    assert {at: round(float(series[at]), 8) for at in want} == want


@given(RISING)
def test_every_standard_indicator_equals_the_library(closes: list[int]) -> None:
    values = values_of(hours(closes))
    close = np.array(closes, dtype=float)
    high, low = close + 3, close - 2
    upper, middle, lower = talib.BBANDS(close, 20, 2.0, 2.0)
    fast, slow = talib.STOCH(high, low, close, 14, 3, slowd_period=3)
    line, signal, histogram = talib.MACD(close, 12, 26, 9)
    strength = talib.RSI(close, 14)
    want = {
        Name.SMA50: talib.SMA(close, 50)[-1],
        Name.EMA12: talib.EMA(close, 12)[-1],
        Name.EMA26: talib.EMA(close, 26)[-1],
        Name.RSI14: rsi_of_flat(float(strength[-1]), close),
        Name.PREVIOUS_RSI14: rsi_of_flat(float(strength[-2]), close[:-1]),
        Name.MACD: line[-1],
        Name.MACD_SIGNAL: signal[-1],
        Name.MACD_HISTOGRAM: histogram[-1],
        Name.PREVIOUS_MACD_HISTOGRAM: histogram[-2],
        Name.BOLLINGER_UPPER: upper[-1],
        Name.BOLLINGER_MIDDLE: middle[-1],
        Name.BOLLINGER_LOWER: lower[-1],
        Name.PREVIOUS_BOLLINGER_UPPER: upper[-2],
        Name.PREVIOUS_BOLLINGER_LOWER: lower[-2],
        Name.ATR14: talib.ATR(high, low, close, 14)[-1],
        Name.STOCH_K: fast[-1],
        Name.STOCH_D: slow[-1],
    }
    assert {name: values[name] for name in want} == pytest.approx(want, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(
    ("closes", "want"),
    [
        pytest.param([500] * BARS, 50, id="flat"),
        pytest.param(list(range(500, 500 + BARS)), 100, id="only-rises"),
        pytest.param(list(range(900, 900 - BARS, -1)), 0, id="only-falls"),
    ],
)
def test_the_strength_at_its_edges(closes: list[int], want: int) -> None:
    assert values_of(hours(closes))[Name.RSI14] == want


def test_the_smallest_prices_count_as_the_largest() -> None:
    """TA-Lib takes variances and sums below 1e-14 for zero."""
    closes = [1000 + n * 7 % 13 for n in range(BARS)]
    tiny = [
        replace(
            candle,
            open=candle.open * TINY,
            high=candle.high * TINY,
            low=candle.low * TINY,
            close=candle.close * TINY,
        )
        for candle in hours(closes)
    ]
    large, small = values_of(hours(closes)), values_of(tiny)
    for name in (Name.RSI14, Name.PERCENT_B, Name.STOCH_K, Name.SQUEEZE_ON):
        assert small[name] == pytest.approx(large[name], rel=1e-9), name
    assert small[Name.ATR14] == pytest.approx(large[Name.ATR14] * 1e-11, rel=1e-9)


def test_a_flat_market_has_no_width_no_stochastic_and_no_squeeze() -> None:
    flat = [make_candle(START + n * timedelta(hours=1), 152_000_001) for n in range(BARS)]
    values = values_of(flat)
    assert values[Name.PERCENT_B] == 0.5
    assert values[Name.BOLLINGER_UPPER] == values[Name.BOLLINGER_LOWER] == 152_000_001
    assert values[Name.SQUEEZE_ON] == values[Name.ATR14] == 0
    assert Name.STOCH_K not in values


def test_a_squeeze_is_bollinger_inside_keltner_on_both_sides() -> None:
    """Closes that alternate by 1 have a deviation of 0.5; ranges of 5 make an ATR of 5."""
    bars = ring_of(hours([1000 + n % 2 for n in range(BARS)]))
    inner, outer = bollinger(bars.close), keltner(bars)
    scale = bars.scale
    # Bollinger: 1000.5 +- 2 x 0.5. Keltner: about 1000.5 +- 1.5 x 5.
    assert float(inner[0][-1] / scale) == pytest.approx(1001.5, rel=1e-12)
    assert float(outer[0][-1] / scale) == pytest.approx(1008, abs=0.1)
    assert bool(squeezed(inner, outer)[-1])
    assert not bool(squeezed(outer, inner)[-1])
    values = dict(figures(bars))
    assert (values[Name.SQUEEZE_ON], values[Name.SQUEEZE_BARS10]) == (1, 10)


def test_the_release_of_a_squeeze_is_on_and_then_off() -> None:
    calm = [1000 + n % 2 for n in range(BARS - 1)]
    values = values_of(hours([*calm, 1100]))
    assert (values[Name.PREVIOUS_SQUEEZE_ON], values[Name.SQUEEZE_ON]) == (1, 0)
    assert values[Name.SQUEEZE_BARS10] == 10


def test_the_highest_high_and_the_mean_volume_leave_the_newest_bar_out() -> None:
    values = values_of(hours([*range(100, 120), 900], volumes=[*range(1, 21), 77]))
    assert values[Name.DONCHIAN_UPPER20] == 122
    assert (values[Name.VOLUME], values[Name.VOLUME_SMA20]) == (77, 10.5)


@pytest.mark.parametrize(
    ("count", "name"),
    [
        (2, Name.PREVIOUS_CLOSE),
        (18, Name.STOCH_K),
        (20, Name.BOLLINGER_LOWER),
        (21, Name.PREVIOUS_BOLLINGER_LOWER),
        (21, Name.DONCHIAN_UPPER20),
        (21, Name.VOLUME_SMA20),
        (50, Name.SMA50),
        (200, Name.RSI14),
        (200, Name.MACD_HISTOGRAM),
        (200, Name.ATR14),
        (200, Name.SQUEEZE_ON),
        (200, Name.EMA12),
        (200, Name.MAX_DRAWDOWN),
    ],
)
def test_with_too_few_bars_there_is_no_entry(count: int, name: Name) -> None:
    closes = [1000 + n * 7 % 13 for n in range(count)]
    assert name in values_of(hours(closes))
    assert name not in values_of(hours(closes[1:]))


def test_more_than_200_bars_change_nothing() -> None:
    closes = [1000 + n * 7 % 13 for n in range(950)]
    assert values_of(hours(closes)) == values_of(hours(closes)[-BARS:])


def test_a_gap_is_filled_with_the_close_before_and_no_volume() -> None:
    candles = hours([1000 + n * 7 % 13 for n in range(300)])
    kept = [c for n, c in enumerate(candles) if n % 5]
    filled = []
    for before, candle in pairwise(candles):
        is_kept = candle in kept
        filled.append(candle if is_kept else make_candle(candle.time, str(before.close), volume=0))
    assert values_of(kept) == values_of(filled)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_figures_that_are_not_finite_are_refused(text: str) -> None:
    good = make_candle(START, 100)
    with pytest.raises(SpecError, match="expected finite numbers"):
        Ring(Interval.M60).add(replace(good, volume=Decimal(text)))


def test_the_deepest_fall() -> None:
    values = values_of(hours([100, 110, 99] + [105] * (BARS - 3)))
    assert values[Name.MAX_DRAWDOWN] == pytest.approx(0.1)
