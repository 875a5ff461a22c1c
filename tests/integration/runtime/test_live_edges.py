"""A live bot where lists lag, ids are taken, clocks differ and a market goes."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.wire.bot_status import BotReport, EngineState
from dantaro_runtime.core.orders import OrderState
from dantaro_runtime.live_gate import first_pause_of
from dantaro_runtime.loops.trading import TradingLoop
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.faults import FaultKind
from tests.support.exchange.trader import Trader
from tests.support.live_rig import LiveRig, assert_true, live_config, wave

pytestmark = pytest.mark.integration

POSTS: dict[str, Any] = {
    "method": "POST",
    "path": "/v1/orders",
    "exact_path": True,
    "count": None,
}
CANCELS: dict[str, Any] = {"method": "DELETE", "path": "/v1/order", "count": None}


@pytest.fixture
def person(exchange: ExchangeClient) -> Iterator[Trader]:
    """Somebody who trades by hand in the bot's account."""
    with Trader(exchange.url) as trader:
        yield trader


def report_of(rig: LiveRig) -> BotReport:
    assert rig.parts is not None
    return rig.parts.bot.report()


def coin(rig: LiveRig) -> Decimal:
    """Return the coin in the bot's books."""
    assert rig.parts is not None
    return rig.parts.desk.desk.ledger.base


async def test_a_list_that_lags_behind_new_orders_leads_to_no_second_one(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.STALE, seconds=600, lists_only=True, **POSTS)

    await live_rig.walk(wave(3, 12))

    assert live_rig.failures == 0
    assert exchange.truth().faults["stale"] > 8
    assert set(exchange.pocket().posts.values()) == {1}
    exchange.clear_faults()
    await live_rig.settle()
    assert_true(live_rig)


async def test_a_list_that_lags_behind_cancels_brings_no_order_back(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    exchange.add_fault(FaultKind.STALE, seconds=600, lists_only=True, **CANCELS)
    live_rig.configure(state="Stopped")
    await live_rig.settle()
    live_rig.clock.step(60)
    await live_rig.settle()

    assert report_of(live_rig).engine_state is not EngineState.ERROR
    assert exchange.pocket().resting == []
    assert_true(live_rig)


async def test_reads_that_lag_behind_an_order_whose_answer_was_lost_find_it_in_the_end(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.STALE, seconds=0.003, **POSTS)
    exchange.add_fault(FaultKind.LOSE_AFTER, **POSTS)

    await live_rig.walk(wave(3, 12))

    assert exchange.truth().faults["lose_after"] > 8
    exchange.clear_faults()
    await live_rig.settle()
    assert len(exchange.pocket().orders) == len(exchange.pocket().posts)
    assert_true(live_rig)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"volume": "10", "price": "3300"}, id="another-volume-and-price"),
        pytest.param({"volume": "10", "price": "3300", "side": "ask"}, id="another-side"),
    ],
)
async def test_an_order_of_another_program_under_its_id_is_not_adopted(
    live_rig: LiveRig, exchange: ExchangeClient, person: Trader, other: dict[str, str]
) -> None:
    exchange.deposit("KRW", 100_000)
    exchange.deposit("XRP", 100)
    order = {"market": "KRW-XRP", "side": "bid", "ord_type": "limit", **other}
    answer = person.post("/orders", **order, identifier="0f0f0f0f-1-i-1")
    assert answer.status_code == 201, answer.text
    # It no longer rests, or it would be met at the start.
    person.cancel("0f0f0f0f-1-i-1")

    await live_rig.settle()

    report = report_of(live_rig)
    assert report.engine_state is EngineState.ERROR
    assert "another program uses this bot's ids" in report.message
    assert len(exchange.pocket().orders) == 1


async def test_an_order_of_another_program_that_took_its_id_while_it_was_away_is_not_adopted(
    live_rig: LiveRig, exchange: ExchangeClient, person: Trader
) -> None:
    exchange.deposit("KRW", 100_000)
    exchange.add_fault(FaultKind.LOSE_BEFORE, **POSTS)
    await live_rig.turn()
    assert live_rig.parts is not None
    assert [order.state for order in live_rig.parts.desk.orders] == [OrderState.PENDING]
    exchange.clear_faults()
    order = {"market": "KRW-XRP", "side": "bid", "ord_type": "limit", "volume": "10"}
    person.post("/orders", **order, price="3300", identifier="0f0f0f0f-1-i-1")
    assert exchange.pocket().trades

    await live_rig.start(seed=1)
    await live_rig.settle()
    assert report_of(live_rig).engine_state is EngineState.ERROR
    assert coin(live_rig) == 0
    assert len(live_rig.parts.desk.orders) == 0

    live_rig.configure(reset="1")
    await live_rig.settle()
    assert report_of(live_rig).engine_state is EngineState.RUNNING
    assert exchange.pocket().total("XRP") == coin(live_rig) + 10


@pytest.mark.parametrize("seconds", [-1800, 1800], ids=str)
async def test_a_clock_half_an_hour_off_changes_no_books(
    live_rig: LiveRig, exchange: ExchangeClient, seconds: int
) -> None:
    exchange.add_fault(FaultKind.SKEW, seconds=seconds, **POSTS)

    await live_rig.walk(wave(3, 12))

    assert live_rig.failures == 0
    assert exchange.pocket().trades
    assert_true(live_rig)


async def test_a_market_that_is_delisted_is_told_and_the_coin_stays_in_the_books(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.move_price(3210, market="KRW-XRP")
    await live_rig.settle()
    held = coin(live_rig)
    assert held > 0
    posts = exchange.truth().calls["POST /v1/orders"]
    gone: dict[str, Any] = {"status": 404, "name": "", "message": "Code not found", "count": None}
    exchange.add_fault(FaultKind.REFUSE, path="/v1/ticker", **gone)

    await live_rig.settle()

    report = report_of(live_rig)
    assert report.exchange.reason == "MarketGone"
    assert "not listed" in report.exchange.message
    assert coin(live_rig) == held
    assert exchange.truth().calls["POST /v1/orders"] == posts
    exchange.clear_faults()
    await live_rig.settle()
    assert_true(live_rig)


async def test_the_first_call_waits_for_the_bots_own_pause(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    assert live_rig.parts is not None
    began = live_rig.clock.now()
    loop = TradingLoop(
        live_rig.parts.bot, clock=live_rig.clock, metrics=live_rig.parts.metrics, first_pause=20
    )
    asked = asyncio.Event()

    async def note(_: Any) -> None:
        if not asked.is_set():
            assert live_rig.clock.now() - began >= timedelta(seconds=20)
            asked.set()

    live_rig.listen(note, note)
    task = asyncio.create_task(loop.run())
    async with asyncio.timeout(20):
        await asked.wait()
    task.cancel()
    await asyncio.wait([task])


def test_bots_of_a_real_exchange_spread_their_first_calls_over_half_a_minute(
    make_live_rig: MakeLiveRig, tmp_path: Any
) -> None:
    def pause(number: int, url: str | None) -> float:
        config = live_config(
            {"grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8}},
            tmp_path,
            uid=f"{number:08d}-0000-4000-8000-000000000000",
        )
        assert config.venue is not None
        venue = config.venue.model_copy(update={"base_url": url})
        return first_pause_of(config.model_copy(update={"venue": venue}))

    pauses = [pause(number, None) for number in range(300)]
    assert pauses == [pause(number, None) for number in range(300)]
    assert all(0 <= seconds <= 30 for seconds in pauses)
    assert all(sum(n <= s < n + 5 for s in pauses) > 20 for n in range(0, 30, 5))
    assert pause(1, "http://127.0.0.1:9000") == 0
    assert Decimal(pause(1, "https://exchange.example")) > 0
