"""Central's branches of the error tree."""

from datetime import timedelta

from dantaro_crds.errors import ConflictError, NotFoundError, RateLimitedError, TransientError

__all__ = [
    "DatabaseDownError",
    "NotReadyError",
    "SourceChangedError",
    "SymbolUnknownError",
    "TooManyRequestsError",
    "WorkerRunningError",
]


class SourceChangedError(ConflictError):
    """The database holds the market of another source than the one asked for."""


class WorkerRunningError(ConflictError):
    """Another worker holds the database."""


class SymbolUnknownError(NotFoundError):
    """Central has no candles of a market."""


class NotReadyError(TransientError):
    """The worker has not stored a market yet."""


class DatabaseDownError(TransientError):
    """The database does not answer."""


class TooManyRequestsError(RateLimitedError):
    """A key sent more requests than it may.

    Attributes:
        limit: Most requests in one window.
        remaining: How many are left of it.
    """

    def __init__(self, *, limit: int, seconds: int, remaining: int, retry_after: timedelta) -> None:
        pause = int(retry_after.total_seconds())
        super().__init__(
            f"expected at most {limit} requests in {seconds} s from one key, {remaining} are left: "
            f"try again in {pause} s",
            retry_after=retry_after,
            code="RateLimited",
        )
        self.limit = limit
        self.remaining = remaining
