"""Brings market time forward until it is stopped."""

from contextlib import suppress
from datetime import timedelta

import structlog

from dantaro_central.core.market_clock import MarketClock, Pace
from dantaro_central.errors import DatabaseDownError
from dantaro_central.metrics import Metrics
from dantaro_central.ports import Heartbeat, HeartbeatStore
from dantaro_central.services.collection import CollectionService
from dantaro_crds.errors import TransientError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import utc_text

__all__ = ["WorkerLoop"]

_HEARTBEAT_EVERY = timedelta(seconds=5)
_IDLE_SECONDS = 1.0

_TURNS_OF_A_REQUEST = 6
"""Turns of the event loop from a request's arrival to its answer."""

_log = structlog.get_logger()


class WorkerLoop:
    """Starts the collection, then steps it as the pace asks."""

    def __init__(
        self,
        collection: CollectionService,
        heartbeats: HeartbeatStore,
        *,
        pace: Pace,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._collection = collection
        self._heartbeats = heartbeats
        self._pace = pace
        self._clock = clock
        self._metrics = metrics
        self._backoff = Backoff(first=1.0, longest=60.0)
        self._last = Heartbeat(time=clock.now() - _HEARTBEAT_EVERY, message="")

    async def run(self) -> None:
        """Work until cancelled."""
        market: MarketClock | None = None
        while True:
            try:
                before, market = market, await self._turn(market)
            except TransientError as error:
                if isinstance(error, DatabaseDownError):
                    # Memory may be ahead of what is stored.
                    market = None
                await self._wait_out(error)
                continue
            self._backoff.reset()
            self._beat("ok")
            self._report(before, market)
            await self._rest(before, market)

    async def _turn(self, market: MarketClock | None) -> MarketClock:
        began = self._clock.monotonic()
        job = "start" if market is None else "collect"
        try:
            if market is None:
                after = await self._collection.start()
            else:
                due = self._pace.due(cursor=market.cursor, now=self._clock.now(), monotonic=began)
                after = await self._collection.advance(due)
        except TransientError:
            self._metrics.job_failures.labels(job).inc()
            raise
        if after != market:
            self._metrics.job_seconds.labels(job).observe(self._clock.monotonic() - began)
            self._metrics.job_successes.labels(job).inc()
            self._metrics.market_time.set(after.cursor.timestamp())
        return after

    async def _rest(self, before: MarketClock | None, after: MarketClock) -> None:
        if after.ended:
            await self._clock.sleep(_IDLE_SECONDS)
        elif after == before:
            await self._clock.sleep(self._pace.pause())
        else:
            # There may be more to do at once, but the API answers first.
            for _ in range(_TURNS_OF_A_REQUEST):
                await self._clock.sleep(0)

    async def _wait_out(self, error: TransientError) -> None:
        pause = self._backoff.next()
        if error.retry_after is not None:
            pause = max(pause, error.retry_after.total_seconds())
        _log.warning("source unavailable", reason=error.code, error=error.message, pause=pause)
        self._beat(f"the source does not answer, trying again: {error.message}")
        await self._clock.sleep(pause)

    def _beat(self, message: str) -> None:
        now = self._clock.now()
        if message != self._last.message or now - self._last.time >= _HEARTBEAT_EVERY:
            self._last = Heartbeat(time=now, message=message)
            with suppress(DatabaseDownError):
                self._heartbeats.save_heartbeat(self._last)

    @staticmethod
    def _report(before: MarketClock | None, after: MarketClock) -> None:
        if before is None:
            _log.info(
                "market started",
                source=str(after.source),
                start=utc_text(after.start),
                market_time=utc_text(after.cursor),
            )
        if after.ended and not (before and before.ended):
            _log.info("source ended", market_time=utc_text(after.cursor))
