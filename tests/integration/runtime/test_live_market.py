"""A live bot and what its venue says of the market: warnings, odd prices, silence, an end."""

from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.wire.bot_status import EngineState
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.faults import FaultKind
from tests.support.live_rig import LiveRig, assert_true

pytestmark = pytest.mark.integration

MARKET = "KRW-XRP"
POSTS: dict[str, Any] = {"method": "POST", "path": "/v1/orders", "exact_path": True}
STOP: dict[str, Any] = {
    "grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8, "stopLoss": "2900"}
}


def reasons(rig: LiveRig) -> list[str]:
    return [reason for (reason,) in rig.rows("SELECT reason FROM engine_events ORDER BY id")]


def coin(rig: LiveRig) -> Decimal:
    return rig.exchange.pocket().total("XRP")


async def test_a_last_price_that_the_order_book_does_not_know_fires_no_stop(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await make_live_rig(STOP)
    await rig.settle()
    exchange.show_price(MARKET, 2000)
    await rig.settle()
    held = coin(rig)
    assert held > 0
    assert reasons(rig).count("OddPrice") == 1

    exchange.show_price(MARKET, None)
    exchange.move_price(2890, market=MARKET)
    await rig.settle()
    assert coin(rig) == 0


async def test_a_stop_is_carried_out_though_the_order_book_is_not_told(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await make_live_rig(STOP)
    await rig.settle()
    exchange.add_fault(
        FaultKind.ERROR_BEFORE, path="/v1/orderbook", exact_path=True, status=500, count=None
    )
    exchange.move_price(2890, market=MARKET)
    await rig.settle()
    assert coin(rig) == 0


async def test_no_cycle_begins_on_a_market_that_investors_are_warned_of(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    exchange.warn_of(MARKET, is_flagged=True)
    rig = await make_live_rig()
    await rig.settle()
    assert rig.parts is not None
    assert rig.exchange.pocket().resting == []
    assert "may be delisted" in rig.parts.bot.report().exchange.message
    assert "VenueWarning" in reasons(rig)

    exchange.warn_of(MARKET, is_flagged=False)
    rig.clock.step(3600)
    await rig.settle()
    assert rig.exchange.pocket().resting


async def test_a_silent_venue_is_told_of_once_after_five_minutes_and_when_it_is_back(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    exchange.add_fault(FaultKind.ERROR_BEFORE, status=503, count=None)
    for _ in range(3):
        live_rig.clock.step(150)
        await live_rig.settle(2)
    assert live_rig.parts is not None
    report = live_rig.parts.bot.report()
    assert (report.exchange.ok, report.ready.ok, report.reconciled.ok) == (False, False, False)
    assert report.engine_state is EngineState.RUNNING

    exchange.clear_faults()
    await live_rig.settle()
    told = reasons(live_rig)
    assert (told.count("VenueOutage"), told.count("VenueBack")) == (1, 1)
    report = live_rig.parts.bot.report()
    assert (report.exchange.ok, report.ready.ok, report.reconciled.ok) == (True, True, True)
    assert_true(live_rig)


async def test_keys_that_may_not_order_are_found_at_the_start(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(
        FaultKind.REFUSE,
        method="POST",
        path="/v1/orders/test",
        status=401,
        name="out_of_scope",
        count=None,
    )
    rig = await make_live_rig()
    await rig.settle(2)
    assert rig.parts is not None
    report = rig.parts.bot.report()
    assert report.engine_state is EngineState.ERROR
    assert exchange.truth().calls.get("POST /v1/orders") is None


async def test_orders_are_tried_out_again_after_a_maintenance(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    exchange.set_market_state(MARKET, "suspended")
    live_rig.clock.step(3600)
    await live_rig.settle()
    before = exchange.truth().calls
    exchange.set_market_state(MARKET, "active")
    live_rig.clock.step(3600)
    await live_rig.settle()

    assert exchange.truth().calls["POST /v1/orders/test"] > before["POST /v1/orders/test"]
    assert_true(live_rig)


async def test_a_price_that_is_refused_makes_the_price_steps_be_read_again(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.REFUSE, status=400, name="invalid_price_bid", after=4, **POSTS)
    await live_rig.settle(3)
    calls = exchange.truth().calls
    assert calls["GET /v1/orderbook/instruments"] == 2
    await live_rig.settle()
    assert_true(live_rig)


async def test_cancels_that_nobody_confirms_take_half_a_minute_together(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    exchange.add_fault(FaultKind.STALE, method="DELETE", path="/v1/order", seconds=600, count=None)
    live_rig.configure(state="Stopped")
    began = live_rig.clock.now()
    await live_rig.turn()
    assert 30 < (live_rig.clock.now() - began).total_seconds() < 60
    assert exchange.pocket().resting == []

    exchange.clear_faults()
    await live_rig.settle()
    assert_true(live_rig)


async def test_a_cut_budget_comes_before_counter_buys(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    assert live_rig.parts is not None
    bound = live_rig.parts.bot.report().budget
    live_rig.configure(budget="100000")
    await live_rig.settle()
    buys = [row for row in exchange.pocket().resting if row["side"] == "bid"]
    for price in (3260, 3310, 3360, 3410, 3390):
        exchange.move_price(price, market=MARKET)
        await live_rig.settle(3)

    report = live_rig.parts.bot.report()
    assert report.budget < bound - 300_000
    after = [row for row in exchange.pocket().resting if row["side"] == "bid"]
    assert {row["identifier"] for row in after} == {row["identifier"] for row in buys}
