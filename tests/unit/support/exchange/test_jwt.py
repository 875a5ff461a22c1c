"""The exchange's check of a token against vectors that other programs computed."""

import json
from uuid import uuid4

import pytest

from tests.support.exchange.config import KeyConfig, KeyState, Scope
from tests.support.exchange.jwt import Gate, body_query, raw_query
from tests.support.exchange.orders import Refusal
from tests.support.exchange.trader import sign

pytestmark = pytest.mark.unit

ORDER = "market=KRW-BTC&side=bid&volume=0.01&price=100000000&ord_type=limit"
ORDER_HASH = (
    "04f10e7f849051645e088a4217a3e1f938268054df0e99b93ac74627b11f6931"
    "e501657d777720f9d19fc2a6649e3afc4a6e4e83ccf3d0569be6bde4633750dc"
)
STATES = "market=KRW-BTC&states[]=wait&states[]=watch"
STATES_HASH = (
    "c01bbcb80094d2225c90eda65128baf7ef800471fbdeb76579856d1532cd2630"
    "60e41ede9c52bfc926a0b46c4b7797a61e4327cda59d236f829cde4c875dfe77"
)
CLAIMS = {
    "access_key": "test-access",
    "nonce": "00000000-0000-4000-8000-000000000000",
    "query_hash": ORDER_HASH,
    "query_hash_alg": "SHA512",
}
SIGNATURES = {
    "HS256": "eMIZEKuWRUXuOb-aKJt00tpCzLkNmttkNZ3Bow_0OVA",
    "HS512": (
        "7SQW13GLo3eh63PaXy6RbNWlz_JbfU9TYZy_ajcvZmG7lgczHwwG1-LJjc51ViGNZFUbTMkKDjDRVfdIRKiI1A"
    ),
}
HEADERS = {
    "HS256": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
    "HS512": "eyJhbGciOiJIUzUxMiIsInR5cCI6IkpXVCJ9",
}


@pytest.fixture
def gate() -> Gate:
    gate = Gate()
    gate.add("main", KeyConfig(access="test-access", secret="test-secret"))
    return gate


def _bearer(query_hash: str | None = None, *, secret: str = "test-secret", **claims: str) -> str:
    whole = {"access_key": "test-access", "nonce": str(uuid4())} | claims
    if query_hash is not None:
        whole |= {"query_hash": query_hash, "query_hash_alg": "SHA512"}
    return f"Bearer {sign(whole, secret)}"


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_vectors_are_let_in(gate: Gate, algorithm: str) -> None:
    token = sign(CLAIMS, "test-secret", algorithm=algorithm)
    header, _, signature = token.split(".")
    assert (header, signature) == (HEADERS[algorithm], SIGNATURES[algorithm])
    assert gate.check(f"Bearer {token}", ORDER, Scope.TRADE) == "main"


def test_arrays_are_hashed_with_their_brackets(gate: Gate) -> None:
    assert gate.check(_bearer(STATES_HASH), STATES, Scope.ORDERS) == "main"
    assert raw_query("market=KRW-BTC&states%5B%5D=wait&states[]=watch") == STATES


def test_a_body_is_hashed_in_its_order_with_numbers_as_written() -> None:
    text = '{"market":"KRW-BTC","side":"bid","volume":0.010,"price":1e8,"uuids":["a","b"]}'
    body = json.loads(text, parse_float=str, parse_int=str)
    assert body_query(body) == "market=KRW-BTC&side=bid&volume=0.010&price=1e8&uuids[]=a&uuids[]=b"


def _refused(gate: Gate, authorization: str | None, query: str = "") -> tuple[int, str | int]:
    with pytest.raises(Refusal) as refusal:
        gate.check(authorization, query, Scope.TRADE)
    return refusal.value.status, refusal.value.name


def test_who_is_not_let_in(gate: Gate) -> None:
    assert _refused(gate, None) == (401, "no_authorization_token")
    assert _refused(gate, "Basic abc") == (401, "no_authorization_token")
    assert _refused(gate, "Bearer a.b") == (401, "jwt_verification")
    assert _refused(gate, "Bearer a.b.c") == (401, "jwt_verification")
    assert _refused(gate, _bearer(secret="other")) == (401, "jwt_verification")
    assert _refused(gate, _bearer(access_key="other")) == (401, "invalid_access_key")
    assert _refused(gate, _bearer(nonce="1")) == (401, "jwt_verification")
    assert _refused(gate, _bearer(), ORDER) == (401, "invalid_query_payload")
    assert _refused(gate, _bearer(STATES_HASH), ORDER) == (401, "invalid_query_payload")
    swapped = "side=bid&market=KRW-BTC&volume=0.01&price=100000000&ord_type=limit"
    assert _refused(gate, _bearer(ORDER_HASH), swapped) == (401, "invalid_query_payload")


def test_an_unsigned_token_is_not_let_in(gate: Gate) -> None:
    header = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"  # {"alg":"none","typ":"JWT"}
    payload = _bearer().split(".")[1]
    assert _refused(gate, f"Bearer {header}.{payload}.") == (401, "jwt_verification")


def test_a_nonce_serves_once(gate: Gate) -> None:
    bearer = _bearer()
    assert gate.check(bearer, "", Scope.TRADE) == "main"
    assert _refused(gate, bearer) == (401, "nonce_used")


@pytest.mark.parametrize(
    ("changes", "want"),
    [
        ({"state": KeyState.EXPIRED}, (401, "expired_access_key")),
        ({"state": KeyState.WRONG_IP}, (401, "no_authorization_ip")),
        ({"scopes": ["accounts", "orders"]}, (403, "out_of_scope")),
    ],
)
def test_a_key_can_lose_its_rights(
    gate: Gate, changes: dict[str, object], want: tuple[int, str]
) -> None:
    gate.change("test-access", **changes)
    assert _refused(gate, _bearer()) == want
