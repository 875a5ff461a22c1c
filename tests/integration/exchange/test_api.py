"""The exchange's REST API, seen over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import KeyConfig, LimitConfig, PocketConfig, Scope
from tests.support.exchange.trader import Trader
from tests.support.recorded import recorded_candles

pytestmark = pytest.mark.integration

START = datetime(2025, 9, 2, tzinfo=UTC)


def _error(response: httpx.Response) -> tuple[int, Any]:
    error = response.json()["error"]
    assert error["message"]
    return response.status_code, error["name"]


def test_an_order_is_placed_read_and_cancelled(exchange: ExchangeClient, me: Trader) -> None:
    placed = me.limit("bid", "99000000", "0.01", identifier="a-1")
    assert placed.status_code == 201
    assert placed.json() | {"uuid": ""} == {
        "uuid": "",
        "market": "KRW-BTC",
        "side": "bid",
        "ord_type": "limit",
        "price": "99000000",
        "state": "wait",
        "created_at": "2025-09-02T09:00:00+09:00",
        "volume": "0.01",
        "remaining_volume": "0.01",
        "executed_volume": "0",
        "reserved_fee": "495",
        "remaining_fee": "495",
        "paid_fee": "0",
        "locked": "990495",
        "prevented_volume": "0",
        "prevented_locked": "0",
        "smp_type": "cancel_maker",
        "trades_count": 0,
        "identifier": "a-1",
    }
    assert me.get("/accounts").json()[0]["locked"] == "990495"
    assert me.order("a-1") == placed.json() | {"trades": []}
    assert me.cancel("a-1").json()["state"] == "wait"
    assert me.order("a-1")["state"] == "cancel"
    assert _error(me.cancel("a-1")) == (404, "order_not_found")
    assert exchange.pocket().free == {"KRW": 10_000_000}


def test_the_answer_to_an_order_never_shows_its_fill(me: Trader) -> None:
    placed = me.post(
        "/orders", market="KRW-BTC", side="bid", price="10000", ord_type="price", identifier="m"
    ).json()
    assert (placed["state"], placed["executed_volume"], placed["volume"]) == ("wait", "0", None)
    order = me.order("m")
    assert (order["state"], order["executed_volume"]) == ("cancel", "0.0001")
    (trade,) = order["trades"]
    assert (trade["price"], trade["volume"], trade["funds"]) == ("100000000", "0.0001", "10000")


def test_partial_fills_are_a_waiting_order(exchange: ExchangeClient, me: Trader) -> None:
    uuid = me.limit("bid", "99000000", "0.01", identifier="a").json()["uuid"]
    exchange.fill(uuid, part="0.25")
    order = me.order("a")
    assert (order["state"], order["executed_volume"], order["trades_count"]) == (
        "wait",
        "0.0025",
        1,
    )
    assert (order["locked"], order["paid_fee"], order["remaining_fee"]) == (
        "742871.25",
        "123.75",
        "371.25",
    )


def test_a_duplicate_identifier_is_refused_and_places_nothing(
    exchange: ExchangeClient, me: Trader
) -> None:
    me.limit("bid", "99000000", "0.01", identifier="a")
    assert _error(me.limit("bid", "99000000", "0.01", identifier="a")) == (
        400,
        "duplicated_identifier",
    )
    pocket = exchange.pocket()
    assert (len(pocket.orders), pocket.posts) == (1, {"a": 2})
    assert [row["name"] for row in pocket.refused] == ["duplicated_identifier"]


def test_a_refused_order_burns_its_identifier(me: Trader) -> None:
    assert _error(me.limit("bid", "99000500", "0.01", identifier="a")) == (400, "invalid_price_bid")
    assert _error(me.get("/order", identifier="a")) == (404, "order_not_found")
    assert _error(me.limit("bid", "99000000", "0.01", identifier="a")) == (
        400,
        "duplicated_identifier",
    )


@pytest.mark.parametrize(
    ("change", "want"),
    [
        pytest.param({"price": "x"}, "invalid_parameter", id="price-is-text"),
        pytest.param({"price": "NaN"}, "invalid_parameter", id="price-is-nan"),
        pytest.param({"side": "buy"}, "invalid_parameter", id="side"),
        pytest.param({"ord_type": "stop"}, "invalid_parameter", id="no-stop-orders"),
        pytest.param({"time_in_force": "gtc"}, "invalid_time_in_force", id="gtc"),
        pytest.param({"identifier": "a b"}, "invalid_parameter", id="identifier-with-a-space"),
        pytest.param({"identifier": "a" * 65}, "invalid_parameter", id="identifier-too-long"),
        pytest.param({"market": "KRW-DOGE"}, "notfoundmarket", id="market"),
    ],
)
def test_wrong_parameters(me: Trader, change: dict[str, str], want: str) -> None:
    body = {"market": "KRW-BTC", "side": "bid", "volume": "0.01", "price": "99000000"}
    response = me.post("/orders", **(body | {"ord_type": "limit"} | change))
    assert _error(response) == (400, want)


def test_a_trial_order_is_checked_and_not_placed(exchange: ExchangeClient, me: Trader) -> None:
    body = {"market": "KRW-BTC", "side": "bid", "volume": "0.01", "ord_type": "limit"}
    assert me.post("/orders/test", **body, price="99000000").status_code == 201
    assert _error(me.post("/orders/test", **body, price="99000001")) == (400, "invalid_price_bid")
    exchange.set_market_state("KRW-BTC", "offline")
    assert _error(me.post("/orders/test", **body, price="99000000")) == (403, "market_offline")
    assert exchange.pocket().orders == []


def test_lists_of_orders(exchange: ExchangeClient, me: Trader) -> None:
    for n in range(5):
        me.limit("bid", f"9{n}000000", "0.001", identifier=f"o{n}")
    exchange.move_price(94_000_000)
    me.cancel("o0")

    def names(response: httpx.Response) -> list[str]:
        return [order["identifier"] for order in response.json()]

    assert names(me.get("/orders/open", market="KRW-BTC")) == ["o3", "o2", "o1"]
    assert names(me.get("/orders/open", page="2", limit="2", order_by="asc")) == ["o3"]
    both = [("market", "KRW-BTC"), ("states[]", "wait"), ("states[]", "watch")]
    assert names(me.call("GET", "/orders/open", both)) == ["o3", "o2", "o1"]
    assert names(me.get("/orders/closed", market="KRW-BTC")) == ["o4", "o0"]
    assert names(me.get("/orders/closed", state="done")) == ["o4"]
    later = (START + timedelta(seconds=1)).isoformat()
    assert names(me.get("/orders/closed", start_time=later)) == []
    picked = [("identifiers[]", name) for name in ("o0", "o3", "nobody")]
    assert names(me.call("GET", "/orders/uuids", picked)) == ["o3", "o0"]
    week = (START - timedelta(days=8)).isoformat()
    response = me.get("/orders/closed", start_time=week, end_time=START.isoformat())
    assert _error(response) == (400, "invalid_parameter")


def test_cancels_of_many(me: Trader) -> None:
    for n in range(4):
        me.limit("bid", f"9{n}000000", "0.001", identifier=f"o{n}")
    picked = [("identifiers[]", "o0"), ("identifiers[]", "nobody")]
    answer = me.call("DELETE", "/orders/uuids", picked).json()
    assert (answer["success"]["count"], answer["failed"]["count"]) == (1, 1)
    answer = me.call("DELETE", "/orders/open", [("pairs", "KRW-BTC"), ("count", "2")]).json()
    assert [order["identifier"] for order in answer["success"]["orders"]] == ["o3", "o2"]
    assert [me.order(f"o{n}")["state"] for n in range(4)] == ["cancel", "wait", "cancel", "cancel"]


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_both_algorithms_are_taken(exchange: ExchangeClient, algorithm: str) -> None:
    with Trader(exchange.url, algorithm=algorithm) as me:
        assert me.get("/orders/chance", market="KRW-BTC").status_code == 200


def test_a_call_without_a_fitting_token_is_refused(exchange: ExchangeClient, me: Trader) -> None:
    def get(query: str, token: str | None) -> tuple[int, Any]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return _error(httpx.get(f"{exchange.url}/order?{query}", headers=headers))

    uuid = "identifier=a-1"
    assert get(uuid, None) == (401, "no_authorization_token")
    assert get(uuid, me.token("identifier=a-2")) == (401, "invalid_query_payload")
    assert get(uuid, me.token(uuid)) == (404, "order_not_found")
    nonce = "00000000-0000-4000-8000-000000000000"
    assert get(uuid, me.token(uuid, nonce=nonce)) == (404, "order_not_found")
    assert get(uuid, me.token(uuid, nonce=nonce)) == (401, "nonce_used")
    assert get("identifier=a:1", me.token("identifier=a:1")) == (400, "invalid_parameter")
    with Trader(exchange.url, secret="another") as other:
        assert _error(other.get("/accounts")) == (401, "jwt_verification")


def test_forms_are_not_taken(exchange: ExchangeClient, me: Trader) -> None:
    headers = {"Authorization": f"Bearer {me.token('market=KRW-BTC')}"}
    response = httpx.post(f"{exchange.url}/orders", data={"market": "KRW-BTC"}, headers=headers)
    assert _error(response) == (400, "invalid_parameter")


def test_pockets_see_their_own_orders_only(exchange: ExchangeClient, me: Trader) -> None:
    key = KeyConfig(access="second", secret="second-secret")
    sub = PocketConfig(name="sub", keys=(key,), balances={"KRW": Decimal(50_000)})
    exchange.add_pocket(sub)
    me.limit("bid", "99000000", "0.001", identifier="a")
    with Trader(exchange.url, access="second", secret="second-secret") as other:
        assert other.get("/orders/open").json() == []
        assert other.limit("bid", "90000000", "0.0001", identifier="a").status_code == 201
        assert other.get("/accounts").json()[0]["locked"] == "9004.5"


def test_a_key_without_a_scope(exchange: ExchangeClient) -> None:
    reader = KeyConfig(access="reader", secret="reads", scopes=frozenset({Scope.ORDERS}))
    exchange.add_key("main", reader)
    with Trader(exchange.url, access="reader", secret="reads") as me:
        assert me.get("/orders/open").status_code == 200
        assert _error(me.limit("bid", "99000000", "0.01")) == (403, "out_of_scope")


def test_rate_limits_count_down_refuse_and_ban(exchange: ExchangeClient, me: Trader) -> None:
    limits = LimitConfig(per_second={"default": 3}, seconds_of="market", patience=2, ban_seconds=5)
    exchange.set_limits(limits)
    answers = [me.get("/accounts") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429, 418]
    assert answers[0].headers["Remaining-Req"] == "group=default; min=1800; sec=2"
    assert _error(answers[3]) == (429, "too_many_requests")
    assert answers[5].json()["error"]["message"] == "blocked for 5 seconds"
    exchange.move_time(START + timedelta(seconds=5))
    assert me.get("/accounts").status_code == 200


def test_money_that_a_person_moves_is_seen(exchange: ExchangeClient, me: Trader) -> None:
    exchange.deposit("BTC", "0.5")
    exchange.deposit("KRW", -4_000_000)
    rows = {row["currency"]: row["balance"] for row in me.get("/accounts").json()}
    assert rows == {"KRW": "6000000", "BTC": "0.5"}


def _shape(value: Any) -> Any:
    """Return the names and kinds of a value; a number is a number with or without a point."""
    if isinstance(value, dict):
        return {name: _shape(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value[:1]]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__


@pytest.mark.parametrize(
    ("file", "path", "params"),
    [
        ("ticker-KRW-BTC-20260830", "/ticker", {"markets": "KRW-BTC"}),
        ("candles-minutes-1-KRW-BTC-20260830", "/candles/minutes/1", {"market": "KRW-BTC"}),
        ("candles-days-KRW-BTC-20260830", "/candles/days", {"market": "KRW-BTC"}),
        ("market-all-3rows-20260830", "/market/all", {"is_details": "true"}),
        ("orderbook-KRW-BTC-20250704", "/orderbook", {"markets": "KRW-BTC"}),
        ("orderbook-instruments-2rows", "/orderbook/instruments", {"markets": "KRW-BTC"}),
        ("trades-ticks-KRW-BTC-20250627", "/trades/ticks", {"market": "KRW-BTC"}),
        ("orders-chance-KRW-BTC-2024", "/orders/chance", {"market": "KRW-BTC"}),
    ],
)
def test_answers_have_the_shape_of_recorded_ones(
    me: Trader, file: str, path: str, params: dict[str, str]
) -> None:
    recorded: Path = recorded_candles().parent / "upbit-api" / f"{file}.json"
    answer = me.get(path, **params) if "chance" in path else me.see(path, **params)
    assert answer.status_code == 200, answer.text
    assert _shape(answer.json()) == _shape(json.loads(recorded.read_text()))


def test_unknown_markets_and_paths(me: Trader) -> None:
    assert _error(me.see("/ticker", markets="KRW-NONE")) == (404, 404)
    assert _error(me.see("/candles/minutes/1", market="KRW-NONE")) == (404, 404)
    assert _error(me.see("/candles/minutes/7", market="KRW-BTC")) == (404, 404)
    assert _error(me.get("/orders/chance", market="KRW-NONE")) == (400, "notfoundmarket")
