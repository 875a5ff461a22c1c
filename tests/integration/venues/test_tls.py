"""What a live bot is promised where its exchange is reached by `https:`, as a real one is."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dantaro_crds.errors import OutcomeUnknownError, TransientError
from dantaro_crds.kit.clock import SystemClock
from dantaro_runtime.adapters.exchanges.upbit.venue import open_upbit
from dantaro_runtime.core.orders import OrderState
from dantaro_runtime.ports import Venue
from tests.integration.venues.conftest import MARKET
from tests.integration.venues.orders import make_order
from tests.support.exchange.client import ExchangeClient
from tests.support.tls_front import Cut, TlsFront, secured, tls_front, write_certificate

pytestmark = pytest.mark.integration


@pytest.fixture
def front(exchange: ExchangeClient, tmp_path: Path) -> Iterator[TlsFront]:
    with secured(exchange, tmp_path) as front:
        yield front


@asynccontextmanager
async def opened(url: str, keys: Path) -> AsyncIterator[Venue]:
    async with open_upbit(
        MARKET, key_folder=keys, clock=SystemClock(), rng=random.Random(1), base_url=url
    ) as venue:
        yield venue


async def refusal(venue: Venue, exchange: ExchangeClient) -> str:
    """Return why an order could not be sent; nothing may have come in."""
    with pytest.raises(TransientError) as caught:
        await venue.place(make_order())
    assert not isinstance(caught.value, OutcomeUnknownError)
    assert caught.value.code == "VenueUnreachable"
    assert exchange.truth().calls == {}
    return caught.value.message


async def test_all_calls_share_one_connection(
    front: TlsFront, keys: Path, exchange: ExchangeClient
) -> None:
    order = make_order(price="80000000")
    async with opened(front.url, keys) as venue:
        await venue.fetch_market()
        await venue.place(order)
        await venue.cancel(order.client_id)
        read = await venue.fetch_order(order.client_id)
    assert read is not None
    assert read.state is OrderState.CANCELLED
    assert exchange.pocket().posts == {order.client_id: 1}
    assert front.handshakes == 1


@pytest.mark.parametrize(
    ("made_out", "is_known", "found"),
    [
        pytest.param({}, False, "self-signed certificate", id="unknown"),
        pytest.param({"ends": timedelta(days=-1)}, True, "certificate has expired", id="expired"),
        pytest.param({"host": "127.0.0.2"}, True, "IP address mismatch", id="other-address"),
        pytest.param({"host": "api.exchange.example"}, True, "mismatch", id="other-name"),
    ],
)
async def test_a_certificate_that_proves_nothing_is_refused(
    exchange: ExchangeClient,
    keys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    made_out: dict[str, Any],
    is_known: bool,
    found: str,
) -> None:
    certificate = write_certificate(tmp_path, **made_out)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls_front(exchange.root, certificate) as front:
        async with opened(front.url, keys) as venue:
            said = await refusal(venue, exchange)
    assert found in said
    assert "look at this machine's clock" in said


async def test_a_certificate_of_the_very_name_is_taken(
    exchange: ExchangeClient, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path, host="localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with tls_front(exchange.root, certificate) as front:
        async with opened(f"https://localhost:{front.port}", keys) as venue:
            assert (await venue.fetch_price()).last == 100_000_000


async def test_authorities_that_cannot_be_read_are_told(
    front: TlsFront, exchange: ExchangeClient, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(keys / "nowhere.pem"))
    async with opened(front.url, keys) as venue:
        assert "SSL_CERT_FILE" in await refusal(venue, exchange)


async def test_an_address_that_speaks_no_tls_is_told(exchange: ExchangeClient, keys: Path) -> None:
    async with opened(exchange.root.replace("http:", "https:"), keys) as venue:
        said = await refusal(venue, exchange)
    assert "look at whether its address speaks https" in said


async def test_a_handshake_that_is_never_answered_is_given_up(
    exchange: ExchangeClient, keys: Path
) -> None:
    clock = SystemClock()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        async with opened(f"https://127.0.0.1:{silent.getsockname()[1]}", keys) as venue:
            began = clock.monotonic()
            said = await refusal(venue, exchange)
    assert "no connection in time" in said
    assert clock.monotonic() - began < 5


@pytest.mark.parametrize(
    ("cut", "happened"),
    [(Cut.BEFORE, False), (Cut.AFTER, True), (Cut.AMID, True), (Cut.GARBLED, True)],
)
@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "new"])
async def test_an_order_on_a_connection_that_ends_is_unknown_and_sent_once(
    front: TlsFront, exchange: ExchangeClient, keys: Path, cut: Cut, happened: bool, is_kept: bool
) -> None:
    order = make_order(price="80000000")
    async with opened(front.url, keys) as venue:
        if is_kept:
            await venue.fetch_price()
        front.cut(b"POST /v1/orders", cut)
        with pytest.raises(OutcomeUnknownError):
            await venue.place(order)
        read = await venue.fetch_order(order.client_id)
    assert (read is not None) is happened
    assert exchange.pocket().posts == ({order.client_id: 1} if happened else {})
    assert (front.cuts, front.handshakes) == (1, 2)


@pytest.mark.parametrize("cut", list(Cut))
async def test_a_read_on_a_connection_that_ends_is_asked_again(
    front: TlsFront, keys: Path, cut: Cut
) -> None:
    async with opened(front.url, keys) as venue:
        front.cut(b"GET /v1/ticker", cut)
        assert (await venue.fetch_price()).last == 100_000_000
    assert (front.cuts, front.handshakes) == (1, 2)


async def test_an_order_is_not_sent_on_a_connection_that_was_closed_while_idle(
    front: TlsFront, exchange: ExchangeClient, keys: Path
) -> None:
    order = make_order(price="80000000")
    async with opened(front.url, keys) as venue:
        await venue.fetch_price()
        front.hang_up()
        await asyncio.sleep(0.1)
        await venue.place(order)
    assert exchange.pocket().posts == {order.client_id: 1}
    assert front.handshakes == 2
