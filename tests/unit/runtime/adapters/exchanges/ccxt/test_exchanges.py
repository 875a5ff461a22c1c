"""Every exchange of the table, by ccxt's own class: what is sent for an order, and what is not."""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from dantaro_crds.errors import (
    AuthenticationError,
    DantaroError,
    OutcomeUnknownError,
    SafetyError,
    TransientError,
    VenueRefusedError,
)
from dantaro_runtime.adapters.exchanges.ccxt.client import CcxtClient
from dantaro_runtime.adapters.exchanges.ccxt.messages import order_fee, to_rules
from dantaro_runtime.adapters.exchanges.ccxt.profiles import PROFILES, TRADABLE
from dantaro_runtime.adapters.exchanges.ccxt.quirks import quirks_of
from dantaro_runtime.adapters.exchanges.ccxt.venue import CcxtVenue, find_profile
from dantaro_runtime.adapters.exchanges.limits import Limits
from dantaro_runtime.core.orders import Order, OrderState, Side
from dantaro_runtime.errors import ConfigError
from tests.support.clock import StepClock
from tests.support.key_files import write_keys

pytestmark = pytest.mark.unit

START = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)

SECRETS = ("the-access-key-of-a-test", "the-secret-key-of-a-test", "the-passphrase-of-a-test")


class Wire(httpx.AsyncBaseTransport):
    """Keeps every request; answers, or fails, with what it was given."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer = httpx.Response(200, json={"code": "200000", "data": {}})
        self.error: httpx.TransportError | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        return self.answer


def make_order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "client_id": "bot12345-1-s0-1",
        "cycle": 1,
        "slot": "s0",
        "attempt": 1,
        "side": Side.BUY,
        "price": Decimal("100.5"),
        "volume": Decimal("0.01"),
        "entry": True,
        "state": OrderState.PENDING,
        "created": START,
    }
    return Order(**values | changes)


def market(exchange: Any) -> Any:
    return exchange.safe_market_structure(
        {
            "id": "BTC-USDT",
            "symbol": "BTC/USDT",
            "base": "BTC",
            "quote": "USDT",
            "baseId": "BTC",
            "quoteId": "USDT",
            "type": "spot",
            "spot": True,
            "contract": False,
            "active": True,
            "taker": "0.001",
            "maker": "0.001",
            "precision": {"price": "0.1", "amount": "0.00001"},
            "limits": {"amount": {"min": "0.00001"}, "cost": {"min": "0.1"}},
        }
    )


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_keys(tmp_path, access=SECRETS[0], secret=SECRETS[1])
    (tmp_path / "passphrase").write_text(SECRETS[2])
    return tmp_path


@pytest.fixture(params=TRADABLE)
def venue(request: pytest.FixtureRequest, wire: Wire, folder: Path) -> CcxtVenue:
    clock, rng = StepClock(START), random.Random(1)
    client = CcxtClient(
        httpx.AsyncClient(transport=wire),
        exchange_id=request.param,
        profile=PROFILES[request.param],
        base_url="http://127.0.0.1:9",
        key_folder=folder,
        limits=Limits(clock=clock, rng=rng),
        clock=clock,
        rng=rng,
    )
    client.exchange.set_markets([market(client.exchange)])
    return CcxtVenue(client, symbol="USDT-BTC", quirks=quirks_of(request.param))


async def test_our_id_goes_with_an_order_and_finds_it_again(venue: CcxtVenue, wire: Wire) -> None:
    calls: tuple[Callable[[], Awaitable[Any]], ...] = (
        lambda: venue.place(make_order()),
        lambda: venue.fetch_order("bot12345-1-s0-1"),
        lambda: venue.cancel("bot12345-1-s0-1"),
    )
    for call in calls:
        wire.requests.clear()
        try:
            await call()
        except DantaroError:
            assert wire.requests  # the answer is empty: only what is sent counts here
        sent = wire.requests[0]
        assert b"bot12345-1-s0-1" in bytes(sent.url.raw_path) + sent.content


async def test_an_order_is_one_request(venue: CcxtVenue, wire: Wire) -> None:
    wire.answer = httpx.Response(200, json={"code": "200000", "data": {"orderId": "5"}})
    placed = await venue.place(make_order())
    assert [request.method for request in wire.requests] == ["POST"]
    assert (placed.client_id, placed.venue_id) == ("bot12345-1-s0-1", "5")
    assert (placed.side, placed.price, placed.volume) == (
        Side.BUY,
        Decimal("100.5"),
        Decimal("0.01"),
    )
    assert (placed.state, placed.filled_volume) == (OrderState.OPEN, Decimal(0))
    assert placed.trades is None


async def test_an_order_whose_answer_is_lost_is_never_sent_again(
    venue: CcxtVenue, wire: Wire
) -> None:
    wire.answer = httpx.Response(502, text="bad gateway")
    with pytest.raises(OutcomeUnknownError):
        await venue.place(make_order())
    with pytest.raises(OutcomeUnknownError, match="may have been sent before"):
        await venue.place(make_order())
    assert len(wire.requests) == 1


async def test_an_order_that_was_not_taken_may_be_sent_later(venue: CcxtVenue, wire: Wire) -> None:
    wire.error = httpx.ConnectError("refused")
    with pytest.raises(TransientError) as caught:
        await venue.place(make_order())
    assert caught.value.code == "VenueUnreachable"
    wire.error = None
    wire.answer = httpx.Response(200, json={"code": "200000", "data": {"orderId": "5"}})
    assert (await venue.place(make_order())).venue_id == "5"


async def test_an_order_of_an_earlier_process_is_not_sent(venue: CcxtVenue, wire: Wire) -> None:
    older = START.replace(hour=8)
    with pytest.raises(OutcomeUnknownError) as caught:
        await venue.place(make_order(created=older))
    assert caught.value.code == "RefusalUnknown"
    assert wire.requests == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"price": Decimal("100.55")}, id="price"),
        pytest.param({"volume": Decimal("0.010001")}, id="volume"),
        pytest.param({"volume": Decimal("0.000001")}, id="less-than-a-step"),
        pytest.param({"price": None}, id="market-buy"),
    ],
)
async def test_an_order_that_ccxt_would_change_is_not_sent(
    venue: CcxtVenue, wire: Wire, changes: dict[str, Any]
) -> None:
    with pytest.raises(VenueRefusedError):
        await venue.place(make_order(**changes))
    assert wire.requests == []


async def test_no_error_holds_a_key(venue: CcxtVenue, wire: Wire) -> None:
    wire.answer = httpx.Response(400, text=f'{{"code":"400005","msg":"sign {" ".join(SECRETS)}"}}')
    with pytest.raises(DantaroError) as caught:
        await venue.fetch_account()
    error: BaseException | None = caught.value
    while error is not None:
        assert not any(secret in f"{error!r}" for secret in SECRETS)
        assert "127.0.0.1" not in f"{error!r}"
        error = error.__cause__ or error.__context__


async def test_keys_are_read_again_when_they_change(
    venue: CcxtVenue, wire: Wire, folder: Path
) -> None:
    used = []
    for access in ("first-access-key", "second-access-key"):
        write_keys(folder, access=access, secret="s")
        with pytest.raises(DantaroError):
            await venue.fetch_order("none")
        used.append(access in str(wire.requests[-1].headers))
    assert used == [True, True]


async def test_a_passphrase_that_is_missing_is_named(venue: CcxtVenue, folder: Path) -> None:
    (folder / "passphrase").unlink()
    with pytest.raises(AuthenticationError, match="passphrase") as caught:
        await venue.fetch_account()
    assert caught.value.code == "SecretMissing"


async def test_the_market_tells_its_steps_and_what_is_not_guaranteed(venue: CcxtVenue) -> None:
    client = venue._client
    client.exchange.has["fetchTradingFee"] = False
    found = await quirks_of(client.exchange.id).fetch_market(
        client.exchange, "USDT-BTC", last=Decimal(50000), profile=client.profile
    )
    assert (found.is_open, found.warning) == (True, client.profile.caveat)
    assert found.rules.ticks.tick(Decimal(100)) == Decimal("0.1")
    assert (found.rules.volume_places, found.rules.min_total) == (5, Decimal("0.5"))
    assert found.rules.fee_rate == Decimal("0.001")


def test_steps_that_are_no_power_of_ten_are_refused() -> None:
    odd = {"precision": {"price": "1", "amount": "0.5"}, "limits": {"cost": {"min": "1"}}}
    with pytest.raises(TransientError, match="expected a step of volumes"):
        to_rules(odd, fee_rate=Decimal(0), mode=4, last=Decimal(1))


def test_a_fee_in_another_currency_stops_the_bot() -> None:
    order = {"filled": "0.01", "fees": [{"cost": "0.00001", "currency": "BTC"}]}
    with pytest.raises(SafetyError, match="expected fees in USDT, found them in BTC"):
        order_fee(order, [], "USDT-BTC")


@pytest.mark.parametrize("exchange_id", TRADABLE)
def test_what_an_exchange_does_not_guarantee_fits_a_condition(exchange_id: str) -> None:
    assert 0 < len(find_profile(exchange_id).caveat) <= 256


@pytest.mark.parametrize(
    ("exchange_id", "want"),
    [
        pytest.param("binance", "finds orders by the bot's own ids", id="known-to-ccxt"),
        pytest.param("kukoin", "did you mean kucoin", id="misspelt"),
        pytest.param("upbitt", "did you mean upbit", id="upbit-misspelt"),
        pytest.param("zzzzzzzz", "this version trades upbit, kucoin", id="unlike-any"),
    ],
)
def test_an_exchange_that_cannot_be_traded_is_refused(exchange_id: str, want: str) -> None:
    with pytest.raises(ConfigError, match=want) as caught:
        find_profile(exchange_id)
    assert caught.value.code == "VenueUnsupported"
