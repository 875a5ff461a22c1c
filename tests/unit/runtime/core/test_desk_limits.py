"""Limits and latches at work in a desk: what still leaves, and what does not, whatever happens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.wire.bundle import Analysis
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import Cancel, Place
from dantaro_runtime.core.live_orders import LiveOrders
from dantaro_runtime.core.orders import Intent, Order, OrderState, Side
from dantaro_runtime.core.permit import Permit, Wishes
from dantaro_runtime.core.risk import TRIP_COOLDOWN
from tests.unit.runtime.core.test_desk import NOW, Wish, buy, fill_of, make_desk, placed

pytestmark = pytest.mark.unit

D = Decimal
UID = "0f0f0f0f-1"


def sell(slot: str = "x", price: int = 3200, volume: int = 2) -> Intent:
    return Intent(slot=slot, side=Side.SELL, price=D(price), volume=D(volume), entry=False)


def holding_desk(**bounds: Any) -> Desk[Wish]:
    """A desk that holds 100 coins bought at 3,000; one buy and one sell are wanted."""
    desk = make_desk(buy("a", 3000, 100))
    desk.gate.limits = RiskLimits.model_validate(bounds)
    desk.start_day(NOW, None)
    look(desk, NOW, 3100)
    order = placed(desk)
    desk.accept(order.client_id)
    desk.take_fill("1", fill_of(order, 100))
    desk.state = replace(desk.state, orders=(buy("b", 2500), sell()))
    return desk


def look(desk: Desk[Wish], time: datetime, last: int) -> None:
    desk.set_market(time=time, last=D(last), analysis=Analysis(data_until=time))


def carry_out(desk: Desk[Wish]) -> list[Place | Cancel]:
    """Do what the desk wants until nothing is left; the venue says yes to all."""
    done: list[Place | Cancel] = []
    while (action := desk.next_action()) is not None:
        done.append(action)
        if isinstance(action, Place):
            desk.accept(action.order.client_id)
        else:
            desk.end_order(action.order.client_id, OrderState.CANCELLED)
    return done


def slots(desk: Desk[Wish]) -> list[str]:
    return sorted(order.slot for order in desk.orders)


def restarted(desk: Desk[Wish], **bounds: Any) -> Desk[Wish]:
    """The desk of the process after, from what is stored."""
    again: Desk[Wish] = Desk(
        strategy=desk.strategy,
        state=desk.state,
        desk=desk.desk,
        orders=LiveOrders(
            orders=tuple(desk.orders),
            attempts={(1, slot): 50 for slot in "abx"},
            placed=(),
            bot_uid=UID,
        ),
        bot_uid=UID,
        rules=desk.rules,
        limits=RiskLimits.model_validate(bounds),
        slippage_ticks=1,
    )
    again.set_wishes(Wishes(running=True))
    return again


def test_a_trip_cancels_entries_and_keeps_exits_over_a_restart() -> None:
    desk = holding_desk(maxDailyLossPercent="3")
    carry_out(desk)
    assert slots(desk) == ["b", "x"]
    look(desk, NOW, 2690)
    desk.open_candle(NOW)
    assert desk.permit is Permit.EXITS_ONLY
    assert desk.pending.is_urgent
    assert [note.reason for _, note in desk.pending.notes][-1] == "DailyLoss"
    again = restarted(desk, maxDailyLossPercent="3")
    look(again, NOW, 3500)
    again.open_candle(NOW)
    assert [type(action) for action in carry_out(again)] == [Cancel]
    assert slots(again) == ["x"]
    assert [note.reason for _, note in again.pending.notes].count("DailyLoss") == 0


def test_the_next_day_ends_a_daily_trip_after_its_pause() -> None:
    desk = holding_desk(maxDailyLoss="30000")
    look(desk, NOW, 2690)
    desk.open_candle(NOW)
    carry_out(desk)
    border = NOW.replace(hour=15)
    desk.start_day(border, D(2690))
    desk.start_day(border, D(1))
    assert desk.desk.risk.start_equity == desk.desk.ledger.equity(D(2690))
    look(desk, border, 2690)
    assert (desk.permit, carry_out(desk)) == (Permit.KEEP_ENTRIES, [])
    look(desk, border + TRIP_COOLDOWN, 2690)
    assert desk.permit is Permit.ALL
    carry_out(desk)
    assert slots(desk) == ["b", "x"]


def test_a_day_that_begins_with_coin_of_unknown_worth_lets_no_entry_out() -> None:
    desk = holding_desk(maxDailyLoss="30000")
    border = NOW.replace(hour=15)
    desk.start_day(border, None)
    look(desk, border, 3100)
    assert desk.permit is Permit.KEEP_ENTRIES
    carry_out(desk)
    assert slots(desk) == ["x"]
    desk.start_day(border, D(3100))
    look(desk, border, 3100)
    carry_out(desk)
    assert slots(desk) == ["b", "x"]


def test_a_trip_sells_the_position_if_asked() -> None:
    desk = holding_desk(maxDrawdownPercent="3", flattenOnTrip=True)
    carry_out(desk)
    look(desk, NOW, 2600)
    desk.open_candle(NOW)
    assert desk.desk.risk.trip is not None
    assert desk.state == Wish()
    carry_out(desk)
    assert slots(desk) == []


def test_a_new_peak_is_stored_at_once() -> None:
    desk = holding_desk(maxDrawdownPercent="50")
    carry_out(desk)
    desk.collect_changes()
    look(desk, NOW, 3500)
    desk.open_candle(NOW)
    assert desk.pending.urgent
    assert desk.desk.risk.peak == desk.desk.ledger.equity(D(3500))


def test_money_put_in_is_no_profit_and_money_taken_out_no_loss() -> None:
    desk = holding_desk(maxDailyLoss="1000")
    for amount in (1_500_000, 400_000, 400_000):
        desk.contribute(D(amount))
        desk.open_candle(NOW)
    assert desk.desk.risk.trip is None
    assert desk.desk.risk.flows == D(-600_000)
    assert desk.has_book_balance() == ""


def test_money_put_in_before_the_first_day_is_what_the_day_starts_with() -> None:
    desk = make_desk()
    desk._last = None
    desk.contribute(D(2_000_000))
    assert desk.desk.risk.flows == 0
    desk.start_day(NOW, None)
    assert desk.desk.risk.start_equity == D(2_000_000)


def test_before_the_first_price_nothing_leaves() -> None:
    desk = make_desk(buy())
    desk._last = None
    desk.flatten()
    assert (desk.wanted().orders, desk.triggers(), desk.next_action()) == ((), (), None)
    assert desk.exposure().last == 0
    desk.reset("mark")
    assert desk.desk.last_reset == "mark"


def test_flatten_asks_the_strategy_to_sell() -> None:
    desk = make_desk(buy())
    desk.flatten()
    assert desk.state == Wish()


def test_an_unknown_order_binds_its_full_value_until_it_is_explained() -> None:
    desk = make_desk(buy("a", 3000, 200), buy("b", 3000, 200))
    first = placed(desk)
    assert first.state is OrderState.PENDING
    assert desk.exposure().open_buys == D(600_000) * D("1.0005")
    assert desk.next_action() is None
    assert "own free money is 399700.00" in desk.gate.message
    desk.end_order(first.client_id, OrderState.CANCELLED)
    assert placed(desk).slot == "a"


_MOVES = st.lists(
    st.one_of(
        st.tuples(st.just("price"), st.integers(2000, 4000)),
        st.tuples(st.just("open"), st.just(0)),
        st.tuples(st.just("act"), st.just(0)),
        st.tuples(st.just("fill"), st.integers(0, 3)),
        st.tuples(st.just("restart"), st.just(0)),
        st.tuples(st.just("minutes"), st.integers(1, 300)),
    ),
    max_size=30,
)


@given(moves=_MOVES)
def test_after_a_trip_no_entry_leaves_and_exits_and_cancels_still_do(
    moves: list[tuple[str, int]],
) -> None:
    bounds = {"maxDrawdownPercent": "5"}
    desk, time, last = holding_desk(**bounds), NOW, 3100
    for kind, amount in moves:
        if kind == "price":
            last = amount
        elif kind == "minutes":
            time += timedelta(minutes=amount)
            desk.start_day(time, D(last))
        elif kind == "restart":
            desk = restarted(desk, **bounds)
        look(desk, time, last)
        if kind == "open":
            desk.open_candle(time)
        elif kind == "fill":
            fill_one(desk, amount)
        elif kind == "act":
            was_tripped = desk.desk.risk.trip is not None
            sent = [action.order for action in carry_out(desk) if isinstance(action, Place)]
            assert not was_tripped or not any(order.entry for order in sent)
            if was_tripped:
                assert not any(order.entry for order in desk.orders)
                wants_sale = any(o.side is Side.SELL for o in desk.state.orders)
                assert wants_sale == ("x" in slots(desk))
        assert desk.exposure().open_buys <= desk.desk.ledger.quote
        assert desk.exposure().open_sells <= desk.desk.ledger.base


def fill_one(desk: Desk[Wish], number: int) -> None:
    resting: Iterator[Order] = (order for order in desk.orders if order.state is OrderState.OPEN)
    for order in list(resting)[number : number + 1]:
        desk.take_fill("mark", fill_of(order, 1))
