"""The desk with the smallest strategy there is: it wants what its state says."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dantaro_crds.errors import SafetyError
from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bot_status import EngineState
from dantaro_crds.wire.bundle import Analysis
from dantaro_runtime.core.departure import depart, is_flat
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import Cancel, DeskState, Place
from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.live_orders import LiveOrders
from dantaro_runtime.core.orders import Fill, Intent, Order, OrderState, Side
from dantaro_runtime.core.permit import Wishes
from dantaro_runtime.core.strategies.protocol import Book, Context, Step, Wanted

pytestmark = pytest.mark.unit

D = Decimal
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ZERO = D(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    orders: tuple[Intent, ...] = ()
    ended: tuple[str, ...] = ()
    cost: Decimal = _ZERO


class Wishing:
    """Wants the orders of its state; the cost of what it bought is its book."""

    name = "wishing"

    def initial(self) -> Wish:
        return Wish()

    def on_open(self, state: Wish, context: Context) -> Step[Wish]:
        return Step(state=state)

    def on_fill(self, state: Wish, order: Order, fill: Fill, context: Context) -> Step[Wish]:
        orders = state.orders
        if order.state is OrderState.DONE:
            orders = tuple(o for o in orders if o.slot != order.slot)
        return Step(state=replace(state, orders=orders, cost=state.cost + fill.funds + fill.fee))

    def on_end(self, state: Wish, order: Order, context: Context) -> Step[Wish]:
        return Step(state=replace(state, ended=(*state.ended, order.client_id)))

    def on_trigger(self, state: Wish, name: str, context: Context) -> Step[Wish]:
        return Step(state=Wish())

    def on_reset(self, state: Wish, context: Context) -> Step[Wish]:
        return Step(state=state)

    def on_flatten(self, state: Wish, context: Context) -> Step[Wish]:
        return Step(state=Wish())

    def leave(self, state: Wish) -> Wish | None:
        return None if state.orders else Wish()

    def wanted(self, state: Wish, context: Context) -> Wanted:
        return Wanted(orders=state.orders)

    def cycle(self, state: Wish) -> int:
        return 1

    def phase(self, state: Wish) -> str:
        return "Wishing"

    def book(self, state: Wish) -> Book:
        return Book(cost=state.cost, realized=D(0))

    def is_stopped(self, state: Wish) -> bool:
        return False

    def message(self, state: Wish) -> str:
        return ""


def buy(slot: str = "a", price: int = 3000, volume: int = 10) -> Intent:
    return Intent(slot=slot, side=Side.BUY, price=D(price), volume=D(volume), entry=True)


def make_desk(*orders: Intent) -> Desk[Wish]:
    desk = Desk(
        strategy=Wishing(),
        state=Wish(orders=orders),
        desk=DeskState(ledger=Ledger().with_contribution(D(1_000_000)), market="KRW-XRP"),
        orders=LiveOrders(orders=(), attempts={}, placed=(), bot_uid="0f0f0f0f-1"),
        bot_uid="0f0f0f0f-1",
        rules=rules_for("paper", "KRW-XRP"),
        limits=RiskLimits(),
        slippage_ticks=1,
    )
    desk.set_wishes(Wishes(running=True))
    desk.set_market(time=NOW, last=D(3100), analysis=Analysis(data_until=NOW))
    return desk


def placed(desk: Desk[Wish]) -> Order:
    action = desk.next_action()
    assert isinstance(action, Place)
    return action.order


def fill_of(order: Order, volume: int, number: int = 1) -> Fill:
    assert order.price is not None
    return Fill(
        trade_id=str(number),
        client_id=order.client_id,
        time=NOW,
        side=order.side,
        price=order.price,
        volume=D(volume),
        fee=order.price * volume * D("0.0005"),
        maker=True,
    )


def test_an_intent_is_in_the_changes_before_it_is_sent() -> None:
    desk = make_desk(buy())
    order = placed(desk)
    assert (order.client_id, order.state) == ("0f0f0f0f-1-a-1", OrderState.PENDING)
    assert desk.pending.orders == {order.client_id: order}
    assert desk.next_action() is None


def test_a_done_order_leaves_and_the_books_balance() -> None:
    desk = make_desk(buy())
    order = placed(desk)
    desk.accept(order.client_id)
    desk.take_fill("1", fill_of(order, 10))
    assert len(desk.orders) == 0
    assert (desk.desk.applied, desk.desk.filled) == ("1", 1)
    assert desk.has_book_balance() == ""
    assert desk.next_action() is None


def test_a_cancel_that_raced_a_fill_waits_for_it() -> None:
    desk = make_desk(buy())
    order = placed(desk)
    desk.accept(order.client_id)
    desk.set_wishes(Wishes())
    assert isinstance(desk.next_action(), Cancel)
    desk.await_fills(order.client_id, D(4))
    assert desk.next_action() is None
    desk.take_fill("1", fill_of(order, 4))
    assert len(desk.orders) == 0
    assert desk.state.ended == (order.client_id,)
    assert desk.desk.ledger.base == D(4)


def test_a_slot_that_was_refused_twice_is_left_alone_until_a_reset() -> None:
    desk = make_desk(buy())
    for attempt in (1, 2):
        order = placed(desk)
        assert order.attempt == attempt
        desk.end_order(order.client_id, OrderState.REJECTED, "no")
    assert desk.next_action() is None
    assert desk.desk.rejected == 2
    desk.reset("now")
    assert placed(desk).attempt == 3


def test_an_event_of_an_unknown_order_is_a_broken_invariant() -> None:
    desk = make_desk(buy())
    order = placed(desk)
    with pytest.raises(SafetyError):
        desk.take_fill("1", replace(fill_of(order, 1), client_id="someone-else"))
    with pytest.raises(SafetyError):
        desk.accept("someone-else")


def test_a_stale_analysis_keeps_what_rests_and_places_nothing_new() -> None:
    desk = make_desk(buy("a"))
    desk.accept(placed(desk).client_id)
    desk.state = replace(desk.state, orders=(buy("a"), buy("b", 2900)))
    late = NOW + timedelta(minutes=16)
    desk.set_market(time=late, last=D(3100), analysis=Analysis(data_until=NOW))
    assert desk.next_action() is None
    assert len(desk.orders) == 1
    desk.set_market(time=late, last=D(3100), analysis=Analysis(data_until=late))
    assert placed(desk).slot == "b"


def test_a_refused_order_is_told_once_and_tried_again() -> None:
    desk = make_desk(buy(volume=1000))
    assert desk.next_action() is None
    assert desk.next_action() is None
    assert [note.reason for _, note in desk.pending.notes].count("OrderRefused") == 1
    desk.state = Wish(orders=(buy(),))
    assert placed(desk).volume == D(10)


def test_an_error_cancels_everything_until_a_reset() -> None:
    desk = make_desk(buy())
    desk.accept(placed(desk).client_id)
    desk.set_engine(EngineState.ERROR, "broken")
    desk.look_at_engine()
    assert isinstance(desk.next_action(), Cancel)
    assert desk.desk.error == "broken"
    desk.reset("mark")
    assert desk.desk.engine is EngineState.RUNNING
    assert desk.next_action() is None


@pytest.mark.parametrize(
    ("volume", "want"),
    [pytest.param(1, True, id="too-little-to-sell"), pytest.param(2, False, id="worth-an-order")],
)
def test_only_coin_that_cannot_be_sold_is_left_behind(volume: int, want: bool) -> None:
    desk = make_desk(buy(volume=2))
    assert depart(desk, "KRW-BTC") is None
    order = placed(desk)
    desk.accept(order.client_id)
    assert not is_flat(desk)
    desk.take_fill("1", fill_of(order, volume))
    if volume == 1:
        desk.state = Wish(cost=desk.state.cost)
        desk.end_order(order.client_id, OrderState.CANCELLED)

    departure = depart(desk, "KRW-BTC")

    assert (is_flat(desk), departure is not None) == (want, want)
    if departure is not None:
        assert departure.desk.ledger == replace(desk.desk.ledger, base=D(0))
        assert (departure.desk.market, departure.desk.market_since) == ("KRW-BTC", 1)
        assert "1 of KRW-XRP too little to be sold is given up" in departure.note.message


def test_a_bot_in_error_stays_where_it_is() -> None:
    desk = make_desk()
    assert is_flat(desk)
    desk.set_engine(EngineState.ERROR, "broken")
    assert (is_flat(desk), depart(desk, "KRW-BTC")) == (False, None)
