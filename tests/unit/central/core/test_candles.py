"""Longer candles are built of shorter ones."""

from datetime import timedelta
from decimal import Decimal

import pytest

from dantaro_central.core.candles import Aggregator, aggregate, floor_time
from dantaro_crds.values import Interval
from tests.support.candles import START, make_candle

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def test_times_are_floored_to_the_utc_grid() -> None:
    time = START + timedelta(hours=7, minutes=59, seconds=59)
    assert floor_time(time, timedelta(hours=4)) == START + timedelta(hours=4)
    assert floor_time(START, timedelta(days=1)) == START


def test_an_hour_has_first_open_extremes_last_close_and_all_volume() -> None:
    candles = [
        make_candle(START, 101, open_=100, high=105, low=99, volume="0.5"),
        make_candle(START + MINUTE, 90, open_=101, high=102, low=88, volume="0.25"),
        make_candle(START + 59 * MINUTE, 95, open_=90, high=96, low=90, volume="1"),
    ]
    (hour,) = aggregate(candles, Interval.M60, until=START + HOUR)
    prices = [int(price) for price in (hour.open, hour.high, hour.low, hour.close)]
    assert (hour.time, prices) == (START, [100, 105, 88, 95])
    assert hour.volume == Decimal("1.75")


def test_an_hour_in_progress_is_no_candle() -> None:
    candles = [make_candle(START)]
    assert aggregate(candles, Interval.M60, until=START + HOUR - MINUTE) == []


def test_an_hour_without_trades_makes_no_candle() -> None:
    candles = [make_candle(START, volume=0), make_candle(START + HOUR, 5)]
    built = aggregate(candles, Interval.M60, until=START + 2 * HOUR)
    assert [hour.time for hour in built] == [START + HOUR]


def test_a_bucket_that_began_before_the_first_candle_collected_is_left_out() -> None:
    since = START + 10 * MINUTE
    builder = Aggregator(Interval.M60, since=since)
    builder.add(make_candle(since))
    assert builder.close(START + HOUR) is None
    builder.add(make_candle(START + HOUR))
    closed = builder.close(START + 2 * HOUR)
    assert closed is not None
    assert closed.time == START + HOUR


def test_no_candles_make_none() -> None:
    assert aggregate([], Interval.D1, until=START) == []
