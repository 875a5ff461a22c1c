"""The plain indicators of the tests give the figures of their definitions."""

from datetime import timedelta
from decimal import Decimal

import pytest

from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Candle
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from tests.support.indicators import (
    Bar,
    analyses,
    atr,
    bollinger,
    donchian_upper,
    ema,
    keltner,
    macd,
    rsi,
    sma,
    squeeze,
)
from tests.support.paper_bot import MIDNIGHT, make_candle
from tests.support.positions import breakout_values

pytestmark = pytest.mark.unit

VECTOR = """
44.34 44.09 44.15 43.61 44.33 44.83 45.10 45.42 45.84 46.08 45.89 46.03 45.61 46.28 46.28 46.00
46.03 46.41 46.22 45.64 46.21 46.25 45.71 46.45 45.78 45.35 44.03 44.18 44.22 44.57 43.42 42.66
43.13 43.50 43.80 44.10 44.00 43.70 43.90 44.20
"""
CLOSES = [float(text) for text in VECTOR.split()]


def make_bar(close: float, *, up: float = 0.5, down: float = 0.4, volume: float = 1.0) -> Bar:
    """Return a bar with the vector's distance of high and low from the close."""
    return Bar(
        time=MIDNIGHT, open=close, high=close + up, low=close - down, close=close, volume=volume
    )


BARS = [make_bar(close) for close in CLOSES]


def near(*values: float) -> object:
    """Return what equals these figures to the digits that the definition gives."""
    return pytest.approx(values if len(values) > 1 else values[0], abs=6e-9)


def test_means_are_those_of_the_vector() -> None:
    assert [sma(CLOSES, 5)[i] for i in (4, 39)] == [near(44.104), near(43.98)]
    assert [ema(CLOSES, 10)[i] for i in (9, 10, 39)] == [
        near(44.779),
        near(44.981),
        near(43.98179844),
    ]
    assert sma(CLOSES, 5)[3] is ema(CLOSES, 10)[8] is None


def test_rsi_is_that_of_the_vector_and_of_its_edges() -> None:
    found = rsi(CLOSES)
    assert [found[i] for i in (14, 15, 39)] == [
        near(70.46413502),
        near(66.24961855),
        near(48.55047875),
    ]
    assert found[13] is None
    flat, rising, falling = (
        [7.0] * 20,
        list(map(float, range(20))),
        list(map(float, range(20, 0, -1))),
    )
    assert [rsi(values)[-1] for values in (flat, rising, falling)] == [50, 100, 0]


def test_macd_is_that_of_the_vector() -> None:
    found = macd(CLOSES)
    assert found[33] == near(-0.45345742, -0.04451480, -0.40894261)
    assert found[39] == near(-0.34660949, -0.30086548, -0.04574401)
    assert found[32] is None


def test_bollinger_is_that_of_the_vector() -> None:
    found = bollinger(CLOSES)
    assert found[19] == near(47.11532822, 45.409, 43.70267178)
    assert found[39] == near(46.62153045, 44.458, 42.29446955)
    assert found[18] is None


def test_atr_is_that_of_the_vector() -> None:
    found = atr(BARS, 14)
    assert [found[i] for i in (14, 15, 39)] == [
        near(0.95357143),
        near(0.94974490),
        near(0.98431667),
    ]
    assert found[13] is None


def test_keltner_is_that_of_the_vector() -> None:
    typical = [(bar.high + bar.low + bar.close) / 3 for bar in BARS]
    found = keltner(ema(typical, 20), atr(BARS, 10, first=19), 2)
    assert found[19] == near(47.31233333, 45.44233333, 43.57233333)
    assert found[39] == near(46.25961957, 44.30444958, 42.34927959)


def test_donchian_leaves_its_own_bar_out() -> None:
    bars = [make_bar(float(i)) for i in range(22)]
    assert donchian_upper(bars)[19:] == [None, 19.5, 20.5]


def test_a_squeeze_is_quiet_closes_within_wide_bars() -> None:
    quiet = [make_bar(100.0, up=5, down=5) for _ in range(30)]
    wild = [make_bar(100.0 + i, up=1, down=1) for i in range(30)]
    assert (squeeze(quiet)[19], squeeze(quiet)[20], squeeze(wild)[29]) == (None, True, False)


def rising(minutes: int) -> list[Candle]:
    """Return candles that close a unit above their open, one after another."""
    return [
        make_candle(f"{1000 + i} {1001 + i} {1000 + i} {1001 + i}", i, volume=str(i + 1))
        for i in range(minutes)
    ]


def test_an_analysis_knows_only_candles_that_have_closed() -> None:
    found = list(analyses(rising(47), Interval.M15))

    assert [a.data_until - MIDNIGHT for a in found] == [
        timedelta(minutes=5 * i) for i in range(1, 10)
    ]
    assert [a.indicators and a.indicators.time for a in found] == [
        *[None] * 2,
        *[MIDNIGHT] * 3,
        *[MIDNIGHT + timedelta(minutes=15)] * 3,
        MIDNIGHT + timedelta(minutes=30),
    ]
    last = found[-1].indicators
    assert last is not None
    assert last.values == {
        Name.CLOSE: Decimal(1045),
        Name.PREVIOUS_CLOSE: Decimal(1030),
        Name.VOLUME: Decimal(sum(range(31, 46))),
        Name.DAY_OPEN: Decimal(1000),
    }


def test_days_are_known_from_their_first_candle_on() -> None:
    found = {a.data_until - MIDNIGHT: a for a in analyses(rising(1445), Interval.M5)}

    at_midnight, later = found[timedelta(days=1)], found[timedelta(days=1, minutes=5)]
    assert at_midnight.indicators is not None
    assert later.indicators is not None
    assert at_midnight.indicators.values[Name.DAY_OPEN] == 1000
    assert Name.PREVIOUS_DAY_HIGH not in at_midnight.indicators.values
    assert later.indicators.values[Name.DAY_OPEN] == 2440
    assert later.indicators.values[Name.PREVIOUS_DAY_HIGH] == 2440
    assert later.indicators.values[Name.PREVIOUS_DAY_LOW] == 1000
    assert later.indicators.values.keys() >= breakout_values().keys()


def test_no_analysis_changes_when_later_candles_come() -> None:
    candles = rising(400)
    short = list(analyses(candles[:333], Interval.M5))
    assert list(analyses(candles, Interval.M5))[: len(short)] == short
