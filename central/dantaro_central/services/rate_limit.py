"""How many requests a key may send in a span of time.

Windows are fixed: each key's begins at a second of its own, so that not all keys start anew at
once. Every process counts in memory; `share` adds what it counted to a common store and learns
what the others counted, so no request waits for that store, and without it each process alone
holds the limit.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from dantaro_central.errors import TooManyRequestsError
from dantaro_central.ports import SharedCounts
from dantaro_crds.errors import TransientError
from dantaro_crds.kit.clock import Clock

__all__ = ["RateLimiter"]


@dataclass(slots=True)
class _Count:
    """Requests of one key in one window: here, told to the common store, and by the others."""

    window: int
    own: int = 0
    told: int = 0
    others: int = 0


class RateLimiter:
    """Counts requests by key.

    Args:
        requests: Most in one window.
        seconds: Length of a window.
        clock: Wall time, so that all processes see the same window.
    """

    def __init__(self, *, requests: int, seconds: int, clock: Clock) -> None:
        self._requests = requests
        self._seconds = seconds
        self._clock = clock
        self._counts: dict[str, _Count] = {}

    def take(self, sha256: str, *, cost: int = 1) -> None:
        """Count a request of a key; one that is refused is not counted.

        Args:
            sha256: Of the key, hexadecimal.
            cost: How many requests it stands for.

        Raises:
            TooManyRequestsError: Says when the next window begins.
        """
        now = self._clock.now().timestamp() + int(sha256[:8], 16) % self._seconds
        window = int(now // self._seconds)
        count = self._counts.get(sha256)
        if count is None or count.window != window:
            count = self._counts[sha256] = _Count(window)
        used = count.own + count.others
        if used + cost > self._requests:
            raise TooManyRequestsError(
                limit=self._requests,
                seconds=self._seconds,
                remaining=max(self._requests - used, 0),
                retry_after=timedelta(seconds=math.ceil((window + 1) * self._seconds - now)),
            )
        count.own += cost

    async def share(self, store: SharedCounts) -> None:
        """Tell the common store what was counted since the last call, and learn of the others.

        Raises:
            TransientError: The store cannot be reached. What it may have heard is not told again:
                a request could count twice, and the client would be refused for nothing.
        """
        changed = {
            f"{sha256[:32]}:{count.window}": count
            for sha256, count in self._counts.items()
            if count.own > count.told
        }
        fresh = {name: count.own - count.told for name, count in changed.items()}
        for count in changed.values():
            count.told = count.own
        try:
            sums = await store.add(fresh)
        except TransientError:
            for count in changed.values():
                count.others = 0
            raise
        for name, total in sums.items():
            changed[name].others = max(total - changed[name].told, 0)
