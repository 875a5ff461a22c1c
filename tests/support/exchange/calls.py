"""A request that was let through, and what routes answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

from tests.support.exchange.config import Scope
from tests.support.exchange.faults import Fault, FaultKind
from tests.support.exchange.orders import Refusal
from tests.support.exchange.pockets import Pocket
from tests.support.exchange.world import World

__all__ = ["Call", "Handler", "Route"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request.

    Attributes:
        params: The pairs of the query or of the body; a list where a name ends in `[]`.
        now: Market time.
        struck: The faults that it met.
        created_at: Market time as the venue will write it, with skew.
    """

    world: World
    params: Mapping[str, Any]
    now: datetime
    created_at: datetime
    struck: Mapping[FaultKind, Fault] = field(default_factory=dict)
    pocket_: Pocket | None = None

    @property
    def pocket(self) -> Pocket:
        """The pocket of a private call."""
        assert self.pocket_ is not None
        return self.pocket_

    def text(self, name: str) -> str | None:
        """Return a parameter; None where it is not there or empty."""
        value = self.params.get(name)
        return None if value in (None, "") else str(value)

    def need(self, name: str) -> str:
        """Return a parameter or refuse."""
        value = self.text(name)
        if value is None:
            self.wrong(name, "is missing")
        return value

    def number(self, name: str, default: int, *, most: int) -> int:
        """Return a whole number >= 1; above `most` it is `most`."""
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit() and int(text[:20]) > 0):
            self.wrong(name, f"is {text!r}")
        return min(int(text[:20]), most)

    def many(self, name: str) -> list[str]:
        """Return the values of `name[]`, or of `name` parted by commas."""
        values = self.params.get(f"{name}[]")
        if values is not None:
            return [str(value) for value in values]
        text = self.text(name)
        return text.split(",") if text else []

    def wrong(self, name: str, what: str) -> NoReturn:
        """Refuse a parameter."""
        raise Refusal(400, "invalid_parameter", f"{name} {what}")


Handler = Callable[[Call], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """A way into the exchange.

    Attributes:
        group: Of the rate limits.
        scope: What the key has to permit; None: public.
    """

    handler: Handler
    group: str
    scope: Scope | None = None
    status: int = 200
