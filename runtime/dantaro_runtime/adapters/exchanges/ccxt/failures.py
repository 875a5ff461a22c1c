"""What ccxt's errors mean: by the exchange's own words first, then by the status, then by class.

ccxt's plain `ExchangeError` says nothing of what happened, so a write that got it is unknown.
"""

import re
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
from dantaro_runtime.adapters.exchanges.ccxt.profiles import Profile
from dantaro_runtime.ports import (
    DUPLICATE_ORDER,
    INSUFFICIENT_FUNDS,
    MARKET_GONE,
    REFUSAL_UNKNOWN,
    VENUE_OFFLINE,
)

__all__ = ["Failure", "class_names", "to_error"]

_LONGEST_TEXT = 160
"""Cut last of all: a secret that was cut in two would not be found any more."""

_UNSURE = {408, 409, 418, 425, 429}
"""Statuses of refusals that somebody between us and the exchange may have given."""

_DUPLICATE = re.compile(r"duplicat|already exists?\b|has been used", re.IGNORECASE)

_REFUSED = {"InsufficientFunds": INSUFFICIENT_FUNDS, "InvalidOrder": "OrderInvalid"}
"""Class of ccxt -> our code, of refusals after which no order exists."""


def class_names(error: BaseException) -> frozenset[str]:
    """Return the names of an error's class and of those above it."""
    return frozenset(kind.__name__ for kind in type(error).__mro__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that did not go well.

    Attributes:
        asked: The call, such as `POST /api/v1/orders`.
        writes: Whether it may have changed something.
        is_sent: Whether anything was sent that could.
        status: HTTP status; None without an answer.
        text: The answer's body.
        hidden: Values that no text may quote.
        kinds: Names of the error's classes.
        pause: How long not to ask again, when the rate was limited.
    """

    asked: str
    writes: bool
    is_sent: bool
    status: int | None
    text: str
    hidden: tuple[str, ...]
    kinds: frozenset[str]
    pause: timedelta | None = None

    @property
    def said(self) -> str:
        """Return the answer in one line, without what may be secret."""
        text = " ".join(self.text.split())
        for secret in self.hidden:
            text = text.replace(secret, "***")
        return text[:_LONGEST_TEXT]


def to_error(failure: Failure, profile: Profile) -> DantaroError:
    """Return the error that a call ends with.

    Returns:
        `NotFoundError` for an order that the exchange does not have; else an error of the `Venue`
        port.
    """
    kind = ", ".join(sorted(failure.kinds & {"TypeError", "KeyError", "ValueError"}))
    said = f"{profile.title} answered {failure.asked} with {failure.status}: {failure.said}"
    if kind:
        said = f"{profile.title}'s answer to {failure.asked} makes no sense ({kind})"
    if failure.writes and not failure.is_sent and failure.status is None:
        return VenueRefusedError(
            f"ccxt cannot send this order to {profile.title}: nothing was sent", code="OrderInvalid"
        )
    if failure.pause is not None:
        return RateLimitedError(said, retry_after=failure.pause)
    named = _by_words(failure, profile, said) or _by_kind(failure, said)
    if named is not None:
        return named
    return _unknown(failure, said) if failure.writes else TransientError(said)


def _is_answered(failure: Failure) -> bool:
    """Return whether the exchange itself has answered; a server that fails may say anything."""
    return failure.status is not None and failure.status < 500


def _by_words(failure: Failure, profile: Profile, said: str) -> DantaroError | None:
    if not _is_answered(failure) or failure.status in _UNSURE:
        return None
    text = failure.text
    if any(word in text for word in profile.unsure):
        return _unknown(failure, said) if failure.writes else TransientError(said)
    if any(word in text for word in profile.offline):
        return TransientError(f"{said}: it is under maintenance", code=VENUE_OFFLINE)
    is_error = failure.status is not None and (failure.status >= 400 or bool(failure.kinds))
    if failure.writes and is_error and _DUPLICATE.search(text):
        return OutcomeUnknownError(f"{said}: the id was used before", code=DUPLICATE_ORDER)
    code = next((code for word, code in profile.refused if word in text), None)
    if code is None:
        return None
    return VenueRefusedError(said, code=code) if failure.writes else TransientError(said, code=code)


def _by_kind(failure: Failure, said: str) -> DantaroError | None:
    if not _is_answered(failure):
        return None
    if "OrderNotFound" in failure.kinds:
        return NotFoundError(said, code="OrderNotFound")
    if "BadSymbol" in failure.kinds and not failure.writes:
        return TransientError(f"{said}: the market is not listed (any more)", code=MARKET_GONE)
    if "DuplicateOrderId" in failure.kinds and failure.writes:
        return OutcomeUnknownError(f"{said}: the id was used before", code=DUPLICATE_ORDER)
    if "OnMaintenance" in failure.kinds:
        return TransientError(f"{said}: it is under maintenance", code=VENUE_OFFLINE)
    if "AuthenticationError" in failure.kinds or failure.status == 401:
        return AuthenticationError(f"{said}: look at the key, its permissions and the Secret")
    code = next((code for kind, code in _REFUSED.items() if kind in failure.kinds), None)
    if code is None or failure.status in _UNSURE:
        return None
    return VenueRefusedError(said, code=code) if failure.writes else TransientError(said, code=code)


def _unknown(failure: Failure, said: str) -> OutcomeUnknownError:
    is_said = (
        _is_answered(failure)
        and failure.status not in _UNSURE
        and "ExchangeError" in failure.kinds
        and bool(failure.text)
    )
    return OutcomeUnknownError(
        f"{said}: it may have happened, look it up", code=REFUSAL_UNKNOWN if is_said else None
    )
