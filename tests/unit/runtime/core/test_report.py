"""What a bot says of itself while it stops."""

import pytest

from dantaro_crds.v1alpha1.common import DeletionPolicy
from dantaro_crds.wire.bot_status import BotReport, EngineState, Fact
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import Cancel
from dantaro_runtime.core.permit import Wishes
from dantaro_runtime.core.report import Surroundings, build_report
from tests.support.bot_rig import make_config
from tests.unit.runtime.core.test_desk import NOW, Wish, buy, fill_of, make_desk, placed

pytestmark = pytest.mark.unit

GRID = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}
FINE = Fact(ok=True, reason="Fine", message="")


def report_of(desk: Desk[Wish], *, drain: DeletionPolicy | None = None) -> BotReport:
    around = Surroundings(
        version="0",
        heartbeat=NOW,
        time=NOW,
        last=desk.last,
        caught_up=True,
        source_ended=False,
        central=FINE,
        reconciled=FINE,
    )
    return build_report(desk, make_config(GRID, drain=drain), around)


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
