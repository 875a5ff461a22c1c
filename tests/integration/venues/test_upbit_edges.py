"""Upbit at its edges: trial orders, warnings, a market that goes."""

from decimal import Decimal

import pytest

from dantaro_crds.errors import AuthenticationError, TransientError, VenueRefusedError
from dantaro_runtime.ports import MARKET_GONE, PRICE_REFUSED, VENUE_OFFLINE, Venue
from tests.integration.venues.conftest import CONFIG, Opener, upbit
from tests.integration.venues.orders import make_order
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import KeyState, Scope
from tests.support.exchange.faults import FaultKind

pytestmark = pytest.mark.integration

ACCESS = CONFIG.pockets[0].keys[0].access
PRICE = Decimal(100_000_000)


@pytest.fixture
def opener() -> Opener:
    return upbit


async def test_a_trial_order_is_checked_and_places_nothing(
    venue: Venue, exchange: ExchangeClient
) -> None:
    await venue.test_order(PRICE)
    pocket = exchange.pocket()
    assert not pocket.orders
    assert not pocket.posts
    assert pocket.locked["KRW"] == 0
    assert exchange.truth().calls["POST /v1/orders/test"] == 1


@pytest.mark.parametrize("price", [PRICE, Decimal("100000500.5"), Decimal("0.00001")], ids=str)
async def test_a_trial_order_needs_no_money_and_takes_any_price(
    venue: Venue, exchange: ExchangeClient, price: Decimal
) -> None:
    exchange.deposit("KRW", -10_000_000)
    await venue.test_order(price)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"state": KeyState.WRONG_IP}, id="another-address"),
        pytest.param({"state": KeyState.EXPIRED}, id="expired"),
        pytest.param({"scopes": frozenset({Scope.ACCOUNTS, Scope.ORDERS})}, id="may-only-look"),
    ],
)
async def test_a_trial_order_finds_keys_that_may_not_order(
    venue: Venue, exchange: ExchangeClient, change: dict[str, object]
) -> None:
    exchange.change_key(ACCESS, **change)
    with pytest.raises(AuthenticationError):
        await venue.test_order(PRICE)


async def test_a_trial_order_finds_maintenance_of_orders_alone(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.MAINTENANCE, method="POST", path="/v1/orders")
    with pytest.raises(TransientError) as caught:
        await venue.test_order(PRICE)
    assert caught.value.code == VENUE_OFFLINE
    await venue.test_order(PRICE)


@pytest.mark.parametrize(
    "kind", [FaultKind.LOSE_AFTER, FaultKind.ERROR_BEFORE, FaultKind.GARBAGE], ids=str
)
async def test_a_trial_order_without_an_answer_says_nothing_of_the_keys(
    venue: Venue, exchange: ExchangeClient, kind: FaultKind
) -> None:
    exchange.add_fault(kind, path="/v1/orders/test")
    with pytest.raises(TransientError):
        await venue.test_order(PRICE)
    assert exchange.truth().calls["POST /v1/orders/test"] == 1


async def test_a_price_off_its_step_has_a_code_of_its_own(venue: Venue) -> None:
    with pytest.raises(VenueRefusedError) as caught:
        await venue.place(make_order(price="90000500"))
    assert caught.value.code == PRICE_REFUSED


async def test_a_market_that_is_delisted_says_so_to_every_question(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.restart(CONFIG.model_copy(update={"markets": CONFIG.markets[1:]}))
    for ask in (venue.fetch_market, venue.fetch_price, venue.fetch_book):
        with pytest.raises(TransientError, match="not listed") as caught:
            await ask()
        assert caught.value.code == MARKET_GONE
    with pytest.raises(VenueRefusedError) as refused:
        await venue.place(make_order())
    assert refused.value.code == MARKET_GONE


async def test_investors_are_warned_and_the_market_stays_open(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.warn_of("KRW-BTC", is_flagged=False, cautions=("PRICE_FLUCTUATIONS",))
    market = await venue.fetch_market()
    assert (market.is_open, market.is_flagged) == (True, False)
    assert "PRICE_FLUCTUATIONS" in market.warning

    exchange.warn_of("KRW-BTC", is_flagged=True)
    market = await venue.fetch_market()
    assert (market.is_open, market.is_flagged) == (True, True)
    assert "may be delisted" in market.warning
