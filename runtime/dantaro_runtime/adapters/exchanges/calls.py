"""What calls to every exchange have in common: patience, tries of a read, and no answer."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import httpx

from dantaro_crds.errors import DantaroError, OutcomeUnknownError, TransientError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock
from dantaro_runtime.ports import BANNED, MARKET_GONE, VENUE_OFFLINE

__all__ = ["TIMEOUT", "WHOLE_SECONDS", "no_answer", "read"]

TIMEOUT = httpx.Timeout(10.0, connect=3.0)
"""Patience with one request."""

WHOLE_SECONDS = 20.0
"""Patience with a request and with those before it on the same connection."""

_TRIES = 4
"""Tries of a read."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Errors before the first byte of a request."""

_LASTING = {VENUE_OFFLINE, MARKET_GONE, BANNED}
"""Codes of errors that a second try cannot cure."""

_T = TypeVar("_T")


async def read(ask: Callable[[], Awaitable[_T]], *, clock: Clock, rng: random.Random) -> _T:
    """Ask, up to four times, until an answer makes sense.

    Args:
        ask: One try.
        clock: Waiting between tries.
        rng: Source of the pauses' jitter.

    Raises:
        TransientError: No answer made sense, or another try could not help.
    """
    backoff = Backoff(first=0.25, longest=2.0, jitter=0.5, rng=rng)
    while True:
        try:
            return await ask()
        except TransientError as error:
            if backoff.failures + 1 >= _TRIES or error.code in _LASTING:
                raise
        await clock.sleep(backoff.next())


def no_answer(found: str, error: Exception, *, writes: bool) -> DantaroError:
    """Return the error of a request that got no answer.

    Args:
        found: Who did not answer what.
        error: What httpx or a timeout said.
        writes: Whether the request may have changed something.
    """
    found = f"{found}: {type(error).__name__}"
    if isinstance(error, _NOT_SENT):
        return TransientError(f"{found}, nothing was sent: {error}", code="VenueUnreachable")
    if writes:
        return OutcomeUnknownError(f"{found}: it may have happened, look it up")
    return TransientError(found)
