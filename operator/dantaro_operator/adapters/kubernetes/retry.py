"""When a call is made again, and after which pause."""

from dataclasses import dataclass

from dantaro_crds.errors import RateLimitedError, TransientError
from dantaro_crds.kit.backoff import Backoff

__all__ = ["NEVER", "UNREACHABLE", "RetryPolicy"]

UNREACHABLE = "Unreachable"
"""Code of an error where no connection came to be, so that nothing was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How stubborn a client is.

    Attributes:
        attempts: At most so many in all, >= 1.
        first: First pause, seconds; each next one is twice as long, less a random quarter.
        longest: Longest pause of our own, seconds.
        patience: Longest pause that the server may ask for, seconds; more ends the call.
    """

    attempts: int = 5
    first: float = 0.2
    longest: float = 5.0
    patience: float = 30.0

    def backoff(self) -> Backoff:
        """Return the pauses of one call."""
        return Backoff(first=self.first, longest=self.longest)

    def pause(
        self, error: TransientError, backoff: Backoff, *, attempt: int, repeatable: bool
    ) -> float | None:
        """Return the pause before the next attempt, seconds; None if there is none.

        Args:
            error: How the attempt ended.
            backoff: The call's own.
            attempt: Number of the attempt that failed, from 1.
            repeatable: Whether doing it twice is the same as doing it once.
        """
        was_not_done = isinstance(error, RateLimitedError) or error.code == UNREACHABLE
        if attempt >= self.attempts or not (repeatable or was_not_done):
            return None
        asked = error.retry_after.total_seconds() if error.retry_after is not None else 0.0
        return None if asked > self.patience else max(asked, backoff.next())


NEVER = RetryPolicy(attempts=1)
"""For a caller that tries again by itself."""
