"""What may lose money or hang a live bot: late executions, stores that fail, other markets."""

from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.wire.bot_status import EngineState
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import MarketConfig
from tests.support.exchange.faults import FaultKind
from tests.support.live_rig import EXCHANGE, STAGED, LiveRig, assert_true

pytestmark = pytest.mark.integration

MARKET = "KRW-XRP"
OTHER = "KRW-BTC"
POSTS: dict[str, Any] = {"method": "POST", "path": "/v1/orders", "exact_path": True}
STOP: dict[str, Any] = {
    "grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8, "stopLoss": "2900"}
}


def lose(exchange: ExchangeClient, *, after: int) -> None:
    """Let an order arrive though neither its answer nor a read says so."""
    for kind in (FaultKind.STALE, FaultKind.LOSE_AFTER):
        exchange.add_fault(kind, seconds=600, after=after, **POSTS)


def given_up(rig: LiveRig) -> list[tuple[str, str]]:
    return rig.rows(
        "SELECT client_id, price FROM orders WHERE error LIKE '%its id was used up%' ORDER BY id"
    )


def phase(rig: LiveRig) -> str:
    assert rig.parts is not None
    return rig.parts.desk.strategy.phase(rig.parts.desk.state)


@pytest.mark.parametrize("after", range(8))
async def test_an_answer_that_fails_loses_no_execution_that_was_told_just_before(
    after: int, live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    lose(exchange, after=2)
    lose(exchange, after=5)
    await live_rig.settle(3)
    assert len(given_up(live_rig)) == 2
    exchange.clear_faults()
    for price in (2990, 3200):
        exchange.move_price(price, market=MARKET)
    live_rig.clock.step(60)
    read: dict[str, Any] = {"method": "GET", "path": "/v1/order", "exact_path": True}
    exchange.add_fault(FaultKind.ERROR_BEFORE, after=after, count=4, status=503, **read)
    for _ in range(2):
        await live_rig.settle()
        live_rig.clock.step(60)
    await live_rig.settle()
    assert_true(live_rig)


async def test_a_grid_that_is_to_be_sold_is_sold_though_its_store_failed_at_that_moment(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await make_live_rig()
    exchange.move_price(3210, market=MARKET)
    await rig.settle()
    rig.fill_disk(is_full=True)
    rig.configure(drain="Flatten")
    await rig.turn()
    rig.fill_disk(is_full=False)
    await rig.settle(12)

    assert rig.parts is not None
    assert exchange.pocket().total("XRP") == 0
    assert rig.parts.bot.report().drained


async def test_a_first_purchase_that_was_taken_for_lost_is_booked_also_in_error(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.STALE, seconds=600, **POSTS)
    await live_rig.settle(3)
    assert live_rig.parts is not None
    assert live_rig.parts.bot.report().engine_state is EngineState.ERROR
    exchange.clear_faults()
    live_rig.clock.step(60)
    await live_rig.settle()
    live_rig.configure(reset="1")
    await live_rig.settle()

    assert_true(live_rig)
    assert exchange.pocket().resting


async def test_an_execution_that_turns_up_after_a_stop_and_a_reset_is_booked(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await make_live_rig(STOP)
    lose(exchange, after=2)
    await rig.settle(3)
    [(_, price)] = given_up(rig)
    exchange.move_price(2890, market=MARKET)
    await rig.settle(4)
    assert phase(rig) == "Stopped"
    # It may not begin again.
    rig.configure(state="Stopped", reset="1")
    await rig.turn()
    assert phase(rig) == "Waiting"
    exchange.clear_faults()
    exchange.move_price(price, market=MARKET)
    exchange.move_price(3200, market=MARKET)
    rig.clock.step(60)
    await rig.settle()

    assert_true(rig)


async def test_orders_of_a_market_that_was_left_do_not_stop_the_bot_on_the_next(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    other = MarketConfig(code=OTHER, price=Decimal(100_000_000))
    exchange.restart(EXCHANGE.model_copy(update={"markets": (*EXCHANGE.markets, other)}))
    rig = await make_live_rig(STAGED)
    await rig.settle()
    assert exchange.pocket().resting
    rig.configure(symbol=OTHER)
    exchange.move_price(3300, market=MARKET)
    await rig.settle()

    assert rig.parts is not None
    report = rig.parts.bot.report()
    assert (report.symbol, report.exchange.ok) == (OTHER, True)


async def test_orders_that_are_all_unknown_are_all_cancelled_and_no_look_takes_two_minutes(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.STALE, seconds=7200, after=1, count=None, **POSTS)
    began = live_rig.clock.now()
    took = []
    for _ in range(30):
        await live_rig.turn()
        took.append((live_rig.clock.now() - began).total_seconds())
        began = live_rig.clock.now()
    assert live_rig.parts is not None
    assert live_rig.parts.bot.report().engine_state is EngineState.ERROR
    assert not exchange.pocket().resting
    assert len(exchange.pocket().orders) == 9
    assert not list(live_rig.parts.desk.orders)
    assert max(took) < 100, took


async def test_a_cancel_that_never_arrived_is_asked_for_again(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    exchange.add_fault(FaultKind.LOSE_BEFORE, method="DELETE", path="/v1/order", after=7)
    live_rig.configure(state="Stopped")
    await live_rig.settle()
    assert not exchange.pocket().resting
    assert_true(live_rig)


async def test_what_a_late_order_binds_is_not_ordered_again_while_it_does_not_end(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    lose(exchange, after=2)
    await live_rig.settle(3)
    exchange.clear_faults()
    exchange.add_fault(
        FaultKind.CANCEL_LATE, seconds=600, count=None, method="DELETE", path="/v1/order"
    )
    live_rig.clock.step(60)
    before = exchange.truth().calls["POST /v1/orders"]
    await live_rig.settle(60)
    assert exchange.truth().calls["POST /v1/orders"] - before < 10

    exchange.clear_faults()
    live_rig.clock.step(600)
    await live_rig.settle()
    live_rig.clock.step(60)
    await live_rig.settle()
    assert len(exchange.pocket().resting) == 8
    assert_true(live_rig)


async def test_an_order_whose_second_try_is_refused_for_the_money_of_the_first_is_found(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    lose(exchange, after=2)
    refusal: dict[str, Any] = {"status": 400, "name": "insufficient_funds_bid"}
    exchange.add_fault(FaultKind.REFUSE, after=3, **refusal, **POSTS)
    await live_rig.settle(3)
    query = "SELECT price FROM orders WHERE error LIKE '%refused on command%'"
    [(price,)] = live_rig.rows(query)
    exchange.clear_faults()
    for reached in (price, 3200):
        exchange.move_price(reached, market=MARKET)
    live_rig.clock.step(60)
    await live_rig.settle()
    assert_true(live_rig)
