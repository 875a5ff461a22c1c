"""Recorded candles become moves, and moves become the same candles again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from dantaro_crds.values import Interval
from tests.support.candles import make_candle, write_candles
from tests.support.exchange.config import ClockConfig, MarketConfig, Rules
from tests.support.exchange.engine import Engine
from tests.support.exchange.feed import Feed, MarketClock, points_of, read_candles
from tests.support.exchange.orders import Refusal
from tests.support.exchange.tape import DAY, Candle, Tape
from tests.support.recorded import recorded_candles

pytestmark = pytest.mark.unit

START = datetime(2025, 9, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def _figures(candle: Candle) -> tuple[object, ...]:
    return candle.time, candle.open, candle.high, candle.low, candle.close, candle.volume


def _feed(path: Path, at: datetime) -> Feed:
    clock = MarketClock(ClockConfig(market=at))
    feed = Feed(Engine(Rules()), clock)
    feed.open_markets((MarketConfig(code="KRW-XRP", candles=str(path)),))
    return feed


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    candles = [
        make_candle(START, 102, open_=100, high=104, low=99, volume="1.00000003"),
        make_candle(START + MINUTE, 98, open_=101, high=103, low=97),
        make_candle(START + 2 * MINUTE, 90, open_=90, high=90, low=90, volume=0),
        make_candle(START + 4 * MINUTE, 99, open_=98),
    ]
    return write_candles(tmp_path, "KRW-XRP", Interval.M1, candles)


@pytest.mark.parametrize(
    ("close", "want"),
    [
        pytest.param(102, [100, 99, 104, 102], id="rising-goes-low-first"),
        pytest.param(100, [100, 99, 104, 100], id="level-goes-low-first"),
        pytest.param(99, [100, 104, 99, 99], id="falling-goes-high-first"),
    ],
)
def test_a_candle_is_four_moves(close: int, want: list[int]) -> None:
    opened, high, low, closed = map(Decimal, (100, 104, 99, close))
    candle = Candle(time=START, open=opened, high=high, low=low, close=closed, volume=Decimal(1))
    moves = points_of("KRW-XRP", candle)
    assert [move.price for move in moves] == want
    assert [(move.time - START).seconds for move in moves] == [0, 15, 30, 45]


def test_the_clock_walks_the_candles(recording: Path) -> None:
    feed = _feed(recording, START)
    prices = []
    for seconds in (0, 14, 15, 30, 59, 60, 300):
        feed.clock.move_to(START + timedelta(seconds=seconds))
        feed.advance()
        prices.append(int(feed._engine.markets["KRW-XRP"].last))
    assert prices == [100, 100, 99, 104, 102, 101, 99]
    assert feed.has_ended


def test_a_walked_recording_is_the_recording_without_empty_candles(recording: Path) -> None:
    feed = _feed(recording, START)
    feed.clock.move_to(START + timedelta(hours=1))
    feed.advance()
    walked = [_figures(candle) for candle in feed.tapes["KRW-XRP"].minutes]
    assert walked == [_figures(candle) for candle in read_candles(recording)]
    assert len(walked) == 3


def test_what_lies_before_the_start_is_history(recording: Path) -> None:
    feed = _feed(recording, START + timedelta(seconds=90))
    assert [candle.close for candle in feed.tapes["KRW-XRP"].minutes] == [102]
    assert feed._engine.markets["KRW-XRP"].last == 102
    feed.advance()
    assert feed._engine.markets["KRW-XRP"].last == 97


def test_a_standing_clock_never_goes_back(recording: Path) -> None:
    feed = _feed(recording, START)
    with pytest.raises(Refusal, match="clock_back"):
        feed.clock.move_to(START - MINUTE)


def test_a_running_clock_follows_its_anchors() -> None:
    wall = datetime.now(UTC) - timedelta(seconds=10)
    clock = MarketClock(ClockConfig(mode="replay", market=START, wall=wall, speed=60))
    assert timedelta(seconds=600) <= clock.now() - START < timedelta(seconds=900)
    with pytest.raises(Refusal, match="clock_runs"):
        clock.move_to(START)


def test_longer_candles_grow_with_the_minutes() -> None:
    tape = Tape()
    for minute in range(7):
        tape.record(Decimal(100 + minute), START + minute * MINUTE, Decimal(1))
        newest = tape.candles(5)[-1]
        assert newest.close == 100 + minute
    figures = [list(map(int, (c.open, c.close, c.volume))) for c in tape.candles(5)]
    assert figures == [[100, 104, 5], [105, 106, 2]]
    assert [c.volume for c in tape.candles(DAY)] == [7]


def test_the_last_day_counts_24_hours() -> None:
    tape = Tape()
    for hour in range(30):
        tape.record(Decimal(2), START + timedelta(hours=hour), Decimal(1))
    assert list(tape.last_day(START + timedelta(hours=29))) == [50, 25]
    tape.record(Decimal(2), START + timedelta(hours=29), Decimal(3))
    assert list(tape.last_day(START + timedelta(hours=29))) == [56, 28]


def test_recorded_minutes_add_up_to_recorded_hours() -> None:
    folder = recorded_candles() / "upbit" / "KRW-SOL"
    tape = Tape()
    for candle in read_candles(folder / "1m.csv.gz"):
        if candle.time >= START + timedelta(hours=30):
            break
        for move in points_of("KRW-SOL", candle):
            tape.record(move.price, move.time, move.volume)
    hours = [
        _figures(candle)
        for candle in read_candles(folder / "60m.csv.gz")
        if START <= candle.time < START + timedelta(hours=30)
    ]
    assert [_figures(candle) for candle in tape.candles(60)] == hours
    assert len(hours) == 30
