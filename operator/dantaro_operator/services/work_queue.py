"""Keys that need work: each once, never two workers on one, again later after a failure.

Events only add keys; what is to be done is read when the work begins. So a hundred events on one
account are one piece of work, and an event during the work is one more afterwards.
"""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from dantaro_crds.kit.backoff import Backoff

__all__ = ["WorkQueue"]

K = TypeVar("K")


class WorkQueue(Generic[K]):
    """A queue of distinct keys.

    Args:
        monotonic: Seconds that never go back.
        new_backoff: Gives the pauses of a key that failed.
    """

    def __init__(
        self, *, monotonic: Callable[[], float], new_backoff: Callable[[], Backoff]
    ) -> None:
        self._monotonic = monotonic
        self._new_backoff = new_backoff
        self._waiting: asyncio.Queue[K] = asyncio.Queue()
        self._since: dict[K, float] = {}
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._later: dict[K, asyncio.TimerHandle] = {}
        self._backoffs: dict[K, Backoff] = {}

    def __len__(self) -> int:
        """Return how many keys wait for a worker."""
        return self._waiting.qsize()

    @property
    def lag(self) -> float:
        """Seconds that the oldest key has waited for a worker."""
        oldest = next(iter(self._since.values()), None)
        return 0.0 if oldest is None else self._monotonic() - oldest

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nobody works; a later try does not count."""
        return not self._since and not self._working

    def add(self, key: K) -> None:
        """Ask for work on a key, now. Twice before it begins is the same as once."""
        if key in self._working:
            self._again.add(key)
        elif key not in self._since:
            self._since[key] = self._monotonic()
            self._waiting.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Ask for work on a key later; an earlier moment that was asked for stays."""
        loop = asyncio.get_running_loop()
        known = self._later.get(key)
        if known is not None and known.when() <= loop.time() + seconds:
            return
        if known is not None:
            known.cancel()
        self._later[key] = loop.call_later(seconds, self._due, key)

    async def take(self) -> K:
        """Wait for a key and return it; `done` or `failed` must follow."""
        key = await self._waiting.get()
        del self._since[key]
        self._working.add(key)
        return key

    def done(self, key: K) -> None:
        """Say that the work on a key succeeded."""
        self._backoffs.pop(key, None)
        self._end(key)

    def failed(self, key: K, *, pause: float | None = None) -> float:
        """Say that the work on a key failed: it is done again after a growing pause.

        Args:
            key: The key.
            pause: Seconds that the other side asked for; the longer of the two pauses counts.

        Returns:
            The pause, seconds.
        """
        backoff = self._backoffs.setdefault(key, self._new_backoff())
        seconds = max(backoff.next(), pause or 0.0)
        self._end(key)
        self.add_after(key, seconds)
        return seconds

    def forget(self, key: K) -> None:
        """Drop what is to come for a key that no longer exists."""
        self._backoffs.pop(key, None)
        if (timer := self._later.pop(key, None)) is not None:
            timer.cancel()

    def close(self) -> None:
        """Drop every timer."""
        for timer in self._later.values():
            timer.cancel()
        self._later.clear()

    def _due(self, key: K) -> None:
        self._later.pop(key, None)
        self.add(key)

    def _end(self, key: K) -> None:
        self._working.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
