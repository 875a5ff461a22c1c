"""Central's branches of the error tree."""

from dantaro_crds.errors import ConflictError, NotFoundError, TransientError

__all__ = ["NotReadyError", "SourceChangedError", "SymbolUnknownError", "WorkerRunningError"]


class SourceChangedError(ConflictError):
    """The database holds the market of another source than the one asked for."""


class WorkerRunningError(ConflictError):
    """Another worker holds the database."""


class SymbolUnknownError(NotFoundError):
    """Central has no candles of a market."""


class NotReadyError(TransientError):
    """The worker has not stored a market yet."""
