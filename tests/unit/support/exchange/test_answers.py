"""Whatever is sent, the exchange answers with a status of the venue and its books add up."""

import hashlib
import json
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exchange.answers import Asked, answer, note_arrival
from tests.support.exchange.audit import find_faults
from tests.support.exchange.config import ExchangeConfig, LimitConfig, PocketConfig
from tests.support.exchange.jwt import body_query, raw_query
from tests.support.exchange.private import PRIVATE_ROUTES
from tests.support.exchange.public import PUBLIC_ROUTES
from tests.support.exchange.trader import sign
from tests.support.exchange.world import World

pytestmark = pytest.mark.unit

NAMES = [
    "market",
    "markets",
    "side",
    "volume",
    "price",
    "ord_type",
    "time_in_force",
    "smp_type",
    "identifier",
    "uuid",
    "states[]",
    "identifiers[]",
    "page",
    "limit",
    "start_time",
    "end_time",
    "order_by",
    "count",
    "to",
    "pairs",
    "cancel_side",
]
WORDS = [
    "KRW-BTC",
    "KRW-NONE",
    "bid",
    "ask",
    "limit",
    "price",
    "market",
    "best",
    "ioc",
    "fok",
    "post_only",
    "cancel_maker",
    "wait",
    "done",
    "100000000",
    "0.001",
    "10000",
    "0",
    "-1",
    "1e400",
    "1e-400",
    "NaN",
    "1e5",
    "true",
    "asc",
    "2025-09-02T00:00:00",
    "99999999999999999",
    "²",
    "0001-01-01T00:00:00+23:00",
    "10000000000000000000000",
]
values = st.one_of(st.sampled_from(WORDS), st.text(max_size=6))
params = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)
bodies = st.dictionaries(
    st.sampled_from(NAMES),
    st.one_of(
        values,
        st.just("\ud800"),
        st.integers(),
        st.none(),
        st.booleans(),
        st.lists(values, max_size=2),
    ),
    max_size=8,
)
orders = st.fixed_dictionaries(
    {
        "market": st.just("KRW-BTC"),
        "side": st.sampled_from(["bid", "ask"]),
        "ord_type": st.sampled_from(["limit", "price", "market", "best"]),
    },
    optional={
        "price": values,
        "volume": values,
        "time_in_force": values,
        "identifier": values | st.just("\ud800"),
    },
)


def _world() -> World:
    return World(ExchangeConfig(limits=LimitConfig(enabled=False)))


def _bearer(query: str) -> str:
    key = PocketConfig().keys[0]
    claims = {"access_key": key.access, "nonce": str(uuid4())}
    if query:
        claims["query_hash"] = hashlib.sha512(query.encode("utf-8", "surrogatepass")).hexdigest()
    return f"Bearer {sign(claims, key.secret)}"


def _ask(world: World, method: str, path: str, query: str = "", body: bytes = b"") -> int:
    hashed = raw_query(query)
    if body:
        hashed = body_query(json.loads(body, parse_float=str, parse_int=str))
    asked = Asked(
        method=method,
        path=path,
        query=query,
        body=body,
        content_type="application/json",
        authorization=_bearer(hashed),
        address="127.0.0.1",
    )
    note_arrival(world, asked)
    given_answer = answer(world, asked, {})
    json.loads(given_answer.body)
    return given_answer.status


def _wire(pairs: dict[str, Any]) -> str:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs.items())


@settings(max_examples=300)
@given(st.sampled_from([r for r in (*PUBLIC_ROUTES, *PRIVATE_ROUTES) if r[0] != "POST"]), params)
def test_no_query_breaks_it(route: tuple[str, str], pairs: dict[str, str]) -> None:
    world = _world()
    assert _ask(world, *route, query=_wire(pairs)) in (200, 400, 404)
    assert find_faults(world.engine) == []


@settings(max_examples=300)
@given(st.sampled_from(["/v1/orders", "/v1/orders/test"]), st.one_of(bodies, orders))
def test_no_body_breaks_it(path: str, body: dict[str, Any]) -> None:
    world = _world()
    assert _ask(world, "POST", path, body=json.dumps(body).encode()) in (201, 400)
    assert find_faults(world.engine) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"1", b'"text"', b"\xff\xfe"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    world = _world()
    asked = Asked(
        method="POST",
        path="/v1/orders",
        query="",
        body=body,
        content_type="application/json",
        authorization=_bearer(""),
        address="127.0.0.1",
    )
    note_arrival(world, asked)
    assert answer(world, asked, {}).status == 400
