"""What a bot says of itself."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.common import DeletionPolicy
from dantaro_crds.wire.bot_status import BotReport, EngineState, Fact
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import Cancel
from dantaro_runtime.core.permit import Wishes
from dantaro_runtime.core.report import Surroundings, build_report, is_drained
from dantaro_runtime.core.risk import RiskState, Trip
from tests.support.bot_rig import make_config
from tests.unit.runtime.core.test_desk import NOW, Wish, Wishing, buy, fill_of, make_desk, placed

pytestmark = pytest.mark.unit

D = Decimal

GRID = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}
FINE = Fact(ok=True, reason="Fine", message="")


def report_of(
    desk: Desk[Wish],
    *,
    drain: DeletionPolicy | None = None,
    central: Fact = FINE,
    reconciled: Fact = FINE,
    **fields: Any,
) -> BotReport:
    around = Surroundings(
        version="0",
        heartbeat=NOW,
        time=NOW,
        last=desk.last,
        caught_up=True,
        source_ended=False,
        central=central,
        exchange=FINE,
        reconciled=reconciled,
    )
    return build_report(desk, make_config(GRID, drain=drain, **fields), around)


def test_a_bot_that_cancels_says_how_many_orders_are_left() -> None:
    desk = make_desk(buy("a"), buy("b"))
    for _ in range(2):
        desk.accept(placed(desk).client_id)
    desk.set_wishes(Wishes())
    assert isinstance(desk.next_action(), Cancel)

    report = report_of(desk)

    assert report.engine_state is EngineState.STOPPING
    assert (report.ready.ok, report.ready.reason) == (True, "Stopping")
    assert report.ready.message == "2 of its orders are being cancelled"


def test_a_bot_without_orders_has_stopped() -> None:
    desk = make_desk()
    desk.set_wishes(Wishes())
    assert desk.next_action() is None

    assert report_of(desk).ready.message == "all own orders are cancelled"


def test_a_bot_that_must_flatten_says_that_it_sells() -> None:
    desk = make_desk(buy())
    order = placed(desk)
    desk.accept(order.client_id)
    desk.take_fill("1", fill_of(order, 10))
    desk.set_wishes(Wishes(drain=DeletionPolicy.FLATTEN))
    desk.next_action()

    report = report_of(desk, drain=DeletionPolicy.FLATTEN)

    assert not report.drained
    assert report.ready.reason == "Stopping"
    assert report.ready.message.startswith("it sells what it holds")


DOWN = Fact(ok=False, reason="CentralUnreachable", message="central does not answer")


def test_a_bot_that_trades_says_what_it_owns_and_earned() -> None:
    desk = make_desk(buy(volume=20), buy("b", 2900))
    desk.start_day(NOW, None)
    for _ in range(2):
        desk.accept(placed(desk).client_id)
    first = next(iter(desk.orders))
    desk.take_fill("1", fill_of(first, 10))

    report = report_of(desk)

    # 10 coins for 30,000 and a fee of 15; the last price is 3,100.
    assert (report.position.amount, report.position.value) == (D(10), D(31_000))
    assert report.position.average_price == D("3001.5")
    assert (report.pnl.total, report.pnl.unrealized, report.pnl.today) == (D(985), D(985), D(985))
    assert (report.pnl.realized, report.pnl.fees, report.pnl.grid) == (D(0), D(15), None)
    assert report.equity == D(1_000_985)
    assert [(o.price, o.volume) for o in report.open_orders] == [(D(3000), D(10)), (D(2900), D(10))]
    assert (report.orders.open, report.orders.filled) == (2, 0)
    assert (report.ready.ok, report.ready.reason, report.flat) == (True, "Running", False)


def test_a_bot_before_its_first_candle_waits_for_the_market() -> None:
    desk = make_desk()
    desk._last = None
    report = report_of(desk)
    assert (report.ready.ok, report.ready.reason) == (False, "WaitingForMarket")
    assert (report.position.average_price, report.pnl.today) == (None, D(0))


@pytest.mark.parametrize(
    ("facts", "reason", "message"),
    [
        pytest.param({"central": DOWN}, "CentralUnreachable", DOWN.message, id="central"),
        pytest.param({"reconciled": DOWN}, "CentralUnreachable", "", id="orders"),
        pytest.param({"halt": True}, "AllocationHalted", "", id="halt"),
    ],
)
def test_what_stands_in_the_way_makes_a_bot_unready(
    facts: dict[str, Any], reason: str, message: str
) -> None:
    report = report_of(make_desk(), **facts)
    assert (report.ready.ok, report.ready.reason, report.message) == (False, reason, message)


def test_a_tripped_limit_is_told_before_the_halt() -> None:
    desk = make_desk()
    desk.desk = replace(desk.desk, risk=RiskState(trip=Trip(reason="DailyLoss", message="lost")))
    report = report_of(desk, halt=True)
    assert (report.halted.reason, report.ready.message) == ("DailyLoss", "lost")


def test_an_error_is_told_first() -> None:
    desk = make_desk()
    desk.set_engine(EngineState.ERROR, "broken")
    report = report_of(desk, central=DOWN)
    assert (report.ready.reason, report.ready.message) == ("Error", "broken")
    assert report.message == "broken"


def test_a_budget_that_is_not_free_yet_is_told() -> None:
    report = report_of(make_desk(), budget="400000")
    assert report.message.startswith("the budget is being changed from 1000000 to 400000")


def test_an_order_that_is_held_back_is_told() -> None:
    desk = make_desk(buy(volume=1000))
    assert desk.next_action() is None
    report = report_of(desk)
    assert "was not sent (Budget)" in report.message
    assert report.ready.message == report.message


class Stopped(Wishing):
    """A strategy that only a reset starts again."""

    def is_stopped(self, state: Wish) -> bool:
        return True

    def message(self, state: Wish) -> str:
        return "the stop loss was reached"


def test_a_stopped_strategy_is_ready_and_says_why() -> None:
    desk = make_desk()
    desk.strategy = Stopped()
    report = report_of(desk)
    assert (report.ready.ok, report.ready.reason) == (True, "StrategyStopped")
    assert report.message == report.ready.message == "the stop loss was reached"


@pytest.mark.parametrize(
    ("drain", "volume", "want"),
    [
        pytest.param(None, 0, False, id="none-asked-for"),
        pytest.param(DeletionPolicy.RETAIN, 10, True, id="retain-is-done-at-once"),
        pytest.param(DeletionPolicy.CANCEL_ORDERS, 10, True, id="coin-may-stay"),
        pytest.param(DeletionPolicy.FLATTEN, 10, False, id="coin-must-be-sold"),
        pytest.param(DeletionPolicy.FLATTEN, 1, True, id="dust-may-stay"),
    ],
)
def test_a_drain_is_done_when_nothing_of_it_is_left(
    drain: DeletionPolicy | None, volume: int, want: bool
) -> None:
    desk = make_desk()
    desk.desk = replace(desk.desk, ledger=replace(desk.desk.ledger, base=D(volume)))
    assert is_drained(desk, drain) is want


def test_a_drain_is_not_done_while_an_order_rests() -> None:
    desk = make_desk(buy())
    placed(desk)
    assert not is_drained(desk, DeletionPolicy.CANCEL_ORDERS)
