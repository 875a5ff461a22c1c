"""A live bot among people, other programs and a venue that is not well."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from dantaro_crds.wire.bot_status import BotReport, EngineState
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import KeyState
from tests.support.exchange.faults import FaultKind
from tests.support.exchange.trader import Trader
from tests.support.live_rig import KEY, LiveRig, assert_true

pytestmark = pytest.mark.integration


@pytest.fixture
def person(exchange: ExchangeClient) -> Iterator[Trader]:
    """Somebody who trades by hand in the bot's account."""
    with Trader(exchange.url) as trader:
        yield trader


def report_of(rig: LiveRig) -> BotReport:
    assert rig.parts is not None
    return rig.parts.bot.report()


def resting(rig: LiveRig) -> list[str]:
    rows = rig.exchange.pocket().resting
    return [row["identifier"] for row in rows if "identifier" in row]


def told(rig: LiveRig) -> list[str]:
    """Return the reasons of the engine's events, oldest first."""
    return [reason for (reason,) in rig.rows("SELECT reason FROM engine_events ORDER BY id")]


def by_hand(person: Trader, **fields: str) -> str:
    order = {"market": "KRW-XRP", "side": "bid", "volume": "10", "price": "2500"}
    answer = person.post("/orders", **(order | fields), ord_type="limit")
    assert answer.status_code == 201, answer.text
    return str(answer.json()["uuid"])


async def test_orders_of_others_are_left_alone_and_told_of(
    live_rig: LiveRig, exchange: ExchangeClient, person: Trader
) -> None:
    exchange.deposit("KRW", 100_000)
    uuid = by_hand(person)

    await live_rig.settle()

    assert uuid in {row["uuid"] for row in exchange.pocket().resting}
    assert told(live_rig).count("ForeignOrders") == 1
    assert len(resting(live_rig)) == 8


async def test_an_order_under_its_ids_that_is_not_in_its_books_stops_it(
    live_rig: LiveRig, exchange: ExchangeClient, person: Trader
) -> None:
    exchange.deposit("KRW", 100_000)
    by_hand(person, identifier="0f0f0f0f-1-c01b-7")

    await live_rig.settle()

    report = report_of(live_rig)
    assert report.engine_state is EngineState.ERROR
    assert report.reconciled.reason == "UnknownOwnOrder"
    assert "0f0f0f0f-1-c01b-7" in report.message
    assert resting(live_rig) == ["0f0f0f0f-1-c01b-7"]


async def test_an_order_that_a_person_cancels_is_placed_again_once(
    live_rig: LiveRig, person: Trader
) -> None:
    await live_rig.settle()
    first = next(name for name in resting(live_rig) if "c00b" in name)

    for attempt in (1, 2):
        name = f"{first.removesuffix('-1')}-{attempt}"
        assert name in resting(live_rig)
        assert person.cancel(name).is_success
        await live_rig.settle()

    assert not [name for name in resting(live_rig) if "c00b" in name]
    assert len(resting(live_rig)) == 7
    assert told(live_rig).count("OrderCancelled") == 2
    assert_true(live_rig)


async def test_entries_stop_while_the_account_holds_less_than_the_books(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    live_rig.configure(halt=True)
    await live_rig.settle()
    free = exchange.pocket().free["KRW"]
    assert free > 400_000

    exchange.deposit("KRW", -free)
    live_rig.configure()
    live_rig.clock.step(60)
    await live_rig.settle()

    report = report_of(live_rig)
    assert not report.halted.ok
    assert told(live_rig).count("AccountShort") == 1
    assert {row["side"] for row in exchange.pocket().resting} == {"ask"}

    exchange.deposit("KRW", free)
    live_rig.clock.step(60)
    await live_rig.settle()

    assert report_of(live_rig).halted.ok
    assert_true(live_rig)


async def test_refused_keys_end_in_error_at_once_and_orders_stay(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    before = resting(live_rig)

    exchange.change_key(KEY.access, state=KeyState.EXPIRED)
    calls = sum(exchange.truth().calls.values())
    await live_rig.settle(20)

    report = report_of(live_rig)
    assert report.engine_state is EngineState.ERROR
    assert not report.exchange.ok
    assert resting(live_rig) == before
    assert sum(exchange.truth().calls.values()) - calls < 10

    exchange.change_key(KEY.access, state=KeyState.OK)
    live_rig.clock.step(60)
    live_rig.configure(reset="1")
    await live_rig.settle()

    assert report_of(live_rig).engine_state is EngineState.RUNNING
    assert_true(live_rig)


async def test_a_missing_secret_is_waited_for(make_live_rig: MakeLiveRig) -> None:
    rig = await make_live_rig()
    (rig.folder / "keys" / "secret-key").unlink()

    await rig.settle()

    report = report_of(rig)
    assert report.engine_state is EngineState.RUNNING
    assert report.exchange.reason == "SecretMissing"
    assert not rig.exchange.pocket().orders

    (rig.folder / "keys" / "secret-key").write_text(KEY.secret)
    await rig.settle()

    assert len(resting(rig)) == 8
    assert_true(rig)


async def test_maintenance_is_waited_out_with_the_orders_left(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    before = resting(live_rig)
    exchange.add_fault(FaultKind.MAINTENANCE, path="/v1/", count=None)

    await live_rig.settle()

    assert report_of(live_rig).exchange.reason == "VenueOffline"
    assert resting(live_rig) == before

    exchange.clear_faults()
    exchange.move_price(3100, market="KRW-XRP")
    live_rig.clock.step(60)
    await live_rig.settle()

    assert report_of(live_rig).exchange.ok
    assert_true(live_rig)


async def test_halt_cancels_entries_and_stop_cancels_everything(live_rig: LiveRig) -> None:
    live_rig.exchange.move_price(3210, market="KRW-XRP")
    await live_rig.settle()
    bought = live_rig.exchange.pocket().total("XRP")
    assert bought > 0

    live_rig.configure(halt=True)
    await live_rig.settle()
    assert {row["side"] for row in live_rig.exchange.pocket().resting} == {"ask"}

    live_rig.configure(state="Stopped")
    await live_rig.settle()
    assert resting(live_rig) == []
    assert live_rig.exchange.pocket().total("XRP") == bought

    live_rig.configure()
    await live_rig.settle()
    assert len(resting(live_rig)) == 8
    assert_true(live_rig)


async def test_flatten_sells_what_the_bot_bought_and_no_more(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    exchange.deposit("XRP", 7)
    exchange.move_price(3210, market="KRW-XRP")
    await live_rig.settle()
    assert exchange.pocket().total("XRP") > 7

    live_rig.configure(drain="Flatten")
    await live_rig.settle()

    assert report_of(live_rig).drained
    assert exchange.pocket().total("XRP") == 7
    assert resting(live_rig) == []


async def test_orders_that_are_refused_again_and_again_stop_entries(
    live_rig: LiveRig, exchange: ExchangeClient
) -> None:
    await live_rig.settle()
    live_rig.configure(state="Stopped")
    await live_rig.settle()
    exchange.add_fault(
        FaultKind.REFUSE,
        method="POST",
        path="/v1/orders",
        count=None,
        status=400,
        name="create_bid_error",
    )

    live_rig.configure()
    await live_rig.settle()

    assert "OrderFailures" in told(live_rig)
    assert not report_of(live_rig).halted.ok
    posts = len(exchange.pocket().posts)
    exchange.clear_faults()
    await live_rig.settle()
    assert len(exchange.pocket().posts) == posts

    live_rig.configure(reset="1")
    live_rig.clock.step(1000)
    await live_rig.settle()

    assert len(resting(live_rig)) == 8


async def test_a_stop_needs_the_price_twice(make_live_rig: MakeLiveRig) -> None:
    grid = {"grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8, "stopLoss": "2900"}}
    rig = await make_live_rig(grid)
    await rig.settle()
    coins = rig.exchange.pocket().total("XRP")

    rig.exchange.move_price(2890, market="KRW-XRP")
    await rig.turn()
    rig.exchange.move_price(2950, market="KRW-XRP")
    await rig.settle(4)
    assert rig.exchange.pocket().total("XRP") >= coins
    assert len(resting(rig)) > 0

    rig.exchange.move_price(2890, market="KRW-XRP")
    await rig.settle()

    assert rig.exchange.pocket().total("XRP") == 0
    assert_true(rig)


async def test_two_processes_on_one_store_send_each_order_once(make_live_rig: MakeLiveRig) -> None:
    rig = await make_live_rig()
    other = rig.twin()
    await other.start(seed=2)

    await rig.settle(2)
    await other.settle()

    assert rig.fenced_off
    assert_true(other)
    assert all(count == 1 for count in rig.exchange.pocket().posts.values())
    await other.close()


async def test_two_stores_with_one_identity_never_hold_two_orders_for_one_decision(
    make_live_rig: MakeLiveRig,
) -> None:
    one, other = await make_live_rig(), await make_live_rig()
    for price in (3200, 3150, 3100, 3160, 3210, 3120):
        one.exchange.move_price(price, market="KRW-XRP")
        for rig in (one, other):
            await rig.settle(2)

    rows = one.exchange.pocket().resting
    slots = [row["identifier"].rsplit("-", 1)[0] for row in rows]
    assert len(slots) == len(set(slots))
    spent = sum(Decimal(row["locked"]) for row in rows if row["side"] == "bid")
    assert spent <= 1_000_000
