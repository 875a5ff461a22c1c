"""How often Upbit is asked, in which order, and what refusals change."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dantaro_crds.errors import RateLimitedError
from dantaro_runtime.adapters.exchanges.limits import Bucket, Group, Limits, Priority
from tests.support.clock import StepClock

pytestmark = pytest.mark.unit

START = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


class WallClock(StepClock):
    """Its wall time goes with its seconds."""

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)


def make_limits(
    clock: StepClock, *, rate: str | None = None, banned_until: datetime | None = None
) -> Limits:
    return Limits(
        clock=clock,
        rng=random.Random(7),
        orders_per_second=None if rate is None else Decimal(rate),
        banned_until=banned_until,
    )


async def times(
    clock: StepClock, limits: Limits, group: Group, priority: Priority, *, count: int
) -> list[float]:
    """Return when each of `count` calls was let through."""
    found = []
    for _ in range(count):
        await limits.take_turn(group, priority)
        found.append(clock.seconds)
    return found


@pytest.mark.parametrize(
    ("group", "most"),
    [
        pytest.param(Group.ORDER, 12, id="order"),
        pytest.param(Group.DEFAULT, 30, id="default"),
        pytest.param(Group.TICKER, 10, id="ticker"),
        pytest.param(Group.ORDERBOOK, 10, id="orderbook"),
        pytest.param(Group.MARKET, 10, id="market"),
        pytest.param(Group.ORDER_TEST, 8, id="order-test"),
    ],
)
async def test_no_second_holds_more_calls_than_upbit_takes(group: Group, most: int) -> None:
    clock = StepClock()
    sent = await times(clock, make_limits(clock), group, Priority.EXIT, count=100)
    assert max(sum(start <= t < start + 1 for t in sent) for start in sent) <= most


@pytest.mark.parametrize(
    ("group", "rate"),
    [
        pytest.param(Group.ORDER, 8, id="order"),
        pytest.param(Group.DEFAULT, 25, id="default"),
        pytest.param(Group.TICKER, 8, id="ticker"),
    ],
)
async def test_calls_go_on_at_the_rate(group: Group, rate: int) -> None:
    clock = StepClock()
    sent = await times(clock, make_limits(clock), group, Priority.READ, count=rate * 10 + 10)
    assert sent[-1] - sent[9] == pytest.approx(10.0)


@pytest.mark.parametrize("rate", ["0.2", "2.5"])
async def test_the_operators_rate_narrows_orders(rate: str) -> None:
    clock = StepClock()
    sent = await times(clock, make_limits(clock, rate=rate), Group.ORDER, Priority.ENTRY, count=30)
    assert sent[-1] - sent[4] == pytest.approx(25 / float(rate))


async def test_a_small_rate_lets_an_order_and_an_exit_go_at_once_and_no_more() -> None:
    clock = StepClock()
    sent = await times(clock, make_limits(clock, rate="0.2"), Group.ORDER, Priority.EXIT, count=3)
    assert sent == [0.0, 0.0, pytest.approx(5.0)]


async def test_the_operators_rate_never_widens_orders() -> None:
    clock = StepClock()
    sent = await times(clock, make_limits(clock, rate="50"), Group.ORDER, Priority.EXIT, count=20)
    assert sent[-1] - sent[4] == pytest.approx(15 / 8)


@pytest.mark.parametrize("rate", [None, "0.2"], ids=str)
async def test_an_exit_does_not_wait_for_the_entries_before_it(rate: str | None) -> None:
    clock = StepClock()
    limits = make_limits(clock, rate=rate)
    await times(clock, limits, Group.ORDER, Priority.ENTRY, count=20)
    before = clock.seconds
    await limits.take_turn(Group.ORDER, Priority.EXIT)
    assert clock.seconds == before


async def test_a_cancel_does_not_wait_for_the_reads_before_it() -> None:
    clock = StepClock()
    limits = make_limits(clock)
    await times(clock, limits, Group.DEFAULT, Priority.READ, count=60)
    before = clock.seconds
    await limits.take_turn(Group.DEFAULT, Priority.CANCEL)
    assert clock.seconds == before


async def test_who_waits_is_let_through_by_priority() -> None:
    class TurnClock(StepClock):
        """Moves on when all have slept."""

        async def sleep(self, seconds: float) -> None:
            due = self.seconds + seconds
            while self.seconds < due:
                await asyncio.sleep(0)
                self.seconds += 0.001

    clock, order = TurnClock(), []
    limits = make_limits(clock)
    await times(clock, limits, Group.ORDER, Priority.EXIT, count=4)

    async def ask(priority: Priority) -> None:
        await limits.take_turn(Group.ORDER, priority)
        order.append(priority)

    asked = [Priority.ENTRY, Priority.READ, Priority.EXIT, Priority.CANCEL]
    await asyncio.gather(*(ask(priority) for priority in asked))
    assert order == sorted(asked)


@pytest.mark.parametrize(
    ("remaining", "want"),
    [
        pytest.param("group=order; min=1800; sec=0", 1.0, id="nothing-left"),
        pytest.param("group=exchange.order; min=1800; sec=1", 0.15, id="one-left-none-for-entries"),
        pytest.param("group=order; min=1800; sec=11", 0.0, id="more-left-than-we-have"),
        pytest.param("", 0.0, id="not-told"),
        pytest.param("sec=many", 0.0, id="not-a-number"),
    ],
)
async def test_what_upbit_says_is_left_corrects_downwards(remaining: str, want: float) -> None:
    clock = StepClock()
    limits = make_limits(clock)
    assert limits.heed(Group.ORDER, status=201, remaining=remaining, message="") is None
    await limits.take_turn(Group.ORDER, Priority.ENTRY)
    assert clock.seconds == pytest.approx(want)


async def test_a_refusal_waits_for_the_next_second_with_jitter() -> None:
    clock = StepClock()
    limits = make_limits(clock)
    pause = limits.heed(Group.DEFAULT, status=429, remaining="", message="")
    assert pause is not None
    assert 1.0 < pause.total_seconds() <= 1.25
    await limits.take_turn(Group.DEFAULT, Priority.CANCEL)
    assert clock.seconds == pytest.approx(pause.total_seconds())
    await limits.take_turn(Group.ORDER, Priority.ENTRY)
    assert clock.seconds == pytest.approx(pause.total_seconds())


async def refuse_three_times(limits: Limits, *, between: int) -> None:
    for _ in range(3):
        await limits.take_turn(Group.DEFAULT, Priority.CANCEL)
        limits.heed(Group.DEFAULT, status=between, remaining="", message="")
        limits.heed(Group.DEFAULT, status=429, remaining="", message="")


async def test_three_refusals_in_a_row_slow_down_to_one_call_per_second_for_a_minute() -> None:
    clock = StepClock()
    limits = make_limits(clock)
    await refuse_three_times(limits, between=429)
    start = clock.seconds
    slow = await times(clock, limits, Group.DEFAULT, Priority.READ, count=10)
    assert slow[-1] - slow[0] == pytest.approx(9.0)
    clock.seconds = start + 61
    fast = await times(clock, limits, Group.DEFAULT, Priority.READ, count=25)
    assert fast[-1] - fast[0] < 1.1


async def test_refusals_with_an_answer_between_them_do_not_slow_down() -> None:
    clock = StepClock()
    limits = make_limits(clock)
    await refuse_three_times(limits, between=200)
    fast = await times(clock, limits, Group.DEFAULT, Priority.READ, count=10)
    assert fast[-1] - fast[0] < 1.0


@pytest.mark.parametrize(
    ("message", "want"),
    [
        pytest.param("blocked for 90 seconds", 90, id="seconds"),
        pytest.param("blocked for 10 minutes and 30 s", 630, id="minutes"),
        pytest.param("1시간 2분 3초 동안 차단되었습니다", 3723, id="korean"),
        pytest.param("too many requests", 60, id="not-told"),
        pytest.param("blocked for 0 seconds", 60, id="nothing"),
        pytest.param("error 418 at 10.0.0.7", 60, id="numbers-of-something-else"),
        pytest.param("blocked for 999999 hours", 86400, id="too-long"),
    ],
)
async def test_a_ban_stops_every_call_for_as_long_as_it_says(message: str, want: int) -> None:
    clock = WallClock()
    limits = make_limits(clock)
    pause = limits.heed(Group.ORDER, status=418, remaining="", message=message)
    assert pause == timedelta(seconds=want)
    assert limits.banned_until == START + timedelta(seconds=want)
    for group in Group:
        with pytest.raises(RateLimitedError) as caught:
            await limits.take_turn(group, Priority.CANCEL)
        assert (caught.value.code, caught.value.retry_after) == ("Banned", pause)
    clock.seconds = want
    await limits.take_turn(Group.ORDER, Priority.CANCEL)


def test_bans_that_do_not_say_how_long_double_until_an_answer_comes() -> None:
    clock = WallClock()
    limits = make_limits(clock)

    def ban() -> float:
        pause = limits.heed(Group.ORDER, status=418, remaining="", message="")
        assert pause is not None
        return pause.total_seconds()

    assert [ban(), ban()] == [60, 120]
    limits.heed(Group.ORDER, status=401, remaining="", message="")
    assert ban() == 240
    limits.heed(Group.ORDER, status=200, remaining="", message="")
    assert ban() == 60


def test_a_shorter_ban_does_not_end_a_longer_one() -> None:
    limits = make_limits(WallClock())
    limits.heed(Group.ORDER, status=418, remaining="", message="blocked for 90 seconds")
    limits.heed(Group.TICKER, status=418, remaining="", message="blocked for 5 seconds")
    assert limits.banned_until == START + timedelta(seconds=90)


async def test_a_ban_outlives_the_process() -> None:
    clock = WallClock()
    limits = make_limits(clock, banned_until=START + timedelta(seconds=5))
    with pytest.raises(RateLimitedError, match="5 s more"):
        await limits.take_turn(Group.TICKER, Priority.READ)
    clock.seconds = 5
    await limits.take_turn(Group.TICKER, Priority.READ)


async def test_who_gives_up_waiting_blocks_nobody() -> None:
    class StuckClock(StepClock):
        """Its sleepers do not wake."""

        async def sleep(self, seconds: float) -> None:
            await asyncio.Event().wait()

    clock = StuckClock()
    limits = make_limits(clock)
    await times(clock, limits, Group.ORDER, Priority.EXIT, count=4)
    waiter = asyncio.ensure_future(limits.take_turn(Group.ORDER, Priority.CANCEL))
    await asyncio.sleep(0)
    waiter.cancel()
    await asyncio.wait([waiter])
    clock.seconds = 1.0
    assert await times(clock, limits, Group.ORDER, Priority.ENTRY, count=1) == [1.0]


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    bucket = Bucket(rate=2.0, burst=3.0)
    for _ in range(3):
        assert bucket.delay(1000.0, urgent=True) == 0.0
        bucket.take(1000.0)
    assert bucket.delay(1000.0, urgent=True) == pytest.approx(0.5)
