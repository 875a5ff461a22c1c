"""The scheduler of a live source."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.faults import tell_faults
from dantaro_central.adapters.database.key_store import SqlHeartbeatStore
from dantaro_central.adapters.database.live_store import SqlJobStore, SqlLiveStore, SqlWishStore
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.sources.upbit import UpbitSource
from dantaro_central.adapters.sources.upbit_client import UpbitClient
from dantaro_central.core.candles import floor_time
from dantaro_central.loops.live import LiveLoop
from dantaro_central.metrics import Metrics
from dantaro_central.services.candle_care import QualityService, RetentionService
from dantaro_central.services.live_collection import LiveCollection
from dantaro_crds.kit.clock import SystemClock
from tests.support.candles import simulated_hours, simulated_minutes
from tests.support.upbit_public import UpbitPublic, upbit_public

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)


class SlippingClock(SystemClock):
    """A machine whose wall clock jumps, told by what passes beside it."""

    def __init__(self) -> None:
        self.slip = 0.0

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        return super().monotonic() + self.slip


async def wait_for(upbit: UpbitPublic, path: str, count: int) -> None:
    """Wait until a path was asked for so often, and the last answer was taken in."""
    for _ in range(500):
        if sum(path in target for target in upbit.requests) >= count:
            await asyncio.sleep(0.3)
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"expected {count} calls of {path}, found {upbit.requests}")


async def test_every_job_runs_at_once_when_the_clock_jumped(tmp_path: Path) -> None:
    hour = floor_time(datetime.now(UTC), HOUR)
    told = {
        ("KRW-T0", "minutes/1"): simulated_minutes("KRW-BTC", 400, start=hour - 2 * HOUR),
        ("KRW-T0", "minutes/60"): simulated_hours("KRW-BTC", 60, until=hour),
        ("KRW-T0", "days"): [],
    }
    engine = open_engine(f"sqlite:///{tmp_path}/central.db")
    tell_faults(engine)
    migrate(engine)
    clock = SlippingClock()
    with upbit_public(told) as upbit:
        async with httpx.AsyncClient(base_url=upbit.url) as http:
            source = UpbitSource(
                UpbitClient(http, clock, calls_per_second=1000), symbols=("KRW-T0",)
            )
            store = SqlLiveStore(engine)
            collection = LiveCollection(source, store, SqlWishStore(engine))
            loop = LiveLoop(
                collection,
                source,
                QualityService(collection, source, store, clock),
                RetentionService(collection, store, clock, minutes_kept=timedelta(days=14)),
                heartbeats=SqlHeartbeatStore(engine),
                jobs=SqlJobStore(engine),
                clock=clock,
                metrics=Metrics(),
            )
            run = asyncio.create_task(loop.run())
            await wait_for(upbit, "orderbook", 1)
            before = sum("orderbook" in target for target in upbit.requests)
            clock.slip = 3600.0
            await wait_for(upbit, "orderbook", before + 1)
            run.cancel()
            with suppress(asyncio.CancelledError):
                await run
    with engine.connect() as connection:
        times = connection.scalars(text("SELECT time FROM candles WHERE interval = '1m'")).all()
    assert len(times) == len(set(times))
    assert max(times, default="") < datetime.now(UTC).isoformat()
    engine.dispose()
