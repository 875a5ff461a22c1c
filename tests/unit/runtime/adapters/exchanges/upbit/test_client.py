"""What goes over the wire to Upbit, how often, and that no key gets out."""

import json
import logging
import os
import random
import traceback
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
    RateLimitedError,
    TransientError,
    VenueRefusedError,
)
from dantaro_runtime.adapters.exchanges.keys import KeyFolder
from dantaro_runtime.adapters.exchanges.limits import Limits
from dantaro_runtime.adapters.exchanges.upbit.client import UpbitClient
from dantaro_runtime.adapters.exchanges.upbit.signing import query_hash
from dantaro_runtime.adapters.exchanges.upbit.venue import UpbitVenue
from dantaro_runtime.core.orders import Order, OrderState, Side
from tests.support.clock import StepClock

pytestmark = pytest.mark.unit

ACCESS, SECRET = "sentinel-access", "sentinel-secret"
ACCOUNTS = [{"currency": "KRW", "balance": "5", "locked": "0"}]


class Wire:
    """Gives the answers of a script; keeps what was asked."""

    def __init__(self, *script: httpx.Response | Exception | Callable[[Any], Any]) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        made = answer(request)
        assert isinstance(made, httpx.Response)
        return made

    @property
    def claims(self) -> list[dict[str, str]]:
        parts = [r.headers["Authorization"].split(".")[1] for r in self.requests]
        return [json.loads(urlsafe_b64decode(part + "==")) for part in parts]


def refused(status: int, name: str, message: str = "m") -> httpx.Response:
    return httpx.Response(status, json={"error": {"name": name, "message": message}})


def write_keys(folder: Path) -> None:
    (folder / "access-key").write_text(ACCESS)
    (folder / "secret-key").write_text(SECRET)


@asynccontextmanager
async def venue_on(
    wire: Wire, folder: Path, *, base_url: str = "http://venue"
) -> AsyncIterator[UpbitVenue]:
    clock, rng = StepClock(), random.Random(1)
    async with httpx.AsyncClient(transport=httpx.MockTransport(wire)) as client:
        yield UpbitVenue(
            UpbitClient(
                client,
                base_url=base_url,
                keys=KeyFolder(folder),
                limits=Limits(clock=clock, rng=rng),
                clock=clock,
                rng=rng,
            ),
            symbol="KRW-BTC",
            clock=clock,
        )


def make_order(**changes: Any) -> Order:
    fields: dict[str, Any] = {
        "client_id": "bot12345-1-s0-1",
        "cycle": 1,
        "slot": "s0",
        "attempt": 1,
        "side": Side.BUY,
        "price": Decimal("1E+8"),
        "volume": Decimal("0.0100"),
        "entry": True,
        "state": OrderState.PENDING,
        "created": datetime(2026, 1, 31, 9, 0, tzinfo=UTC),
    }
    return Order(**(fields | changes))


def placed(request: httpx.Request) -> httpx.Response:
    """Take an order, as Upbit does."""
    sent = json.loads(request.content)
    extra = {
        "uuid": "u-1",
        "executed_volume": "0",
        "paid_fee": "0",
        "state": "wait",
        "created_at": "2026-01-31T18:00:00+09:00",
        "trades": [],
    }
    return httpx.Response(201, json=sent | extra)


@pytest.mark.parametrize("base_url", ["http://venue", "http://venue/", "http://venue/v1"], ids=str)
async def test_an_order_is_sent_as_json_and_bound_to_its_token(
    tmp_path: Path, base_url: str
) -> None:
    write_keys(tmp_path)
    wire = Wire(placed)
    async with venue_on(wire, tmp_path, base_url=base_url) as venue:
        found = await venue.place(make_order())
    request = wire.requests[0]
    assert (request.method, str(request.url)) == ("POST", "http://venue/v1/orders")
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "Origin" not in request.headers
    pairs = [
        ("market", "KRW-BTC"),
        ("side", "bid"),
        ("volume", "0.01"),
        ("price", "100000000"),
        ("ord_type", "limit"),
        ("identifier", "bot12345-1-s0-1"),
    ]
    assert list(json.loads(request.content).items()) == pairs
    assert wire.claims[0]["query_hash"] == query_hash(pairs)
    assert (found.client_id, found.venue_id, found.trades) == ("bot12345-1-s0-1", "u-1", None)


async def test_the_query_on_the_wire_is_the_one_that_was_hashed(tmp_path: Path) -> None:
    write_keys(tmp_path)
    wire = Wire(httpx.Response(200, json=[]))
    async with venue_on(wire, tmp_path) as venue:
        assert await venue.fetch_open_orders() == ()
    want = b"market=KRW-BTC&states[]=wait&states[]=watch&page=1&limit=100&order_by=asc"
    assert wire.requests[0].url.query == want
    assert wire.claims[0]["query_hash"] == query_hash(
        [tuple(pair.split("=")) for pair in want.decode().split("&")]  # type: ignore[misc]
    )


async def test_a_market_buy_by_volume_is_refused_without_a_request(tmp_path: Path) -> None:
    wire = Wire()
    async with venue_on(wire, tmp_path) as venue:
        with pytest.raises(VenueRefusedError, match="by its total"):
            await venue.place(make_order(price=None))
    assert wire.requests == []


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(httpx.ReadTimeout("t"), id="timeout"),
        pytest.param(httpx.ConnectError("c"), id="no-connection"),
        pytest.param(httpx.RemoteProtocolError("p"), id="no-http"),
        pytest.param(httpx.Response(500, text="<html>"), id="500"),
        pytest.param(httpx.Response(200, text="<html>"), id="no-json"),
        pytest.param(httpx.Response(200, json=[{"currency": "KRW"}]), id="no-sense"),
        pytest.param(refused(401, "nonce_used"), id="nonce-used"),
        pytest.param(refused(429, "too_many_requests"), id="429"),
        pytest.param(refused(400, "new_name"), id="unknown-name"),
    ],
)
async def test_a_read_is_tried_again_with_a_new_nonce(
    tmp_path: Path, fault: httpx.Response | Exception
) -> None:
    write_keys(tmp_path)
    wire = Wire(fault, fault, fault, httpx.Response(200, json=ACCOUNTS))
    async with venue_on(wire, tmp_path) as venue:
        assert (await venue.fetch_account()).quote == Decimal(5)
    assert len({claims["nonce"] for claims in wire.claims}) == 4


async def test_a_read_gives_up_after_four_tries(tmp_path: Path) -> None:
    write_keys(tmp_path)
    wire = Wire(*[httpx.Response(500)] * 5)
    async with venue_on(wire, tmp_path) as venue:
        with pytest.raises(TransientError, match="GET /v1/accounts with status 500"):
            await venue.fetch_account()
    assert len(wire.requests) == 4


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(refused(403, "market_offline"), TransientError, id="maintenance"),
        pytest.param(refused(401, "expired_access_key"), AuthenticationError, id="keys"),
    ],
)
async def test_what_a_second_try_cannot_cure_is_asked_once(
    tmp_path: Path, answer: httpx.Response, error: type[Exception]
) -> None:
    write_keys(tmp_path)
    wire = Wire(answer)
    async with venue_on(wire, tmp_path) as venue:
        with pytest.raises(error):
            await venue.fetch_account()
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("fault", "want"),
    [
        pytest.param(httpx.ReadTimeout("t"), OutcomeUnknownError, id="timeout"),
        pytest.param(httpx.ReadError("r"), OutcomeUnknownError, id="reset"),
        pytest.param(httpx.WriteError("w"), OutcomeUnknownError, id="broken-off"),
        pytest.param(httpx.RemoteProtocolError("p"), OutcomeUnknownError, id="cut"),
        pytest.param(httpx.Response(500), OutcomeUnknownError, id="500"),
        pytest.param(httpx.Response(201, text="<html>"), OutcomeUnknownError, id="no-json"),
        pytest.param(httpx.Response(201, json={}), OutcomeUnknownError, id="no-order"),
        pytest.param(httpx.Response(302), OutcomeUnknownError, id="redirect"),
        pytest.param(refused(404, "order_not_found"), OutcomeUnknownError, id="not-found"),
        pytest.param(refused(401, "nonce_used"), OutcomeUnknownError, id="nonce-used"),
        pytest.param(refused(429, "too_many_requests"), RateLimitedError, id="429"),
        pytest.param(refused(400, "invalid_price_bid"), VenueRefusedError, id="off-tick"),
        pytest.param(refused(403, "out_of_scope"), AuthenticationError, id="scope"),
        pytest.param(refused(403, "market_offline"), TransientError, id="maintenance"),
        pytest.param(httpx.ConnectError("c"), TransientError, id="no-connection"),
        pytest.param(httpx.ConnectTimeout("c"), TransientError, id="connect-timeout"),
    ],
)
async def test_an_order_is_sent_once_whatever_happens(
    tmp_path: Path, fault: httpx.Response | Exception, want: type[Exception]
) -> None:
    write_keys(tmp_path)
    wire = Wire(fault)
    async with venue_on(wire, tmp_path) as venue:
        with pytest.raises(DantaroError) as caught:
            await venue.place(make_order())
    assert type(caught.value) is want
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("answer", "want"),
    [
        pytest.param(refused(400, "validation_error"), OutcomeUnknownError, id="refused"),
        pytest.param(refused(400, "new_name"), OutcomeUnknownError, id="unknown-name"),
        pytest.param(httpx.ReadError("r"), OutcomeUnknownError, id="reset"),
        pytest.param(refused(401, "expired_access_key"), AuthenticationError, id="keys"),
    ],
)
async def test_a_cancel_is_sent_once_and_ends_in_an_error_of_the_port(
    tmp_path: Path, answer: httpx.Response | Exception, want: type[Exception]
) -> None:
    write_keys(tmp_path)
    wire = Wire(answer)
    async with venue_on(wire, tmp_path) as venue:
        with pytest.raises(want):
            await venue.cancel("bot12345-1-s0-1")
    assert [str(request.url) for request in wire.requests] == [
        "http://venue/v1/order?identifier=bot12345-1-s0-1"
    ]


async def test_an_answer_about_another_order_is_an_unknown_outcome(tmp_path: Path) -> None:
    write_keys(tmp_path)

    def other(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, json=placed(request).json() | {"identifier": "other"})

    async with venue_on(Wire(other), tmp_path) as venue:
        with pytest.raises(OutcomeUnknownError, match="found other"):
            await venue.place(make_order())


async def test_an_open_list_that_never_ends_ends(tmp_path: Path) -> None:
    write_keys(tmp_path)
    row = {
        "identifier": None,
        "market": "KRW-BTC",
        "side": "ask",
        "ord_type": "limit",
        "price": "5000",
        "volume": "1",
        "executed_volume": "0",
        "paid_fee": "0",
        "state": "watch",
        "created_at": "2026-01-31T18:00:00+09:00",
    }
    page = httpx.Response(200, json=[row | {"uuid": f"u-{n}"} for n in range(100)])
    wire = Wire(page, page)
    async with venue_on(wire, tmp_path) as venue:
        assert len(await venue.fetch_open_orders()) == 100


async def test_refused_keys_are_read_again_whatever_the_files_look_like(tmp_path: Path) -> None:
    write_keys(tmp_path)
    stamp = (tmp_path / "access-key").stat()
    wire = Wire(refused(401, "invalid_access_key"), httpx.Response(200, json=ACCOUNTS))
    async with venue_on(wire, tmp_path) as venue:
        with pytest.raises(AuthenticationError):
            await venue.fetch_account()
        (tmp_path / "access-key").write_text(ACCESS.upper())
        os.utime(tmp_path / "access-key", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        await venue.fetch_account()
    assert [claims["access_key"] for claims in wire.claims] == [ACCESS, ACCESS.upper()]


async def test_missing_keys_stop_private_calls_only(tmp_path: Path) -> None:
    wire = Wire(httpx.Response(200, json=[{"market": "KRW-BTC", "trade_price": 5}]))
    async with venue_on(wire, tmp_path) as venue:
        assert (await venue.fetch_price()).last == 5
        with pytest.raises(AuthenticationError) as caught:
            await venue.place(make_order())
    assert caught.value.code == "SecretMissing"
    assert "Authorization" not in wire.requests[0].headers


def echo(request: httpx.Request) -> httpx.Response:
    """Quote everything that was sent."""
    said = f"{request.headers['Authorization']} {ACCESS} {SECRET}"
    return refused(400, f"odd {said}", said)


def odd_page(request: httpx.Request) -> httpx.Response:
    """Quote the token in a page."""
    return httpx.Response(201, text=f"<html>{request.headers['Authorization']}")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(echo, id="an-error-that-quotes"),
        pytest.param(odd_page, id="a-page-that-quotes"),
        pytest.param(httpx.ReadTimeout("t"), id="no-answer"),
        pytest.param(refused(401, "jwt_verification"), id="refused"),
    ],
)
async def test_keys_and_tokens_get_out_nowhere(
    tmp_path: Path,
    fault: Any,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    write_keys(tmp_path)
    wire = Wire(fault)
    async with venue_on(wire, tmp_path) as venue:
        with pytest.raises(DantaroError) as caught:
            await venue.place(make_order())
        shown = [repr(venue), repr(vars(venue)), repr(vars(venue._client))]
    error: BaseException = caught.value
    assert not isinstance(error.__cause__, httpx.HTTPError)  # it holds the request
    out = capsys.readouterr()
    shown += [*traceback.format_exception(error), repr(error), repr(vars(error)), caplog.text]
    shown += [out.out, out.err]
    token = wire.requests[0].headers["Authorization"].removeprefix("Bearer ")
    text = "\n".join(shown)
    assert "POST /v1/orders" in text
    for secret in (ACCESS, SECRET, token.split(".")[1][:30], token.split(".")[2][:30]):
        assert secret not in text
