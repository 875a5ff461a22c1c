"""What Upbit's error answers mean: by the error's name first, then by the status.

A name that is not known here says nothing of what happened, so a write that got it is unknown.

Source:
    Upbit API 1.6.4, error codes; the table of them is not published in one piece.
"""

import json
from dataclasses import dataclass
from datetime import timedelta

from dantaro_crds.errors import (
    AuthenticationError,
    DantaroError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    TransientError,
    VenueRefusedError,
)
from dantaro_runtime.ports import (
    DUPLICATE_ORDER,
    INSUFFICIENT_FUNDS,
    MARKET_GONE,
    PRICE_REFUSED,
    REFUSAL_UNKNOWN,
    VENUE_OFFLINE,
)

__all__ = ["Refusal", "to_error"]

_NONCE_USED = "nonce_used"
"""Something between us and Upbit sent a request twice: what the first one did is unknown."""

_UNSURE = {408, 409, 418, 429}
"""Statuses of refusals that somebody between us and Upbit may have given."""

_LONGEST_TEXT = 160
"""Cut last of all: a secret that was cut in two would not be found any more."""

_REFUSED = (
    ("insufficient_funds", INSUFFICIENT_FUNDS),
    ("under_min_total", "UnderMinimum"),
    ("over_krw_funds", "OverMaximum"),
    ("invalid_price", PRICE_REFUSED),
    ("invalid_volume", "VolumeRefused"),
    ("create_bid_error", "OrderInvalid"),
    ("create_ask_error", "OrderInvalid"),
    ("invalid_parameter", "OrderInvalid"),
    ("invaild_parameter", "OrderInvalid"),  # so in Upbit's documentation
    ("invalid_time_in_force", "OrderInvalid"),
    ("validation_error", "OrderInvalid"),
    ("notfoundmarket", MARKET_GONE),
)
"""(Start of the name, our code) of refusals after which no order exists."""

_KEYS = {
    "invalid_query_payload": "the token's payload was refused: report this as a bug",
    "jwt_verification": "the token's signature was refused: look at the secret key",
    "expired_access_key": "the access key has expired: make a new one, they last a year",
    "invalid_access_key": "the access key is unknown: look at the Secret",
    "no_authorization_token": "the request carried no token: report this as a bug",
    "no_authorization_ip": "the key may not be used from this address: add it to the key's list",
    "no_authorization_i_p": "the key may not be used from this address: add it to the key's list",
    "out_of_scope": "the key lacks a permission: it needs to view assets, and view and make orders",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An error answer.

    Attributes:
        status: HTTP status.
        name: Upbit's name of the error; empty if it gave none.
        message: Upbit's text.
    """

    status: int
    name: str
    message: str

    @classmethod
    def of(cls, status: int, content: bytes) -> "Refusal":
        """Return what an answer says; nothing but the status where it is not in Upbit's form."""
        try:
            error = json.loads(content)["error"]
            name, message = error.get("name", ""), error.get("message", "")
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
            name = message = ""
        # Public answers give the status as the name.
        name = name if isinstance(name, str) else ""
        return cls(status=status, name=name, message=str(message))

    def __str__(self) -> str:
        """Return it as the end of a sentence."""
        said = ": ".join(part for part in (self.name, self.message) if part)[:_LONGEST_TEXT]
        return f"status {self.status}{', ' + said if said else ''}"


def to_error(
    refusal: Refusal, *, asked: str, writes: bool, pause: timedelta | None = None
) -> DantaroError:
    """Return the error that a call ends with.

    Args:
        refusal: The answer.
        asked: The call, such as `POST /v1/orders`.
        writes: Whether the call may have changed something.
        pause: How long not to ask again, when Upbit limited the rate.

    Returns:
        `NotFoundError` for an order that Upbit does not have; else an error of the `Venue` port.
    """
    said = f"Upbit answered {asked} with {refusal}"
    named = _named(refusal, said, writes=writes)
    if named is not None:
        return named
    if refusal.status in {418, 429}:
        return RateLimitedError(said, retry_after=pause)
    if refusal.status == 401 and refusal.name != _NONCE_USED:
        return AuthenticationError(f"{said}: look at the key and the Secret")
    if writes:
        is_said = 400 <= refusal.status < 500 and refusal.name not in {"", _NONCE_USED}
        code = REFUSAL_UNKNOWN if is_said and refusal.status not in _UNSURE else None
        return OutcomeUnknownError(f"{said}: it may have happened, look it up", code=code)
    if _is_unlisted(refusal):
        return TransientError(f"{said}: the market is not listed (any more)", code=MARKET_GONE)
    return TransientError(said)


def _named(refusal: Refusal, said: str, *, writes: bool) -> DantaroError | None:
    name = refusal.name
    if refusal.status >= 500 or not name:
        return None  # a server that fails may name anything
    if name == "order_not_found":
        return NotFoundError(said, code="OrderNotFound")
    if name == "duplicated_identifier" and writes:
        return OutcomeUnknownError(f"{said}: the id was used before", code=DUPLICATE_ORDER)
    if name == "market_offline":
        return TransientError(
            f"{said}: Upbit is under maintenance; orders stay where they are, stops cannot be "
            "carried out",
            code=VENUE_OFFLINE,
        )
    if name in _KEYS:
        return AuthenticationError(f"{said}: {_KEYS[name]}")
    code = next((code for start, code in _REFUSED if name.startswith(start)), None)
    if code is None or refusal.status in {418, 429}:
        return None
    return VenueRefusedError(said, code=code) if writes else TransientError(said, code=code)


def _is_unlisted(refusal: Refusal) -> bool:
    """Return whether a public answer says that it does not know the code of the market."""
    return refusal.status == 404 and not refusal.name and "not found" in refusal.message.lower()
