"""Upbit's answers become our candles."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_central.core.upbit_candles import fill_minutes, to_candles
from dantaro_crds.errors import SpecError
from tests.support.candles import START, make_candle

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)

# The first two candles of a recorded answer of 2026-08-30.
ANSWER = """[
{"market":"KRW-BTC","candle_date_time_utc":"2026-08-30T04:26:00",
 "candle_date_time_kst":"2026-08-30T13:26:00","opening_price":108580000.0,"high_price":108580000.0,
 "low_price":108536000.0,"trade_price":108580000.0,"timestamp":1788063995383,
 "candle_acc_trade_price":1389734.84452,"candle_acc_trade_volume":0.01280224,"unit":1},
{"market":"KRW-BTC","candle_date_time_utc":"2026-08-30T04:25:00",
 "candle_date_time_kst":"2026-08-30T13:25:00","opening_price":108524000.0,"high_price":108580000.0,
 "low_price":108511000.0,"trade_price":108580000.0,"timestamp":1788063954255,
 "candle_acc_trade_price":20308269.58216,"candle_acc_trade_volume":0.18712591,"unit":1}]"""


def parsed(text: str) -> Any:
    """Return JSON as the adapter reads it."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def test_a_recorded_answer_is_read_oldest_first() -> None:
    first, second = to_candles(parsed(ANSWER))
    assert (first.time.isoformat(), second.time.minute) == ("2026-08-30T04:25:00+00:00", 26)
    assert [first.open, first.high, first.low] == [
        Decimal(n) for n in (108524000, 108580000, 108511000)
    ]
    assert (second.close, second.volume) == (Decimal(108580000), Decimal("0.01280224"))


def test_candles_rise_in_time_whatever_the_order_of_the_answer() -> None:
    rows = parsed(ANSWER)
    assert to_candles(rows[::-1]) == to_candles(rows)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param('{"error":{"name":"x"}}', id="an-object"),
        pytest.param("[1]", id="no-candles"),
        pytest.param("[{}]", id="fields-missing"),
        pytest.param(ANSWER.replace("108580000.0", "null"), id="null"),
        pytest.param(ANSWER.replace("108580000.0", '"much"'), id="no-number"),
        pytest.param(ANSWER.replace("2026-08-30T04:26:00", "noon"), id="no-time"),
        pytest.param(ANSWER.replace("108511000.0", "0"), id="zero-price"),
        pytest.param(ANSWER.replace("108511000.0", "999999999"), id="low-above-high"),
    ],
)
def test_anything_else_is_refused(answer: str) -> None:
    with pytest.raises(SpecError, match="expected"):
        to_candles(parsed(answer))


def test_minutes_without_trade_repeat_the_last_price() -> None:
    trades = [make_candle(START - 3 * MINUTE, 90), make_candle(START + MINUTE, 110, open_=100)]
    filled = fill_minutes(trades, after=START, until=START + 4 * MINUTE)
    assert [(int(c.open), int(c.close), int(c.volume)) for c in filled] == [
        (90, 90, 0),
        (100, 110, 1),
        (110, 110, 0),
        (110, 110, 0),
    ]
    assert [c.time for c in filled] == [START + n * MINUTE for n in range(4)]


def test_minutes_before_the_first_known_price_are_left_out() -> None:
    trades = [make_candle(START + 2 * MINUTE)]
    filled = fill_minutes(trades, after=START, until=START + 3 * MINUTE)
    assert [c.time for c in filled] == [START + 2 * MINUTE]


def test_the_minute_in_progress_is_left_out() -> None:
    trades = [make_candle(START), make_candle(START + MINUTE)]
    assert len(fill_minutes(trades, after=START, until=START + MINUTE)) == 1
