"""Runs the jobs of a live source by the clock.

| job | when | does |
|---|---|---|
| collect, analyse | second 2 of each minute | market time goes on; analyses every 5 minutes |
| prices | second 20 of each minute | last prices, order books |
| markets | every 5 s | takes up what bots asked for, then markets without history |
| mood | minute 6 of each hour | a public fear-and-greed index, if one is set |
| deep | minute 1 of each hour | the markets' list, 60-minute candles, late minutes, quality |
| retention | 00:30 | deletes what is old |
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import (  # type: ignore[import-untyped]
    AsyncIOScheduler,
)

from dantaro_central.core.candles import floor_time
from dantaro_central.core.market_clock import LivePace
from dantaro_central.core.market_state import ANALYSIS_EVERY
from dantaro_central.errors import DatabaseDownError
from dantaro_central.live_ports import JobOutcome, JobRun, JobStore, LiveSource, MoodSource
from dantaro_central.metrics import Metrics
from dantaro_central.ports import Heartbeat, HeartbeatStore
from dantaro_central.services.candle_care import QualityService, RetentionService
from dantaro_central.services.live_collection import LiveCollection
from dantaro_crds.errors import ConflictError, DantaroError, SafetyError, SpecError, TransientError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import utc_text

__all__ = ["LiveLoop"]

_HEARTBEAT_SECONDS = 5.0
_LOOK_SECONDS = 0.5
_JUMP = timedelta(seconds=30)

_ROUTINE = {"collect", "prices", "markets"}
"""Jobs whose runs are stored only when they failed."""

_FATAL = (SafetyError, ConflictError)

_log = structlog.get_logger()


class LiveLoop:
    """Owns the scheduler."""

    def __init__(
        self,
        collection: LiveCollection,
        source: LiveSource,
        quality: QualityService,
        retention: RetentionService,
        *,
        mood: MoodSource | None = None,
        heartbeats: HeartbeatStore,
        jobs: JobStore,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._collection = collection
        self._source = source
        self._quality = quality
        self._retention = retention
        self._mood = mood
        self._heartbeats = heartbeats
        self._jobs = jobs
        self._clock = clock
        self._metrics = metrics
        self._backoff = Backoff(first=1.0, longest=60.0)
        self._asked_pause = 0.0
        self._failures: dict[str, str] = {}
        self._bug: BaseException | None = None
        self._last_beat: tuple[float, str] | None = None

    async def run(self) -> None:
        """Work until cancelled.

        Raises:
            Exception: A bug, or another worker on the database.
        """
        while not await self._run("start", self._start):
            self._beat()
            await self._wait_out()
        self._backoff.reset()
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1}
        )
        self._schedule(scheduler)
        scheduler.start()
        try:
            await self._watch(scheduler)
        finally:
            scheduler.shutdown(wait=False)

    def _schedule(self, scheduler: Any) -> None:
        now = self._clock.now()

        def add(work: Callable[[], Awaitable[None]], grace: int, *, soon: int, **when: Any) -> None:
            first = now + timedelta(seconds=soon)
            scheduler.add_job(work, misfire_grace_time=grace, next_run_time=first, **when)

        add(self._collect, 55, soon=0, trigger="cron", second=2)
        add(self._markets, 60, soon=0, trigger="interval", seconds=5)
        add(self._prices, 30, soon=1, trigger="cron", second=20)
        if self._mood is not None:
            add(partial(self._hear, self._mood), 1800, soon=1, trigger="cron", minute=6)
        add(self._deep, 1800, soon=5, trigger="cron", minute=1)
        add(self._forget, 6 * 3600, soon=60, trigger="cron", hour=0, minute=30)

    async def _watch(self, scheduler: Any) -> None:
        """Give signs of life; when the wall clock jumps, let every job run at once."""
        wall, beat = self._clock.now(), self._clock.monotonic()
        while self._bug is None:
            self._beat()
            await self._clock.sleep(_LOOK_SECONDS)
            now, monotonic = self._clock.now(), self._clock.monotonic()
            if abs((now - wall) - timedelta(seconds=monotonic - beat)) > _JUMP:
                _log.warning("the clock of this machine jumped", before=str(wall), now=str(now))
                for job in scheduler.get_jobs():
                    job.modify(next_run_time=now)
            wall, beat = now, monotonic
        raise self._bug

    async def _start(self) -> str:
        clock = await self._collection.start()
        _log.info(
            "market started",
            source=str(clock.source),
            start=utc_text(clock.start),
            market_time=utc_text(clock.cursor),
        )
        return f"market time {utc_text(clock.cursor)}"

    async def _collect(self) -> None:
        while True:
            before = self._collection.market_time()
            due = LivePace().due(cursor=before, now=self._source.now(), monotonic=0.0)
            if due <= before:
                return
            analyses = floor_time(due, ANALYSIS_EVERY) > before

            async def step(due: datetime = due) -> str:
                after = await self._collection.advance(due)
                self._metrics.market_time.set(after.cursor.timestamp())
                return f"market time {utc_text(after.cursor)}"

            if await self._run("analyse" if analyses else "collect", step):
                self._backoff.reset()
                self._failures.pop("collect", None)
                self._failures.pop("analyse", None)
                await self._clock.sleep(0)
            else:
                await self._wait_out()

    async def _markets(self) -> None:
        is_more = True

        async def step() -> str:
            nonlocal is_more
            taken = await self._collection.take_up_wishes()
            is_more = await self._collection.admit_next()
            return f"{taken} taken up because a bot asked"

        while is_more and await self._run("markets", step):
            await self._clock.sleep(0)

    async def _prices(self) -> None:
        async def work() -> str:
            return f"prices of {await self._collection.fetch_prices()} markets"

        await self._run("prices", work)

    async def _deep(self) -> None:
        async def work() -> str:
            new, gone = await self._collection.list_again()
            hours = await self._collection.fetch_hours()
            late = await self._collection.read_again()
            bad = await self._quality.report()
            return (
                f"{new} new markets, {gone} gone, {hours} hours fetched, {late} minutes corrected, "
                f"{bad} reports with findings"
            )

        await self._run("deep", work)

    async def _hear(self, source: MoodSource) -> None:
        async def work() -> str:
            mood = await source.fetch()
            self._collection.hear(mood)
            return f"{mood.source} tells {mood.value} of {utc_text(mood.time)}"

        await self._run("mood", work)

    async def _forget(self) -> None:
        async def work() -> str:
            return f"{await self._retention.forget()} rows deleted"

        await self._run("retention", work)

    async def _run(self, job: str, work: Callable[[], Awaitable[str]]) -> bool:
        """Do one run of a job and tell of it; return whether it worked."""
        started, began = self._clock.now(), self._clock.monotonic()
        try:
            message, outcome = await work(), JobOutcome.SUCCEEDED
        except DantaroError as error:
            if isinstance(error, _FATAL) or (job == "start" and isinstance(error, SpecError)):
                self._bug = error
                raise
            message, outcome = error.message, JobOutcome.FAILED
            if isinstance(error, TransientError) and error.retry_after is not None:
                self._asked_pause = error.retry_after.total_seconds()
            _log.warning("job failed", job=job, reason=error.code, error=error.message)
            self._metrics.job_failures.labels(job).inc()
        except Exception as error:
            self._bug = error
            raise
        else:
            self._metrics.job_seconds.labels(job).observe(self._clock.monotonic() - began)
            self._metrics.job_successes.labels(job).inc()
        is_done = outcome is JobOutcome.SUCCEEDED
        before = self._failures.pop(job, None)
        if not is_done:
            self._failures[job] = message
        if job not in _ROUTINE if is_done else message != before:
            self._record(job, started, outcome, message)
        return is_done

    async def _wait_out(self) -> None:
        pause = max(self._backoff.next(), self._asked_pause)
        self._asked_pause = 0.0
        await self._clock.sleep(pause)

    def _record(self, job: str, started: datetime, outcome: JobOutcome, message: str) -> None:
        try:
            self._jobs.save_run(
                JobRun(
                    job=job,
                    started=started,
                    finished=self._clock.now(),
                    outcome=outcome,
                    message=message,
                )
            )
        except DatabaseDownError as error:
            _log.warning("a run is not stored", job=job, error=error.message)

    def _beat(self) -> None:
        problems = [
            f"the source does not answer, trying again: {text}" for text in self._failures.values()
        ]
        message = "; ".join([*problems, *self._collection.problems]) or "ok"
        now = self._clock.monotonic()
        last = self._last_beat
        if last is not None and last[1] == message and now - last[0] < _HEARTBEAT_SECONDS:
            return
        try:
            self._heartbeats.save_heartbeat(Heartbeat(time=self._clock.now(), message=message))
        except DatabaseDownError as error:
            _log.warning("no sign of life is stored", error=error.message)
            return
        if last is None or last[1] != message:
            _log.info("state", message=message)
        self._last_beat = now, message
