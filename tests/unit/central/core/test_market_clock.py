"""Market time goes as fast as its pace says."""

from datetime import timedelta

import pytest

from dantaro_central.core.market_clock import LivePace, MaxPace, SourceIdentity, SteppedPace
from tests.support.candles import START

pytestmark = pytest.mark.unit


def test_a_stepped_market_goes_n_times_as_fast_from_where_it_was() -> None:
    pace = SteppedPace(60)
    assert pace.due(cursor=START, now=START, monotonic=1000.0) == START
    assert pace.due(cursor=START, now=START, monotonic=1000.9) == START
    assert pace.due(cursor=START, now=START, monotonic=1002.5) == START + timedelta(minutes=2)


@pytest.mark.parametrize(
    ("speed", "want"),
    [
        pytest.param(1, 1.0, id="real-time-waits-a-second"),
        pytest.param(60, 0.1, id="a-tenth-of-a-market-minute"),
        pytest.param(100_000, 0.02, id="never-a-busy-loop"),
    ],
)
def test_a_stepped_market_waits_in_proportion(speed: float, want: float) -> None:
    assert SteppedPace(speed).pause() == pytest.approx(want)


def test_at_max_speed_there_is_always_more_due() -> None:
    pace = MaxPace()
    due = pace.due(cursor=START, now=START, monotonic=0.0)
    assert due > START + timedelta(days=365)
    assert pace.pause() == 0


def test_a_live_market_leaves_the_venue_a_moment_to_close_its_candle() -> None:
    pace = LivePace()
    minute = timedelta(minutes=1)
    for seconds, want in ((0, START - minute), (1.9, START - minute), (2, START)):
        now = START + timedelta(seconds=seconds)
        assert pace.due(cursor=START, now=now, monotonic=0.0) == want
    assert pace.pause() > 0


def test_an_identity_is_told_in_words() -> None:
    replay = SourceIdentity(name="replay", live=False, folder="/data", start="2025-09-01T00:00:00Z")
    assert str(replay) == "replay, folder /data, from 2025-09-01T00:00:00Z"
    assert str(SourceIdentity(name="simulated", live=False, seed=1)) == "simulated, seed 1"
