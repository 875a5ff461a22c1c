"""The made-up market is the same however it is stepped, and looks like one."""

from datetime import timedelta
from statistics import pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dantaro_central.core.simulation import SIMULATED_MARKETS, SimulatedMarket
from dantaro_crds.values import Interval
from dantaro_crds.venues import KRW_TICKS
from tests.support.candles import START

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


@settings(max_examples=30)
@given(st.integers(0, 500), st.integers(0, 40), st.integers(0, 9))
def test_a_minute_is_the_same_however_one_gets_there(begin: int, count: int, seed: int) -> None:
    at = START + begin * MINUTE
    until = at + count * MINUTE
    whole = list(SimulatedMarket("KRW-XRP", seed=seed).minutes(at, until))
    one = SimulatedMarket("KRW-XRP", seed=seed)
    backwards = [
        candle
        for number in reversed(range(count))
        for candle in one.minutes(at + number * MINUTE, at + (number + 1) * MINUTE)
    ]
    assert list(reversed(backwards)) == whole


@pytest.mark.parametrize("symbol", SIMULATED_MARKETS)
def test_prices_are_sound_and_on_ticks(symbol: str) -> None:
    market = SimulatedMarket(symbol, seed=3)
    candles = [
        *market.drawn(Interval.M60, START - 20 * DAY, START),
        *market.minutes(START, START + DAY),
    ]
    for candle in candles:
        prices = (candle.open, candle.high, candle.low, candle.close)
        assert all(KRW_TICKS.is_on_tick(price) for price in prices)
        assert 0 < candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert candle.volume >= 0


def test_a_minute_moves_about_a_tenth_of_a_percent() -> None:
    for symbol in ("KRW-BTC", "KRW-ETH", "KRW-SOL", "KRW-XRP"):
        candles = list(SimulatedMarket(symbol, seed=1).minutes(START, START + DAY))
        moves = [float(c.close / c.open) - 1 for c in candles]
        assert 0.0004 < pstdev(moves) < 0.002


def test_some_minutes_are_without_trade_and_repeat_the_last_price() -> None:
    candles = list(SimulatedMarket("KRW-ADA", seed=1).minutes(START, START + DAY))
    empty = [index for index, candle in enumerate(candles) if not candle.volume]
    assert 10 < len(empty) < 100
    for index in filter(None, empty):
        assert candles[index].high == candles[index].low == candles[index - 1].close


def test_seeds_and_markets_differ() -> None:
    def closes(symbol: str, seed: int) -> list[float]:
        market = SimulatedMarket(symbol, seed=seed)
        candles = list(market.minutes(START, START + timedelta(hours=1)))
        return [float(candle.close / candles[0].open) for candle in candles]

    assert closes("KRW-BTC", 1) != closes("KRW-BTC", 2)
    assert closes("KRW-BTC", 1) != closes("KRW-SOL", 1)


def test_the_history_leads_to_the_first_minute() -> None:
    market = SimulatedMarket("KRW-BTC", seed=1)
    (last,) = market.drawn(Interval.M60, START - timedelta(hours=1), START)
    (first,) = market.minutes(START, START + MINUTE)
    assert last.close == first.open


def test_hours_in_progress_are_left_out() -> None:
    market = SimulatedMarket("KRW-BTC", seed=1)
    until = START + timedelta(minutes=59)
    assert [h.time for h in market.drawn(Interval.M60, START - timedelta(minutes=90), until)] == [
        START - timedelta(hours=1)
    ]


def test_a_year_has_trends_and_never_leaves_the_ground() -> None:
    hours = list(SimulatedMarket("KRW-DOGE", seed=5).drawn(Interval.M60, START - 365 * DAY, START))
    lowest = min(hour.low for hour in hours)
    highest = max(hour.high for hour in hours)
    assert lowest > 100
    assert highest / lowest > 1.3
