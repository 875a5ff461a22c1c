"""Exact arithmetic with money, whatever decimal context the caller has set."""

from collections.abc import Callable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)
from functools import wraps
from typing import ParamSpec, TypeVar

__all__ = ["EXACT", "exact"]

P = ParamSpec("P")
R = TypeVar("R")

EXACT = Context(
    prec=60,
    rounding=ROUND_HALF_EVEN,
    traps=[InvalidOperation, DivisionByZero, Overflow],
)
"""Wide enough that sums and products of money never round.

A price has at most 8 decimals, a volume 8, a fee rate 4: 20 decimals in all. That leaves 40 digits
before the point.
"""


def exact(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function so that it runs with 60 digits and leaves the caller's context alone."""

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with localcontext(EXACT):
            return function(*args, **kwargs)

    return run
