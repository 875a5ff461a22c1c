"""What the API does beside answering: it reads keys again, and shares counts."""

from datetime import timedelta

import structlog

from dantaro_central.metrics import Metrics
from dantaro_central.ports import SharedCounts
from dantaro_central.services.keys import KeyService
from dantaro_central.services.page_cache import PageCache
from dantaro_central.services.rate_limit import RateLimiter
from dantaro_crds.errors import TransientError
from dantaro_crds.kit.clock import Clock

__all__ = ["KeyLoop", "SharingLoop", "StateLoop"]

_KEYS_EVERY = timedelta(seconds=10)
_SHARE_EVERY = timedelta(milliseconds=200)
_STATE_EVERY = timedelta(milliseconds=20)

_log = structlog.get_logger()


class KeyLoop:
    """Makes a withdrawn key count no longer."""

    def __init__(self, keys: KeyService, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock

    async def run(self) -> None:
        """Read the keys again and again; while the database is gone those of before count."""
        while True:
            try:
                await self._keys.refresh()
            except TransientError as error:
                _log.warning("keys are not read again", error=error.message)
            await self._clock.sleep(_KEYS_EVERY.total_seconds())


class SharingLoop:
    """Keeps one limit for all processes while the common store is there."""

    def __init__(
        self, limiter: RateLimiter, store: SharedCounts, clock: Clock, metrics: Metrics
    ) -> None:
        self._limiter = limiter
        self._store = store
        self._clock = clock
        self._metrics = metrics

    async def run(self) -> None:
        """Share again and again; tell once when the store goes and once when it is back."""
        was_there = True
        while True:
            try:
                await self._limiter.share(self._store)
            except TransientError as error:
                if was_there:
                    _log.warning("limits hold for this process alone", error=error.message)
                was_there = False
            else:
                if not was_there:
                    _log.info("limits are shared again")
                was_there = True
            self._metrics.limits_shared.set(was_there)
            await self._clock.sleep(_SHARE_EVERY.total_seconds())


class StateLoop:
    """Keeps the page cache on the newest market time while somebody asks."""

    def __init__(self, pages: PageCache, clock: Clock) -> None:
        self._pages = pages
        self._clock = clock

    async def run(self) -> None:
        """Look at market time again and again; without requests look at nothing."""
        while True:
            await self._pages.wait_for_request()
            await self._pages.renew()
            await self._clock.sleep(_STATE_EVERY.total_seconds())
