"""Waiting on a condition: the one place in the tests that really sleeps."""

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["eventually"]

T = TypeVar("T")

_PAUSE_SECONDS = 0.02


def eventually(check: Callable[[], T], *, timeout: float = 20.0) -> T:
    """Return the first true answer of `check`; fail when there is none in time.

    An `AssertionError` or `OSError` of `check` counts as not yet, and is raised at the end.
    """
    give_up = time.monotonic() + timeout
    while True:
        try:
            answer = check()
        except (AssertionError, OSError):
            if time.monotonic() > give_up:
                raise
        else:
            if answer:
                return answer
            assert time.monotonic() <= give_up, f"not true within {timeout} s: {answer!r}"
        time.sleep(_PAUSE_SECONDS)
