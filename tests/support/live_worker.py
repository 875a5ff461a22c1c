"""A worker of a live source in this process: real source, real database, a clock set by hand."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
from sqlalchemy import Engine, text

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.faults import tell_faults
from dantaro_central.adapters.database.live_store import SqlLiveStore, SqlWishStore
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.sources.upbit import UpbitSource
from dantaro_central.adapters.sources.upbit_client import UpbitClient
from dantaro_central.core.candles import Candle, aggregate
from dantaro_central.services.live_collection import LiveCollection
from dantaro_crds.values import Interval
from tests.support.candles import START, simulated_hours, simulated_minutes
from tests.support.upbit_public import UpbitPublic

__all__ = ["HandClock", "LiveWorker", "http_date", "live_worker", "venue_candles"]

MINUTE = timedelta(minutes=1)


class HandClock:
    """Shows what it is set to; waiting passes time."""

    def __init__(self, now: datetime) -> None:
        self.time = now
        self.waited = 0.0

    def now(self) -> datetime:
        """Return the wall time."""
        return self.time

    def monotonic(self) -> float:
        """Return what was waited."""
        return self.waited

    async def sleep(self, seconds: float) -> None:
        """Wait at once."""
        self.waited += seconds


@dataclass(kw_only=True)
class LiveWorker:
    """The parts of one worker."""

    engine: Engine
    clock: HandClock
    source: UpbitSource
    store: SqlLiveStore
    collection: LiveCollection

    async def admit_all(self) -> None:
        """Take in every market."""
        while await self.collection.admit_next():
            pass

    async def go_to(self, minute: int) -> None:
        """Set the clock some seconds after a minute since `START` and collect up to it."""
        self.clock.time = START + minute * MINUTE + timedelta(seconds=5)
        due = START + minute * MINUTE
        while (await self.collection.advance(due)).cursor < due:
            pass

    def rows(self, table: str, where: str = "1=1") -> list[tuple[object, ...]]:
        """Return the rows of a table, sorted."""
        with self.engine.connect() as connection:
            found = connection.execute(text(f"SELECT * FROM {table} WHERE {where}"))
            return sorted(tuple(row) for row in found)


def venue_candles(
    traded: int, analysed: int, *, minutes: int = 600, hours: int = 250
) -> dict[tuple[str, str], list[Candle]]:
    """Return what a venue has of some markets: hours up to `START`, and what follows."""
    symbols = [f"KRW-T{n}" for n in range(traded)] + [f"KRW-A{n}" for n in range(analysed)]
    told: dict[tuple[str, str], list[Candle]] = {}
    model_minutes = simulated_minutes("KRW-BTC", minutes)
    model_hours = simulated_hours("KRW-BTC", hours) + aggregate(
        model_minutes, Interval.M60, until=START + minutes * MINUTE
    )
    for symbol in symbols:
        told[symbol, "minutes/1"] = list(model_minutes)
        told[symbol, "minutes/60"] = list(model_hours)
        told[symbol, "days"] = aggregate(model_hours, Interval.D1, until=START)
    return told


@asynccontextmanager
async def live_worker(
    folder: Path,
    upbit: UpbitPublic,
    *,
    traded: tuple[str, ...] = ("KRW-T0",),
    minute: int = 0,
) -> AsyncIterator[LiveWorker]:
    """Open a worker on a database in a folder; it is not started."""
    clock = HandClock(START + minute * MINUTE + timedelta(seconds=5))
    engine = open_engine(f"sqlite:///{folder}/central.db")
    tell_faults(engine)
    migrate(engine)
    async with httpx.AsyncClient(base_url=upbit.url) as http:
        source = UpbitSource(UpbitClient(http, clock), symbols=(), traded=traded)
        store = SqlLiveStore(engine)
        collection = LiveCollection(source, store, SqlWishStore(engine))
        yield LiveWorker(
            engine=engine, clock=clock, source=source, store=store, collection=collection
        )
    engine.dispose()


def http_date(time: datetime) -> str:
    """Return a time as the `Date` header has it."""
    return format_datetime(time, usegmt=True)
