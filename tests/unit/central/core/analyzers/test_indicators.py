"""Indicators of a market: what is said when, and that a plain reading of the definitions agrees."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from dantaro_central.core.analysis import Analyst
from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Batch, Findings
from dantaro_central.core.market_state import MarketState
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Candle as WireCandle
from dantaro_crds.wire.bundle import Indicators
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from tests.support.candles import START, make_candle, simulated_hours, simulated_minutes
from tests.support.indicators import analyses

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

SYMBOL = "KRW-BTC"
DAYS = {Name.DAY_OPEN, Name.PREVIOUS_DAY_HIGH, Name.PREVIOUS_DAY_LOW}


def digested(
    minutes: list[Candle], count: int, *, history: dict[Interval, list[Candle]] | None = None
) -> Findings:
    """Return what was found in `count` minutes from START on, the first analysis among it."""
    state = MarketState(SYMBOL, since=START)
    state.restore(history or {}, until=START)
    analyst = Analyst([state])
    first = analyst.analyse(START)
    rest = analyst.digest(
        Batch(minutes={SYMBOL: minutes}), after=START, until=START + count * MINUTE
    )
    rest.indicators[:0] = first.indicators
    return rest


def said(found: Findings, interval: Interval) -> dict[str, Indicators]:
    """Return the indicators of an interval by `dataUntil`, as minutes after START."""
    return {
        str((until - START) // MINUTE): Indicators.model_validate_json(text)
        for _, of, until, text in found.indicators
        if of is interval
    }


@pytest.mark.parametrize(
    ("interval", "count"), [(Interval.M1, 400), (Interval.M5, 1200), (Interval.M15, 3300)]
)
def test_a_plain_reading_of_the_definitions_agrees(interval: Interval, count: int) -> None:
    minutes = simulated_minutes(SYMBOL, count)
    found = said(digested(minutes, count), interval)
    wire = [
        WireCandle(time=c.time, open=c.open, high=c.high, low=c.low, close=c.close, volume=c.volume)
        for c in minutes
    ]
    compared = 0
    for analysis in analyses(wire, interval):
        at = str((analysis.data_until - START) // MINUTE)
        want = analysis.indicators
        if want is None or at not in found or Name.RSI14 not in found[at].values:
            continue
        got = found[at]
        assert (got.time, got.interval) == (want.time, want.interval)
        assert want.values.keys() <= got.values.keys()
        for name, value in want.values.items():
            allowed = max(abs(value), Decimal(1)) * Decimal("1e-9")
            assert abs(got.values[name] - value) <= allowed, (at, name)
        compared += 1
    assert compared > 15


def test_an_interval_is_heard_of_when_a_candle_of_it_closed_and_when_the_day_changes() -> None:
    minutes = simulated_minutes(SYMBOL, 1500)
    found = digested(minutes, 1500)
    for interval in (Interval.M15, Interval.M60, Interval.M240):
        span = interval.span // MINUTE
        times = {int(at) for at in said(found, interval)}
        # The first price of a day is known with its first analysis.
        assert times == {*range(span, 1501, span), 1445}, interval
    assert {int(at) for at in said(found, Interval.D1)} == {1440, 1445}
    assert len(said(found, Interval.M1)) == len(said(found, Interval.M5)) == 300


def test_the_days_are_those_of_the_minute_before_the_analysis() -> None:
    minutes = [make_candle(START + n * MINUTE, 100 + n, open_=99 + n) for n in range(2885)]
    found = said(digested(minutes, 2885), Interval.M5)
    first, last, next_ = (found[at].values for at in ("1435", "1440", "1445"))
    assert {name: first[name] for name in DAYS & first.keys()} == {Name.DAY_OPEN: 99}
    assert {name: last[name] for name in DAYS & last.keys()} == {Name.DAY_OPEN: 99}
    assert {name: next_[name] for name in DAYS} == {
        Name.DAY_OPEN: 1539,
        Name.PREVIOUS_DAY_HIGH: 1539,
        Name.PREVIOUS_DAY_LOW: 99,
    }
    assert found["2880"].values[Name.PREVIOUS_DAY_HIGH] == 1539
    assert found["2885"].values[Name.PREVIOUS_DAY_HIGH] == 2979


def test_a_day_that_was_not_seen_from_its_open_says_nothing() -> None:
    later = START + 90 * MINUTE
    state = MarketState(SYMBOL, since=later)
    minutes = [make_candle(later + n * MINUTE, 100) for n in range(2800)]
    found = Analyst([state]).digest(
        Batch(minutes={SYMBOL: minutes}), after=later, until=later + 2800 * MINUTE
    )
    days = {at: DAYS & figures.values.keys() for at, figures in said(found, Interval.M5).items()}
    assert days["95"] == days["1440"] == set()
    assert days["1445"] == {Name.DAY_OPEN}
    assert days["2885"] == DAYS


def test_hours_from_before_the_minutes_make_the_first_day_whole() -> None:
    later = START + 10 * HOUR
    hours = [make_candle(START + n * HOUR, 200 + n, open_=200 + n) for n in range(10)]
    state = MarketState(SYMBOL, since=later)
    state.restore({Interval.M60: hours}, until=later)
    minutes = [make_candle(later + n * MINUTE, 100) for n in range(15 * 60)]
    analyst = Analyst([state])
    analyst.analyse(later)
    found = analyst.digest(
        Batch(minutes={SYMBOL: minutes}), after=later, until=later + 900 * MINUTE
    )
    day = [candle for _, interval, candle in found.built if interval is Interval.D1]
    assert [candle.time for candle in day] == [START]
    assert [day[0].open, day[0].high, day[0].low] == [Decimal(200), Decimal(209), Decimal(100)]
    assert said(found, Interval.M60)[str(24 * 60 + 5)].values[Name.PREVIOUS_DAY_HIGH] == 209


def test_history_of_a_longer_interval_is_used_from_the_start() -> None:
    hours = simulated_hours(SYMBOL, 400)
    found = digested([], 0, history={Interval.M60: hours})
    assert [interval for _, interval, _, _ in found.indicators] == [Interval.M60]
    figures = said(found, Interval.M60)["0"]
    assert figures.time == START - HOUR
    assert Name.RSI14 in figures.values


def test_a_market_without_trades_is_flat_and_still_of_the_newest_candle() -> None:
    minutes = simulated_minutes(SYMBOL, 30)
    found = said(digested(minutes, 400), Interval.M5)
    last = found["400"]
    assert last.time == START + 395 * MINUTE
    assert last.values[Name.CLOSE] == minutes[-1].close
    assert last.values[Name.VOLUME] == 0


def test_values_have_a_stated_number_of_digits_and_no_exponent() -> None:
    tiny = [
        make_candle(START + n * MINUTE, f"0.0000{1234 + n * 7 % 13}", volume="12345.678912345678")
        for n in range(240)
    ]
    found = digested(tiny, 240)
    texts = [json.loads(text)["values"] for _, _, _, text in found.indicators]
    for values in texts:
        for name, text in values.items():
            assert "e" not in text, (name, text)
            assert len(text.partition(".")[2]) <= 18, (name, text)
            digits = text.lstrip("-").replace(".", "").lstrip("0")
            taken = name in {"volume", "close", "previousClose", "donchianUpper20"}
            assert len(digits) <= (15 if taken or abs(float(text)) < 1e-6 else 10), (name, text)
    assert texts[-1]["close"] == str(tiny[-1].close)


def test_the_figures_of_the_cheapest_coin_can_be_read_by_a_bot() -> None:
    tiny = [make_candle(START + n * MINUTE, f"0.0000{1234 + n * 7 % 13}") for n in range(240)]
    last = said(digested(tiny, 240), Interval.M1)["240"]
    assert 0 < abs(last.values[Name.MACD_HISTOGRAM]) < Decimal("0.000001")
