from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.common import DeletionPolicy, RiskLimits
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.order_guard import Action, Exposure, OrderGate, judge_order
from dantaro_runtime.core.orders import Intent, Side
from dantaro_runtime.core.permit import Permit, Wishes, decide_permit, next_engine_state
from dantaro_runtime.core.risk import (
    DAILY_LOSS,
    DRAWDOWN,
    ORDER_FAILURES,
    TRIP_COOLDOWN,
    RiskState,
    Trip,
    accept,
    clear,
    day_start,
    has_day_changed,
    risk_day,
    roll_day,
    sample,
    with_flow,
)

pytestmark = pytest.mark.unit

D = Decimal
RULES = rules_for("paper", "KRW-XRP")
NOON = datetime(2026, 11, 20, 3, tzinfo=UTC)


def limits(**fields: Any) -> RiskLimits:
    return RiskLimits.model_validate(fields)


def exposure(**fields: Any) -> Exposure:
    base: dict[str, Any] = {
        "ledger": Ledger(quote=D(1_000_000), base=D(10), contributed=D(1_000_000)),
        "last": D(3000),
        "open_buys": D(0),
        "open_buy_volume": D(0),
        "open_sells": D(0),
        "cost": D(30_000),
        "placed_last_minute": 0,
        "orders_per_minute": 60,
        "permit": Permit.ALL,
    }
    return Exposure(**{**base, **fields})


def buy(price: str | None = "3000", volume: str = "10") -> Intent:
    return Intent(
        slot="s0",
        side=Side.BUY,
        price=None if price is None else D(price),
        volume=D(volume),
        entry=True,
    )


def sell(price: str | None = "3000", volume: str = "10") -> Intent:
    return replace(buy(price, volume), side=Side.SELL, entry=False)


@pytest.mark.parametrize(
    ("time", "want"),
    [
        pytest.param("2026-11-20T14:59:59+00:00", date(2026, 11, 20), id="last-second"),
        pytest.param("2026-11-20T15:00:00+00:00", date(2026, 11, 21), id="first-second"),
    ],
)
def test_risk_day_starts_at_midnight_in_seoul(time: str, want: date) -> None:
    moment = datetime.fromisoformat(time)
    assert risk_day(moment) == want
    start = day_start(moment)
    assert risk_day(start) == want
    assert risk_day(start - timedelta(seconds=1)) == want - timedelta(days=1)


@pytest.mark.parametrize(
    ("intent", "seen", "bounds", "want"),
    [
        pytest.param(buy(), {}, {}, None, id="fine"),
        pytest.param(buy(), {"permit": Permit.KEEP_ENTRIES}, {}, "Permit", id="no-new-entries"),
        pytest.param(buy(), {"permit": Permit.EXITS_ONLY}, {}, "Permit", id="exits-only"),
        pytest.param(sell(), {"permit": Permit.EXITS_ONLY}, {}, None, id="exit-while-halted"),
        pytest.param(sell(), {"permit": Permit.NOTHING}, {}, "Permit", id="nothing"),
        pytest.param(buy(), {"last": D(0)}, {}, "Price", id="zero-price"),
        pytest.param(buy(), {"last": D("NaN")}, {}, "Price", id="no-number"),
        pytest.param(buy("3000.5"), {}, {}, "Tick", id="off-tick"),
        pytest.param(buy("3300"), {}, {}, None, id="at-the-band"),
        pytest.param(buy("3301"), {}, {}, "PriceBand", id="beyond-the-band"),
        pytest.param(buy("1000"), {}, {}, None, id="far-below-is-fine"),
        pytest.param(buy(volume="0.000000001"), {}, {}, "Volume", id="too-many-decimals"),
        pytest.param(buy(volume="1.66666666"), {}, {}, "MinValue", id="a-hair-below-minimum"),
        pytest.param(buy("2500", "2"), {}, {}, None, id="exactly-minimum"),
        pytest.param(buy(), {}, {"maxOrderValue": "29999"}, "MaxOrderValue", id="too-large"),
        pytest.param(sell(), {}, {"maxOrderValue": "29999"}, None, id="an-exit-may-be-large"),
        pytest.param(buy(volume="333.16"), {}, {}, None, id="all-money-with-fee"),
        pytest.param(buy(volume="333.2"), {}, {}, "Budget", id="fee-does-not-fit"),
        pytest.param(buy(), {"open_buys": D(980_000)}, {}, "Budget", id="money-is-bound"),
        pytest.param(sell(volume="10.1"), {}, {}, "OwnCoin", id="more-than-owned"),
        pytest.param(sell(), {"open_sells": D(1)}, {}, "OwnCoin", id="coin-is-bound"),
        pytest.param(buy(), {}, {"maxPositionPercent": "5"}, "MaxPosition", id="share"),
        pytest.param(buy(), {}, {"maxPositionPercent": "6"}, None, id="share-fits"),
        pytest.param(sell(), {}, {"maxPositionPercent": "1"}, None, id="an-exit-lowers-it"),
        pytest.param(buy(None), {}, {"maxPositionPercent": "5"}, "MaxPosition", id="market-buy"),
        pytest.param(buy(), {"placed_last_minute": 60}, {}, "OrderRate", id="rate"),
        pytest.param(
            buy(), {"placed_last_minute": 2}, {"maxOrdersPerMinute": 2}, "OrderRate", id="own-rate"
        ),
        pytest.param(sell(None), {}, {}, None, id="market-sell"),
    ],
)
def test_order_guard(
    intent: Intent, seen: dict[str, Any], bounds: dict[str, Any], want: str | None
) -> None:
    verdict = judge_order(intent, exposure(**seen), limits=limits(**bounds), rules=RULES)
    assert (verdict.guard or None, verdict.passes) == (want, want is None)


def test_first_failing_guard_wins() -> None:
    verdict = judge_order(
        buy("3301.5", "0.1"), exposure(permit=Permit.NOTHING), limits=limits(), rules=RULES
    )
    assert (verdict.action, verdict.guard) == (Action.HALT, "Permit")


def test_exit_beyond_the_band_is_sent_at_the_bound() -> None:
    gate = OrderGate(limits=limits(), rules=RULES)
    clamped = gate.clamp([sell("2000"), sell("2701"), buy("5000")], last=D(3001))
    assert [intent.price for intent in clamped] == [D(2701), D(2701), D(5000)]


def test_daily_loss_leaves_deposits_out() -> None:
    state = RiskState(day=date(2026, 11, 20), start_equity=D(1_000_000), peak=D(1_000_000))
    state = with_flow(state, amount=D(200_000), equity=D(1_000_000))
    tripped = sample(
        state, limits(maxDailyLossPercent="3"), time=NOON, equity=D(1_169_000), realized=D(0)
    )
    assert tripped.trip is not None
    assert "31000.00" in tripped.trip.message
    fine = sample(
        state, limits(maxDailyLossPercent="3.2"), time=NOON, equity=D(1_169_000), realized=D(0)
    )
    assert fine.trip is None


def test_daily_loss_trips_on_the_realised_form_too() -> None:
    state = RiskState(day=date(2026, 11, 20), start_equity=D(1_000_000), start_realized=D(500))
    tripped = sample(
        state, limits(maxDailyLoss="1000"), time=NOON, equity=D(1_000_000), realized=D(-501)
    )
    assert tripped.trip is not None
    assert tripped.trip.reason == "DailyLoss"


def test_smaller_daily_limit_counts() -> None:
    state = RiskState(day=date(2026, 11, 20), start_equity=D(1_000_000))
    bounds = limits(maxDailyLoss="50000", maxDailyLossPercent="3")
    assert sample(state, bounds, time=NOON, equity=D(969_999), realized=D(0)).trip is not None


def test_drawdown_trips_at_its_limit_and_stays_over_the_day() -> None:
    state = RiskState(day=date(2026, 11, 20), start_equity=D(1_000_000), peak=D(1_050_000))
    tripped = sample(
        state, limits(maxDrawdownPercent="10"), time=NOON, equity=D(945_000), realized=D(0)
    )
    assert tripped.trip is not None
    assert tripped.trip.reason == DRAWDOWN
    later = roll_day(tripped, time=NOON + timedelta(days=1), equity=D(945_000), realized=D(0))
    assert later.trip == tripped.trip
    assert clear(later, time=NOON, equity=D(945_000)).trip is None


def test_daily_trip_ends_with_its_day_and_cools_down() -> None:
    state = RiskState(day=date(2026, 11, 20), start_equity=D(1_000_000))
    tripped = sample(state, limits(maxDailyLoss="1"), time=NOON, equity=D(900_000), realized=D(0))
    midnight = datetime(2026, 11, 20, 15, tzinfo=UTC)
    rolled = roll_day(tripped, time=midnight, equity=D(900_000), realized=D(0))
    assert rolled.trip is None
    assert rolled.cooldown_until == midnight + TRIP_COOLDOWN
    assert rolled.start_equity == D(900_000)


def test_a_day_without_loss_trips_nothing_even_if_it_began_without_money() -> None:
    state = with_flow(RiskState(day=date(2026, 11, 20)), amount=D(1_000_000), equity=D(0))
    bounds = limits(maxDailyLossPercent="3")
    assert sample(state, bounds, time=NOON, equity=D(1_000_000), realized=D(0)).trip is None


def test_a_latched_trip_is_not_looked_at_again() -> None:
    state = RiskState(day=date(2026, 11, 20), start_equity=D(1_000_000))
    tripped = sample(state, limits(maxDailyLoss="1"), time=NOON, equity=D(900_000), realized=D(0))
    again = sample(tripped, limits(maxDailyLoss="1"), time=NOON, equity=D(2_000_000), realized=D(0))
    assert again.trip == tripped.trip


def test_the_day_only_moves_forward() -> None:
    state = RiskState(day=date(2026, 11, 21))
    assert not has_day_changed(state, NOON)
    assert has_day_changed(RiskState(), NOON)


@given(
    flow=st.decimals(min_value=-400_000, max_value=1_000_000, places=0),
    fall=st.decimals(min_value=0, max_value=1, places=3),
)
def test_a_flow_is_no_drawdown(flow: Decimal, fall: Decimal) -> None:
    equity = D(1_000_000) * (1 - fall / 2)
    before = RiskState(day=date(2026, 11, 20), peak=D(1_000_000))
    after = with_flow(before, amount=flow, equity=equity)
    assert abs((1 - equity / before.peak) - (1 - (equity + flow) / after.peak)) < D("1e-30")


@pytest.mark.parametrize(
    ("wishes", "engine", "tripped", "may_enter", "want"),
    [
        pytest.param(Wishes(running=True), "RUNNING", False, True, Permit.ALL, id="all"),
        pytest.param(
            Wishes(running=True), "RUNNING", False, False, Permit.KEEP_ENTRIES, id="stale"
        ),
        pytest.param(Wishes(running=True), "RUNNING", True, True, Permit.EXITS_ONLY, id="trip"),
        pytest.param(
            Wishes(running=True, halt=True), "RUNNING", False, True, Permit.EXITS_ONLY, id="halt"
        ),
        pytest.param(Wishes(), "IDLE", False, True, Permit.NOTHING, id="stopped"),
        pytest.param(Wishes(running=True), "ERROR", False, True, Permit.NOTHING, id="error"),
        pytest.param(
            Wishes(running=True, drain=DeletionPolicy.CANCEL_ORDERS),
            "RUNNING",
            False,
            True,
            Permit.NOTHING,
            id="drain",
        ),
        pytest.param(
            Wishes(running=True, drain=DeletionPolicy.FLATTEN),
            "STOPPING",
            True,
            False,
            Permit.EXITS_ONLY,
            id="flatten",
        ),
    ],
)
def test_permit(wishes: Wishes, engine: str, tripped: bool, may_enter: bool, want: Permit) -> None:
    got = decide_permit(wishes, engine=EngineState(engine), tripped=tripped, may_enter=may_enter)
    assert got is want


@pytest.mark.parametrize(
    ("engine", "wishes", "live_orders", "want"),
    [
        pytest.param("IDLE", Wishes(running=True), 0, "RUNNING", id="start"),
        pytest.param("RUNNING", Wishes(), 3, "STOPPING", id="stop-with-orders"),
        pytest.param("STOPPING", Wishes(), 0, "IDLE", id="stopped"),
        pytest.param("RUNNING", Wishes(), 0, "IDLE", id="nothing-to-cancel"),
        pytest.param("ERROR", Wishes(running=True), 0, "ERROR", id="error-stays"),
        pytest.param("STOPPING", Wishes(running=True), 2, "RUNNING", id="changed-his-mind"),
    ],
)
def test_engine_state(engine: str, wishes: Wishes, live_orders: int, want: str) -> None:
    assert next_engine_state(EngineState(engine), wishes, live_orders=live_orders) == want


@pytest.mark.parametrize(
    ("reason", "ends"), [(DAILY_LOSS, True), (DRAWDOWN, False), (ORDER_FAILURES, False)]
)
def test_only_a_daily_loss_ends_with_its_day_or_when_it_is_accepted(
    reason: str, *, ends: bool
) -> None:
    trip = Trip(reason=reason, message="it is latched")
    state = RiskState(day=risk_day(NOON), start_equity=D(100), peak=D(100), trip=trip)
    tomorrow = NOON + timedelta(days=1)

    for after in (
        accept(state, time=NOON, equity=D(90), realized=D(0)),
        roll_day(state, time=tomorrow, equity=D(90), realized=D(0)),
    ):
        assert after.trip == (None if ends else trip)
        assert (after.cooldown_until is not None) is ends
