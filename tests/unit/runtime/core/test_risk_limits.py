"""Daily loss, drawdown, latch and pause: exact figures, and what holds for any course of events."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_runtime.core.risk import (
    DRAWDOWN,
    RISK_ZONE,
    TRIP_COOLDOWN,
    RiskState,
    Trip,
    clear,
    has_day_changed,
    may_enter,
    risk_day,
    roll_day,
    sample,
    with_flow,
)
from tests.unit.runtime.core.test_risk import NOON, limits

pytestmark = pytest.mark.unit

D = Decimal
DAY = date(2026, 11, 20)
MIDNIGHT = datetime(2026, 11, 20, 15, tzinfo=UTC)
LOSS = Trip(reason="DailyLoss", message="lost")
FALL = Trip(reason=DRAWDOWN, message="fell")


def state(start: int = 1_000_000, peak: int = 1_000_000) -> RiskState:
    return RiskState(day=DAY, start_equity=D(start), peak=D(peak))


def test_a_new_day_starts_with_its_own_figures() -> None:
    old = RiskState(
        day=DAY, start_equity=D(7), start_realized=D(3), flows=D(5), peak=D(90), trip=None
    )
    assert roll_day(old, time=MIDNIGHT, equity=D(80), realized=D(4)) == RiskState(
        day=date(2026, 11, 21), start_equity=D(80), start_realized=D(4), peak=D(90)
    )
    assert roll_day(old, time=MIDNIGHT, equity=D(95), realized=D(4)).peak == D(95)


def test_only_the_end_of_a_daily_trip_starts_a_pause() -> None:
    seoul = MIDNIGHT.astimezone(RISK_ZONE)
    ended = roll_day(RiskState(day=DAY, trip=LOSS), time=seoul, equity=D(1), realized=D(0))
    assert (ended.trip, ended.cooldown_until) == (None, MIDNIGHT + TRIP_COOLDOWN)
    assert ended.cooldown_until is not None
    assert ended.cooldown_until.tzinfo is UTC
    kept = roll_day(RiskState(day=DAY, trip=FALL), time=MIDNIGHT, equity=D(1), realized=D(0))
    assert (kept.trip, kept.cooldown_until) == (FALL, None)


def test_the_day_changes_once_also_when_no_event_is_near_the_border() -> None:
    before = RiskState(day=DAY)
    assert not has_day_changed(before, MIDNIGHT - timedelta(microseconds=1))
    late = MIDNIGHT + timedelta(hours=5)
    assert has_day_changed(before, late)
    rolled = roll_day(before, time=late, equity=D(1), realized=D(0))
    assert not has_day_changed(rolled, late)
    assert not has_day_changed(rolled, MIDNIGHT)


@pytest.mark.parametrize(
    ("equity", "amount", "peak"),
    [
        pytest.param("1000000", "200000", "1260000", id="deposit"),
        pytest.param("1000000", "-500000", "525000", id="withdrawal"),
        pytest.param("0.5", "0.5", "2100000", id="less-than-one"),
        pytest.param("0", "300", "300", id="nothing-before"),
    ],
)
def test_a_flow_moves_the_peak_in_proportion(equity: str, amount: str, peak: str) -> None:
    moved = with_flow(state(peak=1_050_000), amount=D(amount), equity=D(equity))
    assert (moved.flows, moved.peak) == (D(amount), D(peak))


@pytest.mark.parametrize(
    ("bounds", "equity", "realized", "loss"),
    [
        pytest.param({"maxDailyLoss": "1030.5"}, "1000000", "-1030.5", "1030.50", id="at-it"),
        pytest.param({"maxDailyLoss": "1030.51"}, "1000000", "-1030.5", None, id="a-hair-less"),
        pytest.param({"maxDailyLossPercent": "3"}, "970000", "0", "30000.00", id="percent"),
        pytest.param({"maxDailyLossPercent": "3"}, "970000.01", "0", None, id="percent-less"),
        pytest.param(
            {"maxDailyLoss": "20000", "maxDailyLossPercent": "3"},
            "980000",
            "-1",
            "20000.00",
            id="smaller-of-both",
        ),
        pytest.param({"maxDailyLoss": "1"}, "1100000", "50", None, id="a-gain"),
        pytest.param({}, "0", "-1000000", None, id="no-limit"),
    ],
)
def test_daily_loss(bounds: dict[str, str], equity: str, realized: str, loss: str | None) -> None:
    trip = sample(state(), limits(**bounds), time=NOON, equity=D(equity), realized=D(realized)).trip
    assert (trip is not None) == (loss is not None)
    if trip is not None:
        assert trip.reason == "DailyLoss"
        assert trip.message.startswith(f"the loss of 2026-11-20 is {loss}, the limit ")
        assert trip.message.endswith(": no new entries until the next day (Asia/Seoul)")


@pytest.mark.parametrize(
    ("peak", "equity", "fall"),
    [
        pytest.param("1050000", "945000", "10.00", id="at-it"),
        pytest.param("1050000", "945000.01", None, id="a-hair-less"),
        pytest.param("1000000", "700000", "30.00", id="below"),
        pytest.param("0.5", "0.25", "50.00", id="small-money"),
        pytest.param("0", "0", None, id="no-money"),
        pytest.param("1000000", "2000000", None, id="a-new-peak"),
    ],
)
def test_drawdown(peak: str, equity: str, fall: str | None) -> None:
    before = RiskState(day=DAY, start_equity=D(equity), peak=D(peak))
    bounds = limits(maxDrawdownPercent="10")
    after = sample(before, bounds, time=NOON, equity=D(equity), realized=D(0))
    want = fall and Trip(
        reason="MaxDrawdown",
        message=f"the equity is {fall} % below its peak, the limit is 10 %: no new entries until "
        "a reset",
        since=NOON,
    )
    assert (after.trip, after.peak) == (want, max(D(peak), D(equity)))


def test_a_reset_counts_the_drawdown_anew_and_keeps_the_day() -> None:
    tripped = RiskState(
        day=DAY, start_equity=D(100), start_realized=D(2), flows=D(3), peak=D(120), trip=FALL
    )
    assert clear(tripped, time=NOON, equity=D(90)) == RiskState(
        day=DAY,
        start_equity=D(100),
        start_realized=D(2),
        flows=D(3),
        peak=D(90),
        cooldown_until=NOON + TRIP_COOLDOWN,
    )
    untripped = RiskState(day=DAY, peak=D(120), cooldown_until=NOON)
    assert clear(untripped, time=NOON, equity=D(90)).cooldown_until == NOON


def test_a_reset_within_the_day_trips_again() -> None:
    bounds = limits(maxDailyLossPercent="3")
    tripped = sample(state(), bounds, time=NOON, equity=D(969_000), realized=D(0))
    again = sample(
        clear(tripped, time=NOON, equity=D(969_000)),
        bounds,
        time=NOON,
        equity=D(969_000),
        realized=D(0),
    )
    assert again.trip == tripped.trip is not None


@pytest.mark.parametrize(
    ("minutes", "want"),
    [
        pytest.param(-1, True, id="clock-set-back-beyond-its-start"),
        pytest.param(0, False, id="at-its-start"),
        pytest.param(14, False, id="in-it"),
        pytest.param(15, True, id="at-its-end"),
    ],
)
def test_a_pause_blocks_entries_for_its_length(minutes: int, want: bool) -> None:
    paused = RiskState(day=DAY, cooldown_until=NOON + TRIP_COOLDOWN)
    assert may_enter(paused, limits(), NOON + timedelta(minutes=minutes)) is want


@pytest.mark.parametrize(
    ("bounds", "want"),
    [
        pytest.param({}, True, id="no-limit"),
        pytest.param({"maxDrawdownPercent": "5"}, True, id="no-limit-of-the-day"),
        pytest.param({"maxDailyLoss": "5"}, False, id="money"),
        pytest.param({"maxDailyLossPercent": "5"}, False, id="percent"),
    ],
)
def test_an_unknown_day_blocks_entries_if_its_loss_is_limited(
    bounds: dict[str, str], want: bool
) -> None:
    assert may_enter(RiskState(), limits(**bounds), NOON) is want
    assert may_enter(RiskState(day=DAY), limits(**bounds), MIDNIGHT) is want
    assert may_enter(RiskState(day=DAY), limits(**bounds), NOON)


_EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("sample"), st.integers(500_000, 1_500_000)),
        st.tuples(st.just("flow"), st.integers(-100_000, 100_000)),
        st.tuples(st.just("pass"), st.integers(1, 3_000)),
    ),
    max_size=40,
)


@given(events=_EVENTS)
def test_a_latch_holds_until_its_reset_whatever_happens(events: list[tuple[str, int]]) -> None:
    bounds = limits(maxDailyLossPercent="3", maxDrawdownPercent="10")
    now, risk, equity = NOON, state(), D(1_000_000)
    for kind, amount in events:
        before, rolled = risk, False
        if kind == "sample":
            equity = D(amount)
            risk = sample(risk, bounds, time=NOON, equity=equity, realized=D(0))
        elif kind == "flow":
            risk = with_flow(risk, amount=D(amount), equity=equity)
            equity += amount
        else:
            now += timedelta(minutes=amount)
            rolled = has_day_changed(risk, now)
            if rolled:
                risk = roll_day(risk, time=now, equity=equity, realized=D(0))
                assert risk.day == risk_day(now)
                assert (risk.start_equity, risk.flows) == (equity, D(0))
            assert not has_day_changed(risk, now)
        if before.trip is not None and not (rolled and before.trip.reason != DRAWDOWN):
            assert risk.trip is before.trip
        if before.trip is not None and risk.trip is None:
            assert not may_enter(risk, bounds, now)
        if risk.trip is None and kind == "sample":
            assert risk.start_equity + risk.flows - equity < risk.start_equity * D("0.03") or (
                equity >= risk.start_equity + risk.flows
            )
            assert equity > risk.peak * D("0.9")
