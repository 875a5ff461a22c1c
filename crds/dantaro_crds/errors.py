"""Root of the error tree and its shared branches.

    DantaroError(code, message)
    ├── SpecError               the author's move: the object is wrong
    ├── ConflictError           the author's move: name, symbol or budget is taken
    ├── NotFoundError           the author's move: what is named does not exist
    ├── TransientError          time's move: try again later
    │   └── RateLimitedError    time's move: the other side asks for a pause
    ├── AuthenticationError     the person on duty's move: a key is wrong; trying again cannot help
    ├── VenueRefusedError       the strategy's move: the exchange said no and meant it
    ├── OutcomeUnknownError     the reconciler's move: a write may have happened
    └── SafetyError             ours: an invariant broke; trade no more

Each process adds branches of its own in its `errors.py`. Core code raises `SpecError` only.
"""

from datetime import timedelta

__all__ = [
    "AuthenticationError",
    "ConflictError",
    "DantaroError",
    "NotFoundError",
    "OutcomeUnknownError",
    "RateLimitedError",
    "SafetyError",
    "SpecError",
    "TransientError",
    "VenueRefusedError",
]


class DantaroError(Exception):
    """Root of all our errors.

    Attributes:
        code: PascalCase reason, from the class name without `Error` unless given.
        message: One sentence: what was expected, what was found, what to do.
    """

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__.removesuffix("Error")


class SpecError(DantaroError):
    """An object's spec is wrong; `field` names the place as a dotted path, or is empty."""

    def __init__(self, message: str, *, field: str = "", code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.field = field


class ConflictError(DantaroError):
    """Something that can be held once is held by another."""


class NotFoundError(DantaroError):
    """A named thing does not exist."""


class TransientError(DantaroError):
    """It may work later; `retry_after` is the pause that the other side asked for, if any."""

    def __init__(
        self, message: str, *, retry_after: timedelta | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class RateLimitedError(TransientError):
    """The other side asks for fewer calls."""


class AuthenticationError(DantaroError):
    """A key was refused; repeating the call cannot help."""


class VenueRefusedError(DantaroError):
    """The exchange refused an order for good; the order does not exist."""


class OutcomeUnknownError(DantaroError):
    """A write may have happened; look it up before writing again."""


class SafetyError(DantaroError):
    """An invariant broke; no further trade is safe."""
