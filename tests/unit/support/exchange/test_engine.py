"""Orders, locks and fills of the exchange that the runtime is judged by."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.support.exchange.audit import find_faults
from tests.support.exchange.config import PocketConfig, Rules
from tests.support.exchange.engine import Engine
from tests.support.exchange.orders import (
    Draft,
    Order,
    OrdType,
    Refusal,
    Side,
    SmpType,
    State,
    TimeInForce,
)
from tests.support.exchange.pockets import Pocket

pytestmark = pytest.mark.unit

NOW = datetime(2025, 9, 2, tzinfo=UTC)
D = Decimal


class Desk:
    """One pocket on one market."""

    def __init__(self, *, last: str = "3200", krw: str = "1000000", **rules: Any) -> None:
        pockets = (PocketConfig(balances={"KRW": D(krw), "XRP": D(100)}),)
        self.engine = Engine(Rules(**rules), pockets)
        self.engine.add_market("KRW-XRP", D(last))

    @property
    def pocket(self) -> Pocket:
        return self.engine.pockets["main"]

    def place(
        self,
        side: str,
        price: str | None,
        volume: str | None,
        kind: str = "limit",
        **more: Any,
    ) -> Order:
        """Place and return the order itself, not the copy of it as accepted."""
        draft = Draft(
            market="KRW-XRP",
            side=Side(side),
            ord_type=OrdType(kind),
            price=None if price is None else D(price),
            volume=None if volume is None else D(volume),
            **more,
        )
        accepted = self.engine.place(self.pocket, draft, NOW)
        assert accepted.state is State.WAIT
        assert accepted.trades == []
        return self.pocket.by_uuid[accepted.uuid]

    def move(self, price: str) -> None:
        self.engine.move("KRW-XRP", D(price), NOW)

    def figures(self) -> tuple[Decimal | int, ...]:
        """Return KRW free, locked and XRP free, locked, after a look at the books."""
        assert find_faults(self.engine) == []
        krw, xrp = self.pocket.balance("KRW"), self.pocket.balance("XRP")
        return krw.free, krw.locked, xrp.free, xrp.locked


def test_a_bid_locks_its_value_and_the_fee() -> None:
    desk = Desk()
    desk.place("bid", "3100", "10")
    assert desk.figures() == (D("968984.5"), D("31015.5"), 100, 0)


def test_an_ask_locks_its_volume() -> None:
    desk = Desk()
    desk.place("ask", "3300", "10.5")
    assert desk.figures() == (1_000_000, 0, D("89.5"), D("10.5"))


@pytest.mark.parametrize(
    ("at_touch", "price", "want_state"),
    [
        pytest.param(True, "3101", State.WAIT, id="above"),
        pytest.param(True, "3100", State.DONE, id="touch"),
        pytest.param(False, "3100", State.WAIT, id="touch-is-no-fill-by-rule"),
        pytest.param(False, "3099", State.DONE, id="through"),
    ],
)
def test_a_resting_bid_fills_at_its_limit(at_touch: bool, price: str, want_state: State) -> None:
    desk = Desk(fills_at_touch=at_touch)
    order = desk.place("bid", "3100", "10")
    desk.move(price)
    assert order.state is want_state
    want_trades = [(D(3100), False)] if want_state is State.DONE else []
    assert [(t.price, t.is_taker) for t in order.trades] == want_trades
    assert desk.figures()[2] == 100 + sum(t.volume for t in order.trades)


def test_a_resting_ask_fills_at_its_limit_less_the_fee() -> None:
    desk = Desk()
    desk.place("ask", "3300", "10")
    desk.move("3500")
    assert desk.figures() == (D("1032983.5"), 0, 90, 0)


def test_a_fall_fills_the_highest_bid_first_and_equals_by_arrival() -> None:
    desk = Desk()
    orders = [desk.place("bid", p, v) for p, v in (("3050", "10"), ("3150", "10"), ("3150", "5"))]
    desk.move("3000")
    numbers = [order.trades[0].number for order in orders]
    assert numbers[1] < numbers[2] < numbers[0]


@pytest.mark.parametrize(
    ("side", "limit", "slippage", "want_price"),
    [
        pytest.param("bid", "3300", 0, "3200", id="bid-at-the-last-price"),
        pytest.param("bid", "3300", 1, "3201", id="bid-a-tick-worse"),
        pytest.param("bid", "3200", 1, "3200", id="never-worse-than-its-limit"),
        pytest.param("ask", "3150", 1, "3199", id="ask-a-tick-worse"),
        pytest.param("ask", "3150", 0, "3200", id="ask-at-the-last-price"),
    ],
)
def test_a_limit_through_the_price_fills_at_once(
    side: str, limit: str, slippage: int, want_price: str
) -> None:
    desk = Desk(slippage_ticks=slippage)
    order = desk.place(side, limit, "10")
    assert (order.state, order.trades[0].price) == (State.DONE, D(want_price))
    assert order.trades[0].is_taker
    assert desk.figures()[1] == 0


def test_a_taker_that_fills_in_part_holds_what_the_rest_needs() -> None:
    desk = Desk(partial=1, seed=3)
    order = desk.place("bid", "3300", "10")
    assert 0 < order.executed_volume < 10
    desk.engine.rules = Rules()
    desk.move("3300")
    assert (order.state, [int(t.price) for t in order.trades]) == (State.DONE, [3200, 3300])
    spent = sum(t.funds for t in order.trades) * D("1.0005")
    assert desk.figures() == (1_000_000 - spent, 0, 110, 0)


def test_all_or_nothing_is_never_filled_in_part() -> None:
    desk = Desk(partial=1, seed=3)
    order = desk.place("bid", "3300", "10", time_in_force=TimeInForce.FOK)
    assert (order.state, len(order.trades)) == (State.DONE, 1)


def test_a_market_buy_ends_as_cancel_and_gives_the_rest_back() -> None:
    desk = Desk(last="30000", krw="10005")
    order = desk.place("bid", "10000", None, "price")
    assert (order.state, order.executed_volume) == (State.CANCEL, D("0.33333333"))
    assert desk.figures() == (D("0.00010005"), 0, D("100.33333333"), 0)


def test_a_market_sell_ends_as_done() -> None:
    desk = Desk()
    order = desk.place("ask", None, "100", "market")
    assert order.state is State.DONE
    assert desk.figures() == (D("1319840"), 0, 0, 0)


@pytest.mark.parametrize(
    ("order", "want"),
    [
        pytest.param(("bid", "10000", None, "best", "ioc"), State.CANCEL, id="best-buy"),
        pytest.param(("ask", None, "10", "best", "fok"), State.DONE, id="best-sell"),
        pytest.param(("bid", "3100", "10", "limit", "ioc"), State.CANCEL, id="ioc-that-waits-not"),
        pytest.param(("bid", "3200", "10", "limit", "fok"), State.DONE, id="fok-at-once"),
        pytest.param(("bid", "3200", "10", "limit", "post_only"), State.CANCEL, id="taker"),
        pytest.param(("bid", "3199", "10", "limit", "post_only"), State.WAIT, id="maker"),
    ],
)
def test_time_in_force(order: tuple[str, str | None, str | None, str, str], want: State) -> None:
    desk = Desk()
    *what, force = order
    placed = desk.place(*what, time_in_force=TimeInForce(str(force)))  # type: ignore[arg-type]  # a row of the table
    assert placed.state is want
    desk.figures()


@pytest.mark.parametrize(
    ("order", "want"),
    [
        pytest.param(("bid", "5101", "1", "limit"), "invalid_price_bid", id="off-tick"),
        pytest.param(("ask", "0", "2", "limit"), "invalid_price_ask", id="no-price"),
        pytest.param(("bid", "4999", "1", "limit"), "under_min_total_bid", id="one-below-minimum"),
        pytest.param(("bid", "10000", "100", "limit"), "insufficient_funds_bid", id="fee-short"),
        pytest.param(
            ("ask", "5300", "1.000000001", "limit"), "invalid_volume_ask", id="9-decimals"
        ),
        pytest.param(("ask", "5300", "0", "limit"), "invalid_volume_ask", id="nothing"),
        pytest.param(("ask", "5300", "100.1", "limit"), "insufficient_funds_ask", id="coins-short"),
        pytest.param(("bid", "5000", "200001", "limit"), "over_krw_funds_bid", id="over-a-billion"),
        pytest.param(("bid", "4999", None, "price"), "under_min_total_bid", id="total-too-small"),
        pytest.param(("ask", None, "0.9", "market"), "under_min_total_ask", id="sold-too-little"),
        pytest.param(("bid", "5000", "2", "price"), "invalid_parameter", id="volume-given"),
        pytest.param(("ask", None, None, "market"), "invalid_parameter", id="volume-missing"),
        pytest.param(("ask", "5000", None, "price"), "invalid_parameter", id="wrong-side"),
        pytest.param(("bid", "5000", None, "best"), "invalid_time_in_force", id="best-needs-one"),
    ],
)
def test_what_is_refused(order: tuple[str, str | None, str | None, str], want: str) -> None:
    desk = Desk(last="5200")
    with pytest.raises(Refusal) as refusal:
        desk.place(*order, identifier="once")
    assert refusal.value.name == want
    assert desk.figures() == (1_000_000, 0, 100, 0)
    with pytest.raises(Refusal, match="duplicated_identifier"):
        desk.place("bid", "5000", "1", identifier="once")


def test_the_smallest_order_is_taken() -> None:
    desk = Desk(last="5200", krw="5002.5")
    desk.place("bid", "5000", "1")
    assert desk.figures() == (0, D("5002.5"), 100, 0)


def test_the_largest_order_is_taken() -> None:
    desk = Desk(last="5200", krw="1000500000")
    desk.place("bid", "5000", "200000")
    assert desk.figures()[0] == 0


def test_an_identifier_is_used_up_for_ever() -> None:
    desk = Desk()
    order = desk.place("bid", "3100", "10", identifier="once")
    desk.engine.cancel(order)
    with pytest.raises(Refusal, match="duplicated_identifier"):
        desk.place("bid", "3100", "10", identifier="once")
    assert len(desk.pocket.by_uuid) == 1


def test_a_trial_changes_nothing() -> None:
    desk = Desk()
    draft = Draft(
        market="KRW-XRP",
        side=Side.BID,
        ord_type=OrdType.LIMIT,
        price=D(3100),
        volume=D(10),
        identifier="trial",
    )
    desk.engine.test(desk.pocket, draft, NOW)
    assert desk.figures() == (1_000_000, 0, 100, 0)
    assert desk.place("bid", "3100", "10", identifier="trial").state is State.WAIT


def test_a_cancel_gives_back_what_is_left() -> None:
    desk = Desk()
    order = desk.place("bid", "3100", "10")
    desk.engine.fill(order, D("0.25"), NOW)
    before = desk.engine.cancel(order)
    assert (before.state, order.state, order.executed_volume) == ("wait", "cancel", D("2.5"))
    assert desk.figures() == (D("992246.125"), 0, D("102.5"), 0)
    with pytest.raises(Refusal, match="order_not_found"):
        desk.engine.cancel(order)


def test_a_touch_may_fill_a_part_only() -> None:
    desk = Desk(partial=1, seed=3)
    order = desk.place("bid", "3100", "10")
    parts = 0
    while order.state is State.WAIT:
        desk.move("3100")
        parts += 1
        desk.figures()
        assert parts < 1000
        desk.engine.rules = Rules(partial=1 if parts < 3 else 0)
    assert len(order.trades) == parts == 4
    assert order.executed_volume == 10


@pytest.mark.parametrize(
    ("mode", "want_resting", "want_new"),
    [
        (SmpType.CANCEL_MAKER, State.CANCEL, State.DONE),
        (SmpType.CANCEL_TAKER, State.WAIT, State.CANCEL),
        (SmpType.NONE, State.WAIT, State.DONE),
    ],
)
def test_orders_of_one_pocket_do_not_meet(
    mode: SmpType, want_resting: State, want_new: State
) -> None:
    desk = Desk()
    resting = desk.place("ask", "3210", "10")
    far = desk.place("ask", "3230", "10")
    new = desk.place("bid", "3220", "5", smp_type=mode)
    assert far.state is State.WAIT
    assert (resting.state, new.state) == (want_resting, want_new)
    assert resting.prevented_volume == (10 if want_resting is State.CANCEL else 0)
    desk.figures()


def test_orders_of_two_pockets_do_not_hinder_each_other() -> None:
    desk = Desk()
    desk.engine.pockets["other"] = Pocket.with_balances("other", {"KRW": D(100_000)})
    resting = desk.place("ask", "3210", "10")
    draft = Draft(
        market="KRW-XRP", side=Side.BID, ord_type=OrdType.LIMIT, price=D(3220), volume=D(5)
    )
    desk.engine.place(desk.engine.pockets["other"], draft, NOW)
    assert resting.state is State.WAIT


def _tampered_free(desk: Desk) -> None:
    desk.pocket.balance("KRW").free += D("0.00000001")


def _tampered_lock(desk: Desk) -> None:
    balance = desk.pocket.balance("KRW")
    balance.locked += 1
    balance.free -= 1


def _tampered_order_lock(desk: Desk) -> None:
    next(iter(desk.pocket.open.values())).locked += 1


def _negative(desk: Desk) -> None:
    desk.engine.deposit(desk.pocket, "KRW", D(-900_000))
    desk.pocket.balance("KRW").free -= 900_000
    desk.pocket.deposits["KRW"] -= 900_000


def _tampered_fees(desk: Desk) -> None:
    desk.engine.fees["KRW"] += 1


def _forgotten_in_the_book(desk: Desk) -> None:
    desk.engine.markets["KRW-XRP"].bids.clear()


def _forgotten_as_open(desk: Desk) -> None:
    desk.pocket.open.clear()


def _doubled_trade(desk: Desk) -> None:
    order = next(o for o in desk.pocket.by_uuid.values() if o.trades)
    order.trades.append(order.trades[0])


def _wrong_state(desk: Desk) -> None:
    order = next(o for o in desk.pocket.by_uuid.values() if o.trades)
    order.state = State.CANCEL


def _second_of_a_name(desk: Desk) -> None:
    order = next(iter(desk.pocket.open.values()))
    twin = replace(order, uuid="twin", state=State.CANCEL, locked=D(0))
    desk.pocket.by_uuid["twin"] = twin


@pytest.mark.parametrize(
    ("tamper", "want"),
    [
        (_tampered_free, "by deposits and trades"),
        (_tampered_lock, "orders hold"),
        (_tampered_order_lock, "wanted"),
        (_negative, "free -"),
        (_tampered_fees, "fees of KRW"),
        (_forgotten_in_the_book, "the books hold other orders"),
        (_forgotten_as_open, "are not those that wait"),
        (_doubled_trade, "trades hold"),
        (_wrong_state, "cancel, 5 of 5"),
        (_second_of_a_name, "stands for 2 orders"),
    ],
)
def test_the_audit_sees_what_does_not_add_up(tamper: Callable[[Desk], None], want: str) -> None:
    desk = Desk()
    desk.place("bid", "3100", "10", identifier="rests")
    desk.place("bid", "3200", "5")
    desk.figures()
    tamper(desk)
    assert want in " | ".join(find_faults(desk.engine))
