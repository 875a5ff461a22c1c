"""What may hang a live bot, block its exits, or let it send more than it should."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from dantaro_crds.errors import SafetyError, TransientError
from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_status import EngineState
from dantaro_crds.wire.bundle import Bundle, Candle, Source
from dantaro_runtime.adapters.store import tables
from dantaro_runtime.core.orders import OrderState
from dantaro_runtime.errors import ConfigError
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import Rules
from tests.support.exchange.faults import FaultKind
from tests.support.exchange.trader import Trader
from tests.support.live_rig import GRID, STAGED, Analyst, LiveRig, assert_true, wave

pytestmark = pytest.mark.integration

POSTS: dict[str, Any] = {"method": "POST", "path": "/v1/orders", "exact_path": True}
CANCELS: dict[str, Any] = {"method": "DELETE", "path": "/v1/order"}
STOP: dict[str, Any] = {
    "grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8, "stopLoss": "2900"}
}


def waiting(rig: LiveRig) -> list[str]:
    return [row["identifier"] for row in rig.exchange.pocket().resting]


def coin(rig: LiveRig) -> Decimal:
    return rig.exchange.pocket().total("XRP")


def engine(rig: LiveRig) -> EngineState:
    assert rig.parts is not None
    return rig.parts.bot.report().engine_state


async def holding(make: MakeLiveRig, **fields: Any) -> LiveRig:
    """Return a grid with a stop loss that has bought."""
    rig = await make(STOP, **fields)
    rig.exchange.move_price(3210, market="KRW-XRP")
    await rig.settle()
    assert coin(rig) > 0
    return rig


async def test_a_ban_at_an_order_ends_the_turn_and_is_kept_over_a_restart(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.BANNED, seconds=600, **POSTS)
    began = live_rig.clock.now()
    await live_rig.turn()

    assert live_rig.clock.now() - began < timedelta(minutes=1)
    calls = exchange.truth().calls
    await live_rig.start(seed=1)
    await live_rig.settle()
    assert exchange.truth().calls == calls


async def test_flatten_is_not_done_while_the_price_of_the_coin_is_unknown(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await holding(make_live_rig)
    rig.configure(state="Stopped")
    await rig.settle()
    exchange.add_fault(FaultKind.ERROR_BEFORE, path="/v1/", count=None, status=503)

    parts = await rig.start(seed=1)
    rig.configure(drain="Flatten")
    await rig.settle(2)

    assert not parts.bot.report().drained
    exchange.clear_faults()
    await rig.settle()
    assert parts.bot.report().drained
    assert coin(rig) == 0


async def test_an_order_refused_by_a_name_of_tomorrow_does_not_hang_the_bot(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.REFUSE, status=400, name="a_name_of_tomorrow", count=None, **POSTS)
    await live_rig.settle(4)

    assert live_rig.failures == 0
    assert not waiting(live_rig)
    assert exchange.truth().calls["POST /v1/orders"] <= 16


async def test_a_sale_that_is_refused_twice_is_tried_again_after_a_minute(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await holding(make_live_rig)
    refusal: dict[str, Any] = {"status": 400, "name": "insufficient_funds_ask"}
    exchange.move_price(2890, market="KRW-XRP")
    await rig.turn()
    exchange.add_fault(FaultKind.REFUSE, count=2, **refusal, **POSTS)
    await rig.settle()
    assert coin(rig) > 0

    rig.clock.step(60)
    await rig.settle()

    assert coin(rig) == 0
    assert_true(rig)


async def test_a_sale_that_is_refused_for_ever_is_tried_ever_more_seldom(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await holding(make_live_rig)
    refusal: dict[str, Any] = {"status": 400, "name": "insufficient_funds_ask"}
    exchange.move_price(2890, market="KRW-XRP")
    await rig.turn()
    exchange.add_fault(FaultKind.REFUSE, count=None, **refusal, **POSTS)
    before = exchange.truth().calls["POST /v1/orders"]
    for _ in range(60):
        rig.clock.step(58)
        await rig.turn()

    assert 5 <= exchange.truth().calls["POST /v1/orders"] - before <= 10


async def test_a_cancel_that_is_not_confirmed_holds_up_no_other(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    mine = len(waiting(live_rig))
    exchange.add_fault(FaultKind.CANCEL_LATE, seconds=600, count=None, **CANCELS)
    live_rig.configure(state="Stopped")
    await live_rig.turn()

    assert exchange.truth().calls["DELETE /v1/order"] == mine
    exchange.clear_faults()
    await live_rig.settle()
    assert not waiting(live_rig)
    assert_true(live_rig)


async def test_nothing_is_bought_before_the_loss_of_the_day_was_looked_at(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await make_live_rig(risk={"maxDailyLossPercent": "5"})
    exchange.move_price(3210, market="KRW-XRP")
    await rig.settle()
    rig.configure(state="Stopped")
    await rig.settle()
    assert coin(rig) > 0
    placed = len(exchange.pocket().orders)

    exchange.move_price(2000, market="KRW-XRP")
    await rig.start(seed=1)
    await rig.settle()

    assert rig.parts is not None
    assert rig.parts.desk.desk.risk.trip is not None
    assert not [row for row in exchange.pocket().orders[placed:] if row["side"] == "bid"]


async def test_an_entry_that_never_reached_the_venue_is_not_sent_an_hour_later(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.ERROR_BEFORE, count=3, status=503, **POSTS)
    await live_rig.turn()
    assert live_rig.parts is not None
    (order,) = live_rig.parts.desk.orders
    assert order.state is OrderState.PENDING

    live_rig.clock.step(3600)
    await live_rig.settle()

    assert exchange.pocket().posts[order.client_id] == 3
    assert_true(live_rig)


async def test_orders_that_take_long_to_send_are_sent_by_fresh_prices(
    make_live_rig: MakeLiveRig,
) -> None:
    rig = await make_live_rig(ordersPerSecond="0.2")
    rig.exchange.move_price(3399, market="KRW-XRP")
    for _ in range(20):
        began = rig.clock.now()
        await rig.turn()
        assert rig.clock.now() - began < timedelta(seconds=25)

    assert len(waiting(rig)) == 8
    assert_true(rig)


async def test_in_error_its_orders_are_cancelled_and_a_reset_looks_at_the_account_again(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    rig = live_rig
    await rig.settle()
    exchange.deposit("KRW", 100_000)
    foreign = "0f0f0f0f-1-c01b-77"
    with Trader(exchange.url) as person:
        order = {"market": "KRW-XRP", "side": "bid", "volume": "10", "price": "2500"}
        assert person.post("/orders", **order, ord_type="limit", identifier=foreign).is_success
        await rig.start(seed=1)
        await rig.settle()
        assert engine(rig) is EngineState.ERROR
        assert waiting(rig) == [foreign]

        rig.configure(reset="1")
        await rig.settle()
        assert engine(rig) is EngineState.ERROR
        assert waiting(rig) == [foreign]

        assert person.cancel(foreign).is_success
    rig.configure(reset="2")
    await rig.settle()
    assert engine(rig) is EngineState.RUNNING
    assert len(waiting(rig)) == 8


async def test_an_order_that_the_venue_forgot_ends_in_error_and_a_reset_helps(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    rig = live_rig
    exchange.add_fault(FaultKind.STALE, seconds=600, after=3, **POSTS)
    await rig.settle(3)
    assert engine(rig) is EngineState.ERROR

    await rig.start(seed=1)
    await rig.settle()
    assert engine(rig) is EngineState.ERROR
    assert not waiting(rig)

    rig.configure(reset="1")
    await rig.settle()
    assert engine(rig) is EngineState.RUNNING
    exchange.clear_faults()
    assert_true(rig)


async def test_an_order_that_turns_up_after_it_was_given_up_is_cancelled(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    for kind in (FaultKind.STALE, FaultKind.LOSE_AFTER):
        exchange.add_fault(kind, seconds=600, after=3, **POSTS)
    await live_rig.settle()
    exchange.clear_faults()
    live_rig.clock.step(60)
    await live_rig.settle()

    assert_true(live_rig)
    reasons = [reason for (reason,) in live_rig.rows("SELECT reason FROM engine_events")]
    assert reasons.count("LateOrder") == 1


@pytest.mark.parametrize("restarts", [False, True])
async def test_what_an_order_executed_after_it_was_given_up_is_taken_into_the_books(
    restarts: bool, live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    for kind in (FaultKind.STALE, FaultKind.LOSE_AFTER):
        exchange.add_fault(kind, seconds=600, after=3, **POSTS)
    await live_rig.settle(3)
    [(given_up, price)] = live_rig.rows(
        "SELECT client_id, price FROM orders WHERE error LIKE '%its id was used up%'"
    )
    exchange.clear_faults()
    exchange.move_price(price, market="KRW-XRP")
    exchange.move_price(3200, market="KRW-XRP")
    if restarts:
        await live_rig.start(seed=1)
    live_rig.clock.step(60)
    await live_rig.settle()

    assert_true(live_rig)
    query = f"SELECT state FROM orders WHERE client_id = '{given_up}'"
    assert live_rig.rows(query) == [("Done",)]


async def test_a_clock_set_back_holds_up_no_sale(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    rig = await holding(make_live_rig, risk={"maxOrdersPerMinute": 9})
    rig.clock.set_back(3600)
    exchange.move_price(2890, market="KRW-XRP")
    await rig.settle()

    assert coin(rig) == 0


async def test_orders_of_a_bot_in_error_are_cancelled_also_where_nothing_can_be_stored(
    live_rig: LiveRig,
) -> None:
    await live_rig.settle()
    assert live_rig.parts is not None
    await live_rig.parts.bot.fail(SafetyError("something cannot be explained"))
    live_rig.fill_disk(is_full=True)
    await live_rig.settle()
    assert engine(live_rig) is EngineState.ERROR
    assert not waiting(live_rig)

    live_rig.fill_disk(is_full=False)
    await live_rig.settle()
    live_rig.configure(reset="1")
    await live_rig.settle()
    assert len(waiting(live_rig)) == 8
    assert_true(live_rig)


class _Silent:
    """A central that does not answer."""

    asked = 0

    async def fetch_bundle(
        self, symbol: str, interval: Interval, *, since: datetime | None
    ) -> Bundle | None:
        """Fail."""
        self.asked += 1
        raise TransientError("no answer")


async def test_a_central_that_is_silent_is_not_asked_at_every_look(
    make_live_rig: MakeLiveRig,
) -> None:
    rig, central = await make_live_rig(), _Silent()
    rig.central = central
    await rig.start(seed=1)
    await rig.settle(30)

    assert 2 <= central.asked <= 4


class _Rehearsing(Analyst):
    """A central on a simulated market whose time happens to be wall time."""

    async def fetch_bundle(
        self, symbol: str, interval: Interval, *, since: datetime | None
    ) -> Bundle | None:
        """Return an analysis of now."""
        bundle = await super().fetch_bundle(symbol, interval, since=since)
        assert bundle is not None
        source = Source(name="simulated", live=False)
        return bundle.model_copy(update={"source": source})


async def test_an_invented_market_leads_to_no_entries(make_live_rig: MakeLiveRig) -> None:
    rig = await make_live_rig()
    rig.central = _Rehearsing(clock=rig.clock, support=rig.support)
    await rig.start(seed=1)
    await rig.settle()

    assert rig.parts is not None
    assert rig.parts.bot.report().central.reason == "MarketNotLive"
    assert not waiting(rig)


async def test_paper_books_are_never_taken_for_real_ones(make_live_rig: MakeLiveRig) -> None:
    rig = await make_live_rig()
    await rig.close()
    row = {"id": 1, "quote": "0", "base": "9", "contributed": "0"}
    row |= {"move": 0, "next_seq": 1, "next_accepted": 1}
    engine_ = sa.create_engine(f"sqlite:///{rig.folder / 'store.db'}")
    with engine_.begin() as link:
        link.execute(sa.insert(tables.paper_account).values(row))
    engine_.dispose()

    with pytest.raises(ConfigError, match="paper"):
        await rig.start(seed=1)


@pytest.mark.parametrize("strategy", [GRID, STAGED], ids=["grid", "staged"])
@pytest.mark.parametrize("seed", range(2))
async def test_partial_fills_kills_and_lost_answers_count_every_fill_once(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient, strategy: dict[str, Any], seed: int
) -> None:
    exchange.set_rules(Rules(partial=0.6, slippage_ticks=1, seed=seed))
    rig, rng = await make_live_rig(strategy), random.Random(seed)

    def rearm() -> None:
        rig.die_soon(rng)

    rearm()
    for method in ("POST", "DELETE"):
        exchange.add_fault(
            FaultKind.LOSE_AFTER, method=method, count=None, probability=0.15, seed=seed
        )
    exchange.add_fault(FaultKind.CANCEL_FILLS, count=None, probability=0.3, part="0.5", **CANCELS)
    await rig.walk(wave(seed, 30), rearm=rearm)
    exchange.clear_faults()
    await rig.start()
    await rig.settle()

    assert_true(rig)
    trades = exchange.pocket().trades
    assert rig.rows("SELECT count(*), count(DISTINCT trade_id) FROM fills") == [(len(trades),) * 2]


@pytest.mark.parametrize("is_told", [True, False], ids=["told", "not-told"])
async def test_a_day_that_began_while_it_was_away_starts_at_the_price_before_it(
    make_live_rig: MakeLiveRig, *, is_told: bool
) -> None:
    rig = await holding(make_live_rig, risk={"maxDailyLoss": "20000"})
    held = rig.exchange.pocket()
    rig.clock.step(16 * 3600)  # 16:00 UTC: the day of Seoul began an hour ago
    rig.exchange.move_price(3050, market="KRW-XRP")
    before = Candle(
        time=datetime(2025, 9, 2, 14, 59, tzinfo=UTC),
        **dict.fromkeys(("open", "high", "low", "close"), Decimal(3210)),
        volume=Decimal(1),
    )
    candles = (before,) if is_told else ()
    rig.central = Analyst(clock=rig.clock, support=rig.support, candles=candles)

    await rig.start(seed=1)
    await rig.settle()

    assert rig.parts is not None
    risk = rig.parts.desk.desk.risk
    if is_told:
        assert risk.trip is not None
        assert risk.trip.reason == "DailyLoss"
        assert risk.start_equity == held.total("KRW") + held.total("XRP") * 3210
    else:
        # Nothing is bought before the day's loss can be told.
        assert risk.day == date(2025, 9, 2)
        fresh = rig.exchange.pocket().orders[len(held.orders) :]
        assert {row["side"] for row in fresh} == {"ask"}


async def test_ids_that_an_older_life_used_are_not_taken_for_its_own(
    make_live_rig: MakeLiveRig, exchange: ExchangeClient
) -> None:
    first = await make_live_rig()
    await first.settle()
    first.configure(state="Stopped")
    await first.settle()
    assert waiting(first) == []

    exchange.deposit("KRW", 1_000_000)  # or the account would hold too little for it to start
    again = await make_live_rig()  # the same bot, its records lost
    again.clock.step(24 * 3600)
    await again.settle()

    assert engine(again) is EngineState.ERROR
    assert again.parts is not None
    assert again.parts.bot.report().reconciled.reason == "ReusedId"
    assert waiting(again) == []
