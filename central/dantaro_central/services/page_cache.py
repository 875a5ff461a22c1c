"""Remembers answers, so that thousands of bots that ask for the same cost one read.

What is remembered holds for one state of the market: the whole is forgotten as soon as market time
has moved, and every few seconds in any case, since a decision may come later than the candles it is
of. While the database is gone, what is remembered is served on; its age is in the answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Protocol, TypeVar

from dantaro_central.services.pages import Page
from dantaro_crds.errors import TransientError
from dantaro_crds.kit.clock import Clock

__all__ = ["PageCache", "Run"]

_T = TypeVar("_T")

_FRESH_SECONDS = 0.05
"""How long the state counts as known without another look. The loop looks every 20 ms."""

_LIFE_SECONDS = 5.0
"""How long anything is remembered though market time stands still."""

_PAUSE_SECONDS = 1.0
"""How long the database is left alone after it did not answer."""

_MAX_BYTES = 8 * 1024 * 1024
_ENTRY_BYTES = 400
"""Of an entry beside its text, roughly."""


class Run(Protocol):
    """Runs a call that reads the database, on this thread or on another."""

    def __call__(self, call: Callable[[], _T], /) -> Awaitable[_T]:
        """Return what the call returns."""
        ...


class PageCache:
    """Pages by what was asked for."""

    def __init__(self, load_state: Callable[[], Hashable], clock: Clock, *, run: Run) -> None:
        """Choose what a page depends on.

        Args:
            load_state: Reads what changes whenever pages change.
            clock: Monotonic time.
            run: Runs calls that read.
        """
        self._load_state = load_state
        self._clock = clock
        self._run = run
        self._pages: dict[Hashable, Page] = {}
        self._bytes = 0
        self._state: Hashable = None
        self._born = 0.0
        self._known_until = float("-inf")
        self._renewing = asyncio.Lock()
        self._making: dict[Hashable, asyncio.Future[Page]] = {}
        self._asked = asyncio.Event()

    def find(self, key: Hashable) -> Page | None:
        """Return a page if it is remembered and the state of the market is known."""
        if self._clock.monotonic() > self._known_until:
            return None
        self._asked.set()
        return self._pages.get(key)

    async def get(self, key: Hashable, make: Callable[[], Page]) -> Page:
        """Return a page, made if it is not remembered; those who ask at once share one making.

        Args:
            key: What is asked for.
            make: Reads the database.

        Raises:
            DantaroError: What `make` raises.
        """
        if self._clock.monotonic() > self._known_until:
            await self.renew()
        self._asked.set()
        if (page := self._pages.get(key)) is not None:
            return page
        if (making := self._making.get(key)) is not None:
            return await asyncio.shield(making)
        state = self._state
        making = self._making[key] = asyncio.get_running_loop().create_future()
        try:
            page = await self._run(make)
        except BaseException as error:
            stopped = TransientError("central is stopping: try again in a moment")
            making.set_exception(error if isinstance(error, Exception) else stopped)
            making.exception()  # nobody else may be waiting: it is not to be logged as unseen
            raise
        else:
            making.set_result(page)
        finally:
            del self._making[key]
        if state == self._state:
            self.remember(key, page)
        return page

    def remember(self, key: Hashable, page: Page) -> None:
        """Keep a page until the state changes; the oldest make room."""
        if key in self._pages:
            return
        self._pages[key] = page
        self._bytes += len(page.body) + _ENTRY_BYTES
        while self._bytes > _MAX_BYTES:
            oldest = next(iter(self._pages))
            self._bytes -= len(self._pages.pop(oldest).body) + _ENTRY_BYTES

    async def wait_for_request(self) -> None:
        """Return as soon as somebody has asked since the last call."""
        await self._asked.wait()
        self._asked.clear()

    async def renew(self) -> None:
        """Look at the state; forget everything if it has changed."""
        asked = self._clock.monotonic()
        async with self._renewing:
            if self._known_until - _FRESH_SECONDS > asked:
                return
            try:
                state = await self._run(self._load_state)
            except TransientError:
                self._known_until = self._clock.monotonic() + _PAUSE_SECONDS
                return
            now = self._clock.monotonic()
            self._known_until = now + _FRESH_SECONDS
            if state != self._state or now - self._born > _LIFE_SECONDS:
                self._pages.clear()
                self._bytes, self._born, self._state = 0, now, state
