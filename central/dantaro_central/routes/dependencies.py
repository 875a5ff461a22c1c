"""What several routers ask of a request."""

from typing import Annotated

from pydantic import BeforeValidator

from dantaro_crds.values import UtcTime

__all__ = ["API_PREFIX", "Since"]

API_PREFIX = "/api/v1"
"""Set on each router itself: a route then knows its whole path, which labels its metrics."""


def _as_sent(value: object) -> object:
    """Read a `+` that the query string made a space: `...T00:00:00+00:00` is often sent bare."""
    return value.replace(" ", "+") if isinstance(value, str) else value


Since = Annotated[UtcTime, BeforeValidator(_as_sent)]
"""A time in a query string."""
