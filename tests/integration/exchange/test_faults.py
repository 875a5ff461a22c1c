"""Each fault on command does what it says, and nothing else."""

import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.faults import FaultKind
from tests.support.exchange.trader import Trader

pytestmark = pytest.mark.integration

WRITE: dict[str, Any] = {"method": "POST", "path": "/v1/orders"}
CANCEL: dict[str, Any] = {"method": "DELETE", "path": "/v1/order"}


def _place(me: Trader, identifier: str = "a") -> httpx.Response:
    return me.limit("bid", "99000000", "0.01", identifier=identifier)


def _error(response: httpx.Response) -> tuple[int, Any]:
    return response.status_code, response.json()["error"]["name"]


@pytest.mark.parametrize(
    ("how", "want"),
    [
        ("reset", httpx.ReadError),
        ("close", httpx.RemoteProtocolError),
        ("hang", httpx.RemoteProtocolError),
    ],
)
@pytest.mark.parametrize(
    ("kind", "want_orders"), [(FaultKind.LOSE_BEFORE, 0), (FaultKind.LOSE_AFTER, 1)]
)
def test_a_lost_answer(
    exchange: ExchangeClient,
    me: Trader,
    kind: FaultKind,
    want_orders: int,
    how: str,
    want: type[Exception],
) -> None:
    exchange.add_fault(kind, **WRITE, how=how, seconds=0.05)
    with pytest.raises(want):
        _place(me)
    pocket = exchange.pocket()
    assert (len(pocket.orders), pocket.posts) == (want_orders, {"a": 1})
    want_status = 400 if want_orders else 201
    assert _place(me).status_code == want_status
    assert len(exchange.pocket().orders) == 1


@pytest.mark.parametrize(
    ("kind", "want_orders"), [(FaultKind.ERROR_BEFORE, 0), (FaultKind.ERROR_AFTER, 1)]
)
def test_an_error_of_the_server(
    exchange: ExchangeClient, me: Trader, kind: FaultKind, want_orders: int
) -> None:
    exchange.add_fault(kind, **WRITE, status=502)
    response = _place(me)
    assert (response.status_code, response.headers["Content-Type"]) == (
        502,
        "text/html; charset=utf-8",
    )
    assert len(exchange.pocket().orders) == want_orders


def test_a_connection_that_breaks_in_the_body(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.CUT, **WRITE)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        _place(me)
    assert len(exchange.pocket().orders) == 1


def test_a_body_that_is_no_json(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.GARBAGE, **WRITE)
    response = _place(me)
    assert response.status_code == 201
    with pytest.raises(ValueError, match="line 1 column"):
        response.json()
    assert len(exchange.pocket().orders) == 1


@pytest.mark.parametrize(
    ("kind", "want_orders"), [(FaultKind.DELAY_BEFORE, 0), (FaultKind.DELAY_AFTER, 1)]
)
def test_a_delay_outlasts_the_patience_of_a_client(
    exchange: ExchangeClient, me: Trader, kind: FaultKind, want_orders: int
) -> None:
    exchange.add_fault(kind, **WRITE, seconds=0.6)
    me._http.timeout = httpx.Timeout(0.1)
    with pytest.raises(httpx.ReadTimeout):
        _place(me)
    assert len(exchange.pocket().orders) == want_orders
    eventually(lambda: len(exchange.pocket().orders) == 1)


def test_a_refusal_on_command(exchange: ExchangeClient, me: Trader) -> None:
    what: dict[str, Any] = {"status": 400, "name": "create_bid_error"}
    exchange.add_fault(FaultKind.REFUSE, **WRITE, **what)
    exchange.add_fault(FaultKind.REFUSE, **WRITE, **what, burns_identifier=True)
    assert _error(_place(me)) == (400, "create_bid_error")
    assert _error(_place(me)) == (400, "create_bid_error")
    assert _error(_place(me)) == (400, "duplicated_identifier")
    assert exchange.pocket().orders == []


def test_429_and_a_ban(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.RATE_LIMITED)
    exchange.add_fault(FaultKind.BANNED, after=1, seconds=1)
    assert [me.get("/accounts").status_code for _ in range(3)] == [429, 418, 418]
    eventually(lambda: me.get("/accounts").status_code == 200)


def test_maintenance(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.MAINTENANCE, count=None)
    assert _error(_place(me)) == (403, "market_offline")
    assert _error(me.get("/accounts")) == (403, "market_offline")
    exchange.clear_faults()
    assert _place(me).status_code == 201


def test_reads_lag_behind_an_order(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.STALE, **WRITE, seconds=60)
    _place(me)
    assert _error(me.get("/order", identifier="a")) == (404, "order_not_found")
    assert me.get("/orders/open").json() == []
    assert me.get("/accounts").json()[0]["balance"] == "10000000"
    assert _error(_place(me)) == (400, "duplicated_identifier")
    assert len(exchange.pocket().orders) == 1
    exchange.clear_faults()
    assert me.order("a")["state"] == "wait"
    assert len(me.get("/orders/open").json()) == 1
    assert me.get("/accounts").json()[0]["balance"] == "9009505"


def test_reads_lag_behind_a_cancel(exchange: ExchangeClient, me: Trader) -> None:
    _place(me)
    exchange.add_fault(FaultKind.STALE, **CANCEL, seconds=60)
    me.cancel("a")
    assert me.order("a")["state"] == "wait"
    assert [order["identifier"] for order in me.get("/orders/open").json()] == ["a"]
    assert me.get("/accounts").json()[0]["locked"] == "990495"
    assert exchange.pocket().order("a")["state"] == "cancel"
    exchange.clear_faults()
    assert me.order("a")["state"] == "cancel"
    assert me.get("/orders/open").json() == []


def test_lists_alone_lag_where_that_is_asked_for(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.STALE, **WRITE, seconds=60, lists_only=True)
    _place(me)
    assert me.get("/orders/open").json() == []
    assert me.order("a")["state"] == "wait"
    assert me.get("/accounts").json()[0]["balance"] == "9009505"
    exchange.add_fault(FaultKind.STALE, **CANCEL, seconds=60, lists_only=True)
    me.cancel("a")
    assert me.order("a")["state"] == "cancel"
    exchange.clear_faults()
    assert me.get("/orders/open").json() == []


def test_reads_catch_up_by_themselves(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.STALE, **WRITE, seconds=0.2)
    _place(me)
    eventually(lambda: me.get("/order", identifier="a").status_code == 200)
    assert len(me.get("/orders/open").json()) == 1


@pytest.mark.parametrize(
    ("fault", "want_status", "want_state", "want_filled"),
    [
        pytest.param({}, 200, "done", "0.01", id="all-filled-yet-accepted"),
        pytest.param({"is_accepted": False}, 404, "done", "0.01", id="all-filled-and-refused"),
        pytest.param({"part": "0.3"}, 200, "cancel", "0.003", id="a-part-filled"),
    ],
)
def test_a_cancel_races_a_fill(
    exchange: ExchangeClient,
    me: Trader,
    fault: dict[str, Any],
    want_status: int,
    want_state: str,
    want_filled: str,
) -> None:
    _place(me)
    exchange.add_fault(FaultKind.CANCEL_FILLS, **CANCEL, **fault)
    assert me.cancel("a").status_code == want_status
    order = me.order("a")
    assert (order["state"], order["executed_volume"]) == (want_state, want_filled)
    assert exchange.truth().wrong == []


def test_a_cancel_takes_effect_late(exchange: ExchangeClient, me: Trader) -> None:
    _place(me)
    exchange.add_fault(FaultKind.CANCEL_LATE, **CANCEL, seconds=0.5)
    assert me.cancel("a").status_code == 200
    assert me.order("a")["state"] == "wait"
    eventually(lambda: me.order("a")["state"] == "cancel")


def test_a_late_cancel_finds_the_order_filled(exchange: ExchangeClient, me: Trader) -> None:
    _place(me)
    exchange.add_fault(FaultKind.CANCEL_LATE, **CANCEL, seconds=0.5)
    me.cancel("a")
    exchange.move_price(98_000_000)
    time.sleep(0.6)
    assert me.order("a")["state"] == "done"


def test_a_clock_that_is_off(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.SKEW, **WRITE, seconds=-3600)
    response = _place(me)
    off = time.time() - parsedate_to_datetime(response.headers["Date"]).timestamp()
    assert 3590 < off < 3620
    assert response.json()["created_at"] == "2025-09-02T08:00:00+09:00"


def test_the_truth_names_what_struck(exchange: ExchangeClient, me: Trader) -> None:
    exchange.add_fault(FaultKind.ERROR_AFTER, **WRITE)
    exchange.add_fault(FaultKind.RATE_LIMITED, method="GET")
    _place(me)
    me.get("/accounts")
    truth = exchange.truth()
    assert truth.faults == {"error_after": 1, "rate_limited": 1}
    assert truth.calls == {"POST /v1/orders": 1, "GET /v1/accounts": 1}
    assert [(row["status"], row["name"]) for row in truth.refused] == [(429, "too_many_requests")]


def test_a_careful_client_ends_with_one_order_for_each_intent(
    exchange: ExchangeClient, me: Trader
) -> None:
    chances: dict[str, Any] = {"count": None, "probability": 0.2, "seed": 7}
    exchange.add_fault(FaultKind.LOSE_BEFORE, **WRITE, **chances)
    exchange.add_fault(FaultKind.LOSE_AFTER, **WRITE, **chances | {"seed": 8})
    exchange.add_fault(FaultKind.ERROR_AFTER, **WRITE, **chances | {"seed": 9})
    for n in range(60):
        while me.get("/order", identifier=f"n-{n}").status_code == 404:
            try:
                me.limit("bid", "99000000", "0.0001", identifier=f"n-{n}")
            except httpx.TransportError:
                continue
    truth = exchange.truth()
    pocket = truth.pockets["main"]
    assert [order["identifier"] for order in pocket.orders] == [f"n-{n}" for n in range(60)]
    assert sum(pocket.posts.values()) > 60
    assert set(truth.faults) == {"lose_before", "lose_after", "error_after"}
    assert pocket.locked["KRW"] == 60 * Decimal("9904.95")
