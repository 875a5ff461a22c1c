import importlib
from typing import Any

import pytest

from dantaro_crds.errors import (
    AuthenticationError,
    DantaroError,
    NotFoundError,
    OutcomeUnknownError,
    TransientError,
    VenueRefusedError,
)
from dantaro_runtime.adapters.exchanges.ccxt.failures import Failure, class_names, to_error
from dantaro_runtime.adapters.exchanges.ccxt.profiles import PROFILES

pytestmark = pytest.mark.unit

errors: Any = importlib.import_module("ccxt.base.errors")


def end(
    error: Exception,
    *,
    writes: bool = True,
    status: int | None = 200,
    text: str = '{"code":"1","msg":"no"}',
    is_sent: bool = True,
) -> DantaroError:
    failure = Failure(
        asked="POST /api/v1/hf/orders",
        writes=writes,
        is_sent=is_sent,
        status=status,
        text=text,
        hidden=("a-secret-of-40-signs",),
        kinds=class_names(error),
    )
    return to_error(failure, PROFILES["kucoin"])


@pytest.mark.parametrize(
    ("error", "want", "code"),
    [
        (errors.InsufficientFunds(""), VenueRefusedError, "InsufficientFunds"),
        (errors.InvalidOrder(""), VenueRefusedError, "OrderInvalid"),
        (errors.OrderNotFound(""), NotFoundError, "OrderNotFound"),
        (errors.DuplicateOrderId(""), OutcomeUnknownError, "DuplicateOrder"),
        (errors.AuthenticationError(""), AuthenticationError, "Authentication"),
        (errors.PermissionDenied(""), AuthenticationError, "Authentication"),
        (errors.OnMaintenance(""), TransientError, "VenueOffline"),
        (errors.ExchangeError(""), OutcomeUnknownError, "RefusalUnknown"),
        (errors.BadRequest(""), OutcomeUnknownError, "RefusalUnknown"),
        (errors.InvalidNonce(""), OutcomeUnknownError, "OutcomeUnknown"),
        (errors.ExchangeNotAvailable(""), OutcomeUnknownError, "OutcomeUnknown"),
        (errors.RequestTimeout(""), OutcomeUnknownError, "OutcomeUnknown"),
        (KeyError("data"), OutcomeUnknownError, "OutcomeUnknown"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_write_ends_by_the_class_of_its_error(
    error: Exception, want: type[DantaroError], code: str
) -> None:
    ended = end(error)
    assert (type(ended), ended.code) == (want, code)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("kind", [errors.InsufficientFunds, errors.InvalidOrder])
def test_a_server_that_fails_may_say_anything(status: int, kind: type[Exception]) -> None:
    assert end(kind(""), status=status).code == "OutcomeUnknown"


@pytest.mark.parametrize("status", [408, 409])
def test_a_refusal_of_somebody_between_us_is_no_refusal(status: int) -> None:
    assert isinstance(end(errors.InvalidOrder(""), status=status), OutcomeUnknownError)


def test_an_invalid_order_whose_id_was_used_exists() -> None:
    ended = end(errors.InvalidOrder(""), text='{"code":"126044","msg":"clientOid duplicate"}')
    assert (type(ended), ended.code) == (OutcomeUnknownError, "DuplicateOrder")


def test_what_ccxt_refuses_itself_was_not_sent() -> None:
    ended = end(errors.ArgumentsRequired(""), status=None, text="", is_sent=False)
    assert isinstance(ended, VenueRefusedError)


@pytest.mark.parametrize("kind", [errors.ExchangeError, errors.RequestTimeout, errors.InvalidOrder])
def test_a_read_may_be_repeated(kind: type[Exception]) -> None:
    assert isinstance(end(kind(""), writes=False), TransientError)


def test_no_text_quotes_a_secret() -> None:
    ended = end(errors.ExchangeError(""), text='{"msg":"bad sign of a-secret-of-40-signs"}')
    assert "a-secret" not in ended.message
    assert "bad sign of ***" in ended.message
