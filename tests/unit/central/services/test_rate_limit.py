"""A key may send so many requests in a window, whoever counts."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_central.errors import TooManyRequestsError
from dantaro_central.services.rate_limit import RateLimiter
from dantaro_crds.errors import TransientError
from tests.support.candles import START
from tests.support.clock import MovingClock

pytestmark = pytest.mark.unit

KEY = "0" * 64
OTHER = "1" * 64


class FakeCounts:
    """Sums in memory; may be gone."""

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()
        self.is_down = False

    async def add(self, counts: dict[str, int]) -> dict[str, int]:
        if self.is_down:
            raise TransientError("Redis does not answer")
        self.sums.update(counts)
        return {name: self.sums[name] for name in counts}


def make_limiter(clock: MovingClock, *, requests: int = 5) -> RateLimiter:
    """Return a limiter with a window of a minute."""
    return RateLimiter(requests=requests, seconds=60, clock=clock)


def allowed(limiter: RateLimiter, count: int, *, key: str = KEY) -> int:
    """Return how many of so many requests pass."""
    passed = 0
    for _ in range(count):
        try:
            limiter.take(key)
        except TooManyRequestsError:
            continue
        passed += 1
    return passed


def test_a_key_has_its_requests_again_in_the_next_window() -> None:
    clock = MovingClock(START)
    limiter = make_limiter(clock)
    assert allowed(limiter, 9) == 5
    assert allowed(limiter, 9, key=OTHER) == 5
    clock.seconds = 59
    with pytest.raises(TooManyRequestsError) as caught:
        limiter.take(KEY)
    assert caught.value.retry_after == timedelta(seconds=1)
    assert (caught.value.limit, caught.value.remaining, caught.value.code) == (5, 0, "RateLimited")
    clock.seconds = 60
    assert allowed(limiter, 9) == 5


def test_windows_of_keys_begin_at_seconds_of_their_own() -> None:
    clock = MovingClock(START)
    limiter = make_limiter(clock)
    late = "0000001e" + "0" * 56
    assert allowed(limiter, 9, key=late) == 5
    clock.seconds = 30
    assert allowed(limiter, 9, key=late) == 5


def test_a_request_that_stands_for_several_passes_whole_or_not_at_all() -> None:
    limiter = make_limiter(MovingClock(START))
    limiter.take(KEY, cost=3)
    with pytest.raises(TooManyRequestsError) as caught:
        limiter.take(KEY, cost=3)
    assert caught.value.remaining == 2
    assert allowed(limiter, 9) == 2


def test_a_clock_that_jumps_locks_nobody_out() -> None:
    clock = MovingClock(START)
    limiter = make_limiter(clock)
    allowed(limiter, 9)
    clock.seconds = -86_400
    assert allowed(limiter, 9) == 5


async def test_two_processes_hold_one_limit() -> None:
    clock, counts = MovingClock(START), FakeCounts()
    first, second = make_limiter(clock), make_limiter(clock)
    assert allowed(first, 3) == 3
    assert allowed(second, 1) == 1
    await first.share(counts)
    await second.share(counts)
    assert allowed(second, 9) == 1


async def test_without_the_common_store_each_holds_the_limit_alone_and_then_together_again() -> (
    None
):
    clock, counts = MovingClock(START), FakeCounts()
    first, second = make_limiter(clock), make_limiter(clock)
    counts.is_down = True
    assert allowed(first, 9) == allowed(second, 9) == 5
    for limiter in (first, second):
        with pytest.raises(TransientError):
            await limiter.share(counts)
    counts.is_down = False
    clock.seconds = 60
    assert allowed(first, 4) == 4
    assert allowed(second, 1) == 1
    await first.share(counts)
    await second.share(counts)
    assert allowed(second, 9) == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("take"), st.integers(1, 4)),
            st.tuples(st.just("wait"), st.integers(0, 70)),
            st.tuples(st.just("share"), st.booleans()),
        ),
        max_size=60,
    )
)
async def test_no_window_passes_more_than_the_limit(steps: list[tuple[str, int]]) -> None:
    clock, counts = MovingClock(START), FakeCounts()
    limiter = make_limiter(clock)
    passed: Counter[int] = Counter()
    for kind, figure in steps:
        if kind == "wait":
            clock.seconds += figure
        elif kind == "share":
            counts.is_down = bool(figure)
            try:
                await limiter.share(counts)
            except TransientError:
                assert counts.is_down
        else:
            try:
                limiter.take(KEY, cost=figure)
            except TooManyRequestsError:
                continue
            passed[int(clock.seconds // 60)] += figure
    assert max(passed.values(), default=0) <= 5
