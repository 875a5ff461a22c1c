"""Which error an answer of Upbit is."""

import json
from datetime import timedelta

import pytest

from dantaro_crds.errors import (
    AuthenticationError,
    DantaroError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    TransientError,
    VenueRefusedError,
)
from dantaro_runtime.adapters.exchanges.upbit.refusals import Refusal, to_error

pytestmark = pytest.mark.unit


def error(status: int, name: object, *, writes: bool, message: str = "m") -> DantaroError:
    body = json.dumps({"error": {"name": name, "message": message}}).encode()
    pause = timedelta(seconds=1) if status in {418, 429} else None
    return to_error(Refusal.of(status, body), asked="A", writes=writes, pause=pause)


@pytest.mark.parametrize(
    ("status", "name", "of_write", "of_read"),
    [
        pytest.param(400, name, VenueRefusedError, TransientError, id=name)
        for name in (
            "insufficient_funds_bid",
            "insufficient_funds_ask",
            "under_min_total_bid",
            "over_krw_funds_ask",
            "invalid_price_bid",
            "invalid_volume_ask",
            "create_bid_error",
            "create_ask_error",
            "invalid_parameter",
            "invaild_parameter",
            "invalid_time_in_force",
            "validation_error",
            "notfoundmarket",
        )
    ]
    + [
        pytest.param(status, name, AuthenticationError, AuthenticationError, id=name)
        for status, name in (
            (401, "invalid_query_payload"),
            (401, "jwt_verification"),
            (401, "expired_access_key"),
            (401, "invalid_access_key"),
            (401, "no_authorization_token"),
            (401, "no_authorization_ip"),
            (401, "no_authorization_i_p"),
            (403, "out_of_scope"),
            (401, "out_of_scope"),
        )
    ]
    + [
        pytest.param(401, "new_name", AuthenticationError, AuthenticationError, id="401-unknown"),
        pytest.param(401, "nonce_used", OutcomeUnknownError, TransientError, id="nonce_used"),
        pytest.param(400, "duplicated_identifier", OutcomeUnknownError, TransientError, id="dup"),
        pytest.param(403, "market_offline", TransientError, TransientError, id="offline"),
        pytest.param(404, "order_not_found", NotFoundError, NotFoundError, id="no-order"),
        pytest.param(429, "too_many_requests", RateLimitedError, RateLimitedError, id="429"),
        pytest.param(418, "too_many_requests", RateLimitedError, RateLimitedError, id="418"),
        pytest.param(429, "invalid_parameter", RateLimitedError, RateLimitedError, id="429-odd"),
        pytest.param(400, "new_name", OutcomeUnknownError, TransientError, id="400-unknown"),
        pytest.param(403, "new_name", OutcomeUnknownError, TransientError, id="403-unknown"),
        pytest.param(404, 404, OutcomeUnknownError, TransientError, id="404-public"),
        pytest.param(500, "internal", OutcomeUnknownError, TransientError, id="500"),
        pytest.param(502, "create_bid_error", OutcomeUnknownError, TransientError, id="502-named"),
        pytest.param(503, "order_not_found", OutcomeUnknownError, TransientError, id="503-named"),
        pytest.param(302, "", OutcomeUnknownError, TransientError, id="redirect"),
    ],
)
def test_the_name_decides_then_the_status(
    status: int, name: object, of_write: type[Exception], of_read: type[Exception]
) -> None:
    assert type(error(status, name, writes=True)) is of_write
    assert type(error(status, name, writes=False)) is of_read


@pytest.mark.parametrize(
    ("status", "name", "want"),
    [
        pytest.param(400, "duplicated_identifier", "DuplicateOrder", id="duplicate"),
        pytest.param(403, "market_offline", "VenueOffline", id="maintenance"),
        pytest.param(400, "insufficient_funds_bid", "InsufficientFunds", id="funds"),
        pytest.param(400, "under_min_total_bid", "UnderMinimum", id="too-small"),
        pytest.param(400, "invalid_price_ask", "PriceRefused", id="off-tick"),
    ],
)
def test_an_error_has_a_code(status: int, name: str, want: str) -> None:
    assert error(status, name, writes=True).code == want


def test_an_unlisted_market_is_told_apart_from_other_answers_404() -> None:
    assert error(404, 404, writes=False, message="Code not found").code == "MarketGone"
    assert error(404, 404, writes=False, message="no route").code == "Transient"


def test_a_limited_rate_names_the_pause() -> None:
    limited = error(429, "too_many_requests", writes=False)
    assert isinstance(limited, RateLimitedError)
    assert limited.retry_after == timedelta(seconds=1)


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"[]", b"null", b'{"error":null}', b'{"error":"x"}', b'{"error":{}}', b"\xff"],
    ids=str,
)
def test_a_body_in_another_form_leaves_the_status(content: bytes) -> None:
    assert Refusal.of(502, content) == Refusal(status=502, name="", message="")


def test_a_long_text_is_cut() -> None:
    assert len(str(error(400, "validation_error", writes=True, message="x" * 10_000))) < 400
