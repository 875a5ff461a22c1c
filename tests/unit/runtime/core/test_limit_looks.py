"""What a look at the limits tells people, and what a person may accept."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_runtime.core.desk_state import DeskState
from dantaro_runtime.core.permit import Permit, Wishes
from dantaro_runtime.core.risk import (
    DRAWDOWN,
    REMIND_EVERY,
    TRIP_COOLDOWN,
    Look,
    RiskState,
    Trip,
    look_at_limits,
    may_enter,
    risk_day,
    roll_day,
    with_flow,
)
from dantaro_runtime.core.strategies.protocol import Level
from tests.unit.runtime.core.test_desk import NOW
from tests.unit.runtime.core.test_desk_limits import (
    carry_out,
    holding_desk,
    look,
    restarted,
    slots,
)
from tests.unit.runtime.core.test_risk import NOON, limits

pytestmark = pytest.mark.unit

D = Decimal
DAY = date(2026, 11, 20)
MIDNIGHT = datetime(2026, 11, 20, 15, tzinfo=UTC)
ACCEPTED = "a person accepted the loss of 2026-11-20: it was "
_DESK: TypeAdapter[DeskState] = TypeAdapter(DeskState)


def started(equity: int = 1_000_000) -> RiskState:
    return RiskState(day=DAY, start_equity=D(equity), peak=D(equity))


def seen(
    state: RiskState,
    bounds: RiskLimits,
    *,
    equity: int,
    time: datetime = NOON,
    accepted: date | None = None,
    realized: int = 0,
) -> Look:
    return look_at_limits(
        state, bounds, accepted=accepted, time=time, equity=D(equity), realized=D(realized)
    )


def stored(state: RiskState) -> RiskState:
    """What a restart reads."""
    return _DESK.validate_json(_DESK.dump_json(DeskState(risk=state))).risk


def reasons(result: Look) -> list[str]:
    return [note.reason for note in result.notes]


# Told again


@pytest.mark.parametrize("restarts", [False, True])
def test_a_latched_limit_is_told_again_every_six_hours_of_market_time(restarts: bool) -> None:
    bounds = limits(maxDrawdownPercent="10")
    first = seen(started(), bounds, equity=880_000)
    assert (reasons(first), first.has_tripped) == ([DRAWDOWN], True)
    assert [(note.message, note.level) for note in first.notes] == [
        (first.risk.trip.message if first.risk.trip else "", Level.WARNING)
    ]
    risk, told = first.risk, []
    for minute in range(1, 19 * 60):
        risk = stored(risk) if restarts else risk
        result = seen(risk, bounds, equity=950_000, time=NOON + timedelta(minutes=minute))
        assert not result.has_tripped
        told += [(minute, note) for note in result.notes]
        risk = result.risk
    assert [minute for minute, _ in told] == [360, 720, 1080]
    assert {note.level for _, note in told} == {Level.WARNING}
    assert {note.reason for _, note in told} == {DRAWDOWN}
    assert {note.message for _, note in told} == {
        (
            "still latched since 2026-11-20T03:00:00Z: the equity is 12.00 % below its peak, the "
            "limit is 10 %: no new entries until a reset"
        )
    }


def test_a_limit_that_latches_again_is_counted_from_there() -> None:
    bounds = limits(maxDailyLoss="1000")
    risk = seen(started(), bounds, equity=990_000, time=MIDNIGHT - timedelta(minutes=1)).risk
    risk = roll_day(risk, time=MIDNIGHT, equity=D(990_000), realized=D(0))
    assert reasons(seen(risk, bounds, equity=990_000, time=MIDNIGHT + REMIND_EVERY)) == []
    again = seen(risk, bounds, equity=980_000, time=MIDNIGHT + timedelta(hours=5))
    assert reasons(again) == ["DailyLoss"]
    late = MIDNIGHT + timedelta(hours=11)
    assert reasons(seen(again.risk, bounds, equity=1, time=late - timedelta(minutes=1))) == []
    assert reasons(seen(again.risk, bounds, equity=1, time=late)) == ["DailyLoss"]


def test_nothing_is_told_again_while_nothing_is_latched() -> None:
    late = NOON + 3 * REMIND_EVERY
    assert reasons(seen(started(), limits(maxDailyLoss="1"), equity=1_000_000, time=late)) == []


def test_a_store_of_before_reminders_and_acceptance_is_read() -> None:
    kept = json.loads(_DESK.dump_json(DeskState(risk=replace(started(), trip=_trip(DRAWDOWN)))))
    for name in ("told", "accepted"):
        del kept["risk"][name]
    del kept["risk"]["trip"]["since"]
    risk = _DESK.validate_json(json.dumps(kept)).risk
    assert risk.trip is not None
    bounds = limits(maxDrawdownPercent="10")
    first = seen(risk, bounds, equity=880_000)
    assert (reasons(first), first.risk.told) == ([], NOON)
    again = seen(first.risk, bounds, equity=880_000, time=NOON + REMIND_EVERY)
    assert [note.message for note in again.notes] == ["still latched: it fell"]


def _trip(reason: str) -> Trip:
    return Trip(reason=reason, message="it fell")


def test_a_desk_tells_again_over_a_restart() -> None:
    desk = holding_desk(maxDrawdownPercent="5")
    look(desk, NOW, 2000)
    desk.open_candle(NOW)
    desk = restarted(desk, maxDrawdownPercent="5")
    for hours in (5, 6, 7, 12):
        time = NOW + timedelta(hours=hours)
        desk.start_day(time, D(2000))
        look(desk, time, 2000)
        desk.open_candle(time)
    told = [(time - NOW).total_seconds() / 3600 for time, note in desk.pending.notes]
    assert told == [6, 12]
    assert desk.pending.is_urgent


# Accepted by a person


def test_an_accepted_loss_is_counted_anew_and_recorded() -> None:
    bounds = limits(maxDailyLossPercent="3")
    tripped = seen(started(), bounds, equity=969_000).risk
    result = seen(tripped, bounds, equity=968_000, accepted=DAY)
    risk = result.risk
    assert (risk.trip, risk.cooldown_until) == (None, NOON + TRIP_COOLDOWN)
    assert not may_enter(risk, bounds, NOON)
    assert may_enter(risk, bounds, NOON + TRIP_COOLDOWN)
    assert [(note.reason, note.message, note.level) for note in result.notes] == [
        (
            "LossAccepted",
            (
                f"{ACCEPTED}32000.00, the limit 30000.00; the day's loss counts anew from an "
                "equity of 968000.00"
            ),
            Level.WARNING,
        )
    ]
    assert seen(risk, bounds, equity=938_961, accepted=DAY).risk.trip is None
    again = seen(risk, bounds, equity=938_960, accepted=DAY).risk
    assert again.trip is not None
    assert again.trip.message == (
        "the loss of 2026-11-20 since a loss was accepted is 29040.00, the limit 29040.00: no new "
        "entries until the next day (Asia/Seoul)"
    )


def test_the_figures_of_the_day_stay_true_when_its_loss_is_accepted() -> None:
    before = with_flow(started(), amount=D(50_000), equity=D(1_000_000))
    after = seen(before, limits(maxDailyLoss="1000"), equity=900_000, accepted=DAY).risk
    assert (after.start_equity, after.start_realized, after.flows, after.peak) == (
        before.start_equity,
        before.start_realized,
        before.flows,
        before.peak,
    )


def test_a_flow_after_the_acceptance_is_no_loss_and_one_before_counts_once() -> None:
    bounds = limits(maxDailyLoss="1000")
    risk = with_flow(started(), amount=D(50_000), equity=D(1_000_000))
    risk = seen(risk, bounds, equity=1_000_000, accepted=DAY).risk
    assert seen(risk, bounds, equity=999_001).risk.trip is None
    risk = with_flow(risk, amount=D(-300_000), equity=D(1_000_000))
    assert seen(risk, bounds, equity=699_001).risk.trip is None
    assert seen(risk, bounds, equity=699_000).risk.trip is not None


def test_a_day_without_a_loss_may_be_accepted_too() -> None:
    result = seen(
        started(), limits(maxDailyLoss="1000"), equity=1_500_000, realized=1, accepted=DAY
    )
    assert [note.message for note in result.notes] == [
        (
            f"{ACCEPTED}0.00, the limit 1000.00; the day's loss counts anew from an equity of "
            "1500000.00"
        )
    ]


def test_the_realised_form_is_counted_anew_too() -> None:
    bounds = limits(maxDailyLoss="1000")
    tripped = seen(started(), bounds, equity=1_000_000, realized=-1000).risk
    risk = seen(tripped, bounds, equity=1_000_000, realized=-1000, accepted=DAY).risk
    assert seen(risk, bounds, equity=1_000_000, realized=-1999).risk.trip is None
    assert seen(risk, bounds, equity=1_000_000, realized=-2000).risk.trip is not None


def test_accepted_twice_is_accepted_once_over_a_restart() -> None:
    bounds = limits(maxDailyLoss="1000")
    risk = seen(started(), bounds, equity=990_000, accepted=DAY).risk
    risk = stored(seen(stored(risk), bounds, equity=980_000, accepted=DAY).risk)
    assert risk.trip is not None
    assert reasons(seen(risk, bounds, equity=980_000, accepted=DAY)) == []


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(None, id="not-asked"),
        pytest.param(date(2026, 11, 19), id="yesterday"),
        pytest.param(date(2026, 11, 21), id="tomorrow"),
    ],
)
def test_no_other_day_is_accepted(day: date | None) -> None:
    bounds = limits(maxDailyLoss="1000")
    tripped = seen(started(), bounds, equity=990_000).risk
    assert seen(tripped, bounds, equity=990_000, accepted=day) == Look(risk=tripped)


def test_a_day_that_is_not_known_yet_is_not_accepted() -> None:
    tomorrow = date(2026, 11, 21)
    bounds = limits(maxDailyLoss="1000")
    for accepted in (DAY, tomorrow):
        result = seen(started(), bounds, equity=999_500, time=MIDNIGHT, accepted=accepted)
        assert reasons(result) == []
    assert reasons(seen(RiskState(), bounds, equity=1, accepted=DAY)) == []


def test_a_day_asked_for_early_is_accepted_when_it_has_come_and_ends_with_it() -> None:
    tomorrow = date(2026, 11, 21)
    bounds = limits(maxDailyLoss="1000")
    risk = seen(started(), bounds, equity=999_500, accepted=tomorrow).risk
    risk = roll_day(risk, time=MIDNIGHT, equity=D(999_500), realized=D(0))
    result = seen(risk, bounds, equity=998_600, time=MIDNIGHT, accepted=tomorrow)
    assert reasons(result) == ["LossAccepted"]
    next_day = MIDNIGHT + timedelta(days=1)
    risk = roll_day(result.risk, time=next_day, equity=D(998_600), realized=D(0))
    assert seen(risk, bounds, equity=997_601, time=next_day).risk.trip is None
    assert seen(risk, bounds, equity=997_600, time=next_day).risk.trip is not None


def test_a_drawdown_stays_latched_when_the_loss_of_the_day_is_accepted() -> None:
    bounds = limits(maxDrawdownPercent="10")
    tripped = seen(started(), bounds, equity=900_000).risk
    result = seen(tripped, bounds, equity=900_000, accepted=DAY)
    assert (result.risk.trip, result.risk.cooldown_until) == (tripped.trip, None)
    assert result.risk.peak == tripped.peak
    assert [note.message for note in result.notes] == [
        (
            f"{ACCEPTED}100000.00, without a limit; the day's loss counts anew from an equity of "
            "900000.00"
        )
    ]


def test_a_desk_places_entries_again_after_an_accepted_loss_over_a_restart() -> None:
    bounds = {"maxDailyLoss": "30000"}
    desk = holding_desk(**bounds)
    look(desk, NOW, 2690)
    desk.open_candle(NOW)
    carry_out(desk)
    assert slots(desk) == ["x"]
    wishes = Wishes(running=True, accept_loss=risk_day(NOW))
    desk.set_wishes(wishes)
    desk.open_candle(NOW)
    assert (desk.permit, carry_out(desk)) == (Permit.KEEP_ENTRIES, [])
    desk = restarted(desk, **bounds)
    desk.set_wishes(wishes)
    later = NOW + TRIP_COOLDOWN
    look(desk, later, 2690)
    desk.open_candle(later)
    carry_out(desk)
    assert slots(desk) == ["b", "x"]
    assert [note.reason for _, note in desk.pending.notes] == []
    look(desk, later, 2300)
    desk.open_candle(later)
    assert desk.permit is Permit.EXITS_ONLY


_COURSE = st.lists(
    st.tuples(
        st.integers(500_000, 1_200_000),
        st.integers(-500_000, 500_000),
        st.integers(1, 900),
        st.sampled_from([-1, 0, 1, None]),
        st.booleans(),
    ),
    max_size=30,
)


@given(
    course=_COURSE,
    bounds=st.sampled_from([{"maxDailyLoss": "20000"}, {"maxDailyLossPercent": "3"}]),
)
def test_whatever_is_asked_each_day_is_accepted_once_at_most_and_reminders_keep_their_distance(
    course: list[tuple[int, int, int, int | None, bool]], bounds: dict[str, Any]
) -> None:
    now, risk = NOON, started()
    told: list[datetime] = []
    days: list[date] = []
    for equity, realized, minutes, shift, restarts in course:
        now += timedelta(minutes=minutes)
        if risk_day(now) != risk.day:
            risk = roll_day(risk, time=now, equity=D(equity), realized=D(realized))
        accepted = None if shift is None else risk_day(now) + timedelta(days=shift)
        risk = stored(risk) if restarts else risk
        before = risk
        result = seen(
            risk, limits(**bounds), equity=equity, time=now, accepted=accepted, realized=realized
        )
        risk = result.risk
        twice = seen(
            risk, limits(**bounds), equity=equity, time=now, accepted=accepted, realized=realized
        )
        assert twice == Look(risk=risk)
        if "LossAccepted" in reasons(result):
            days.append(risk_day(now))
        elif before.trip is not None:
            assert risk.trip == before.trip
        if result.has_tripped:
            told = [now]
        elif "DailyLoss" in reasons(result):
            assert now - told[-1] >= REMIND_EVERY
            told.append(now)
        if risk.trip is not None:
            assert now - told[-1] < REMIND_EVERY
    assert len(days) == len(set(days))
