"""Tokens against the vectors of the reference; queries as hashed and as sent."""

import json
from base64 import urlsafe_b64decode

import pytest

from dantaro_runtime.adapters.exchanges.upbit.signing import (
    Algorithm,
    Keys,
    query_hash,
    query_text,
    sign,
    wire_query,
)

pytestmark = pytest.mark.unit

ORDER = [
    ("market", "KRW-BTC"),
    ("side", "bid"),
    ("volume", "0.01"),
    ("price", "100000000"),
    ("ord_type", "limit"),
]
KEYS = Keys(access="test-access", secret="test-secret")
NONCE = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("pairs", "want"),
    [
        pytest.param(
            ORDER,
            "04f10e7f849051645e088a4217a3e1f938268054df0e99b93ac74627b11f6931"
            "e501657d777720f9d19fc2a6649e3afc4a6e4e83ccf3d0569be6bde4633750dc",
            id="an-order",
        ),
        pytest.param(
            [("market", "KRW-BTC"), ("states[]", "wait"), ("states[]", "watch")],
            "c01bbcb80094d2225c90eda65128baf7ef800471fbdeb76579856d1532cd2630"
            "60e41ede9c52bfc926a0b46c4b7797a61e4327cda59d236f829cde4c875dfe77",
            id="an-array",
        ),
    ],
)
def test_the_query_hash_is_that_of_the_vectors(pairs: list[tuple[str, str]], want: str) -> None:
    assert query_hash(pairs) == want


@pytest.mark.parametrize(
    ("algorithm", "want"),
    [
        pytest.param(Algorithm.HS256, "eMIZEKuWRUXuOb-aKJt00tpCzLkNmttkNZ3Bow_0OVA", id="HS256"),
        pytest.param(
            Algorithm.HS512,
            "7SQW13GLo3eh63PaXy6RbNWlz_JbfU9TYZy_ajcvZmG7lgczHwwG1-LJjc51ViGNZFUbTMkKDjDRVfdIRKiI1A",
            id="HS512",
        ),
    ],
)
def test_the_signature_is_that_of_the_vectors(algorithm: Algorithm, want: str) -> None:
    assert sign(KEYS, ORDER, nonce=NONCE, algorithm=algorithm).split(".")[2] == want


def test_without_parameters_there_is_no_hash() -> None:
    claims = sign(KEYS, [], nonce=NONCE).split(".")[1]
    assert json.loads(urlsafe_b64decode(claims + "==")) == {
        "access_key": "test-access",
        "nonce": NONCE,
    }


def test_only_the_brackets_of_an_array_stay_unencoded_on_the_wire() -> None:
    pairs = [("states[]", "wait"), ("to", "2026-01-31T09:00:00+09:00"), ("identifier", "a~b c&d")]
    assert query_text(pairs) == "states[]=wait&to=2026-01-31T09:00:00+09:00&identifier=a~b c&d"
    assert wire_query(pairs) == (
        "states[]=wait&to=2026-01-31T09%3A00%3A00%2B09%3A00&identifier=a~b%20c%26d"
    )


def test_keys_are_not_shown() -> None:
    assert "test" not in f"{KEYS} {KEYS!r}"
