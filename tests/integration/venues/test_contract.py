"""What every venue promises the engine, on an exchange that answers as it should."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from dantaro_crds.errors import OutcomeUnknownError, TransientError, VenueRefusedError
from dantaro_crds.kit.clock import SystemClock
from dantaro_crds.venues import KRW_TICKS
from dantaro_runtime.core.orders import Order, OrderState, Side
from dantaro_runtime.core.venue import VenueAccount, VenueOrder
from dantaro_runtime.ports import MARKET_GONE, Venue
from tests.integration.venues.conftest import CONFIG, Opener
from tests.integration.venues.orders import make_order
from tests.support.exchange.client import ExchangeClient

pytestmark = pytest.mark.integration

MARKET_TIME = datetime(2025, 9, 2, tzinfo=UTC)
"""Where the exchange's clock stands."""


async def found(venue: Venue, order: Order) -> VenueOrder:
    """Return an order that has to be there."""
    read = await venue.fetch_order(order.client_id)
    assert read is not None
    return read


async def test_the_market_says_what_it_asks_of_orders(venue: Venue) -> None:
    market = await venue.fetch_market()
    assert (market.is_open, market.warning) == (True, "")
    assert (market.rules.min_total, market.rules.fee_rate) == (Decimal(5000), Decimal("0.0005"))
    assert market.rules.ticks.bands == KRW_TICKS.bands


async def test_a_market_that_takes_no_orders_is_closed(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.set_market_state("KRW-BTC", "paused")
    market = await venue.fetch_market()
    assert not market.is_open
    assert "paused" in market.warning


async def test_a_market_that_is_not_listed_is_gone(venue: Venue, exchange: ExchangeClient) -> None:
    only = CONFIG.model_copy(update={"markets": CONFIG.markets[1:]})
    exchange.restart(only)
    for ask in (venue.fetch_market, venue.fetch_price):
        with pytest.raises(TransientError) as caught:
            await ask()
        assert caught.value.code == MARKET_GONE


async def test_the_book_has_a_bid_below_the_last_price_and_an_ask_above_it(venue: Venue) -> None:
    book = await venue.fetch_book()
    assert book.bid < book.ask
    assert abs(book.bid + book.ask - 200_000_000) <= 2000


async def test_the_price_is_the_last_one(venue: Venue, exchange: ExchangeClient) -> None:
    assert (await venue.fetch_price()).last == 100_000_000
    exchange.move_price(101_000_000)
    price = await venue.fetch_price()
    assert price.last == 101_000_000
    assert abs(price.read - SystemClock().now()) < timedelta(seconds=30)


async def test_a_buy_binds_its_fee_too(venue: Venue) -> None:
    await venue.place(make_order(price="90000000", volume="0.01"))
    assert await venue.fetch_account() == VenueAccount(
        quote=Decimal(9099550),
        quote_locked=Decimal(900450),
        base=Decimal("0.5"),
        base_locked=Decimal(0),
    )


async def test_an_order_rests_under_its_id(venue: Venue, exchange: ExchangeClient) -> None:
    order = make_order()
    placed = await venue.place(order)
    assert (placed.client_id, placed.state) == (order.client_id, OrderState.OPEN)
    assert (placed.side, placed.price, placed.volume) == (order.side, order.price, order.volume)
    assert (placed.filled_volume, placed.fee) == (Decimal(0), Decimal(0))
    assert placed.trades is None
    read = await found(venue, order)
    assert read.trades == ()
    assert read.created == MARKET_TIME
    assert read.venue_id == placed.venue_id == exchange.pocket().order(order.client_id)["uuid"]
    assert await venue.fetch_open_orders() == (placed,)


async def test_a_filled_order_tells_its_executions_and_its_fee(
    venue: Venue, exchange: ExchangeClient
) -> None:
    order = make_order(price="90000000", volume="0.01")
    await venue.place(order)
    exchange.move_price(89_000_000)
    read = await found(venue, order)
    assert (read.state, read.filled_volume, read.fee) == (
        OrderState.DONE,
        Decimal("0.01"),
        Decimal(450),
    )
    assert read.trades is not None
    (trade,) = read.trades
    assert (trade.price, trade.volume) == (Decimal(90_000_000), Decimal("0.01"))
    assert trade.time == MARKET_TIME
    assert await venue.fetch_open_orders() == ()


async def test_an_order_that_is_filled_in_part_stays_open(
    venue: Venue, exchange: ExchangeClient
) -> None:
    order = make_order(volume="0.01")
    placed = await venue.place(order)
    for _ in range(2):
        exchange.fill(placed.venue_id, part="0.5")
    read = await found(venue, order)
    assert (read.state, read.filled_volume) == (OrderState.OPEN, Decimal("0.0075"))
    assert read.trades is not None
    assert [trade.volume for trade in read.trades] == [Decimal("0.005"), Decimal("0.0025")]
    assert len({trade.trade_id for trade in read.trades}) == 2
    (listed,) = await venue.fetch_open_orders()
    assert (listed.filled_volume, listed.trades) == (Decimal("0.0075"), None)


async def test_a_market_sell_is_filled_at_once(venue: Venue, exchange: ExchangeClient) -> None:
    order = make_order(side=Side.SELL, price=None, volume="0.2")
    await venue.place(order)
    read = await found(venue, order)
    assert (read.side, read.price, read.volume) == (Side.SELL, None, Decimal("0.2"))
    assert (read.state, read.filled_volume) == (OrderState.DONE, Decimal("0.2"))
    assert read.trades is not None
    assert sum(trade.price * trade.volume for trade in read.trades) == 20_000_000
    assert (await venue.fetch_account()).base == Decimal("0.3")
    assert exchange.pocket().posts == {order.client_id: 1}


async def test_a_market_buy_by_volume_does_not_exist(
    venue: Venue, exchange: ExchangeClient
) -> None:
    with pytest.raises(VenueRefusedError):
        await venue.place(make_order(price=None))
    assert exchange.pocket().posts == {}


async def test_an_id_that_was_never_sent_is_no_order(venue: Venue) -> None:
    assert await venue.fetch_order("bot12345-9-s9-9") is None


async def test_a_cancelled_order_frees_its_money(venue: Venue) -> None:
    order = make_order()
    await venue.place(order)
    await venue.cancel(order.client_id)
    read = await found(venue, order)
    assert (read.state, read.filled_volume) == (OrderState.CANCELLED, Decimal(0))
    assert read.trades == ()
    assert (await venue.fetch_account()).quote == 10_000_000


async def test_a_cancel_of_what_has_ended_or_never_was_is_no_error(
    venue: Venue, exchange: ExchangeClient
) -> None:
    cancelled, filled = make_order(price="80000000"), make_order()
    await venue.place(cancelled)
    await venue.place(filled)
    exchange.move_price(90_000_000)
    await venue.cancel(cancelled.client_id)
    for client_id in (cancelled.client_id, filled.client_id, "bot12345-9-s9-9"):
        await venue.cancel(client_id)
    assert (await found(venue, filled)).state is OrderState.DONE


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(make_order(volume="1"), id="more-than-the-account-holds"),
        pytest.param(make_order(side=Side.SELL, price="110000000", volume="1"), id="more-coin"),
        pytest.param(make_order(volume="0.00005"), id="below-the-minimum"),
        pytest.param(make_order(price="90000500"), id="off-the-tick"),
    ],
)
async def test_a_refused_order_does_not_exist(
    venue: Venue, exchange: ExchangeClient, order: Order
) -> None:
    with pytest.raises(VenueRefusedError):
        await venue.place(order)
    assert await venue.fetch_order(order.client_id) is None
    assert exchange.pocket().orders == []


async def test_an_id_is_taken_once(venue: Venue, exchange: ExchangeClient) -> None:
    order = make_order()
    await venue.place(order)
    with pytest.raises(OutcomeUnknownError) as caught:
        await venue.place(order)
    assert caught.value.code == "DuplicateOrder"
    assert len(exchange.pocket().orders) == 1


async def test_orders_of_other_markets_are_not_listed(
    opener: Opener, venue: Venue, exchange: ExchangeClient, keys: Path
) -> None:
    order, other = make_order(), make_order(price="3000000")
    await venue.place(order)
    async with opener(exchange, keys, SystemClock(), "KRW-ETH") as ether:
        await ether.place(other)
        assert [o.client_id for o in await ether.fetch_open_orders()] == [other.client_id]
    assert [o.client_id for o in await venue.fetch_open_orders()] == [order.client_id]
    with pytest.raises(TransientError, match="found KRW-ETH"):
        await venue.fetch_order(other.client_id)


async def test_a_long_list_of_open_orders_is_read_to_its_end(
    hasty_venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.set_limits(CONFIG.limits.model_copy(update={"enabled": False}))
    orders = [make_order(volume="0.0001") for _ in range(205)]
    for order in orders:
        await hasty_venue.place(order)
    listed = await hasty_venue.fetch_open_orders()
    assert [order.client_id for order in listed] == [order.client_id for order in orders]
