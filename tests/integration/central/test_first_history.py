"""What is known at once: indicators of every interval, whatever the source."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.database.worker_store import SqlWorkerStore
from dantaro_central.adapters.sources.replay import ReplaySource
from dantaro_central.adapters.sources.simulated import SimulatedSource
from dantaro_central.core.candles import aggregate
from dantaro_central.ports import CandleSource
from dantaro_central.services.collection import CollectionService
from dantaro_crds.kit.clock import SystemClock
from dantaro_crds.values import Interval
from tests.support.candles import START, simulated_hours, simulated_minutes, write_candles
from tests.support.live_worker import LiveWorker, live_worker, venue_candles
from tests.support.upbit_public import upbit_public

pytestmark = pytest.mark.integration

FROM = START + timedelta(days=5)
SHORT = {"5m", "15m", "30m"}
LONG = {"60m", "240m", "1d"}


def simulated(_: Path) -> CandleSource:
    """Make markets up."""
    return SimulatedSource(seed=1, symbols=("KRW-BTC",), start=FROM, clock=SystemClock())


def recorded_minutes(folder: Path) -> CandleSource:
    """Record five days of minutes before the start, and hours."""
    write_candles(folder, "KRW-BTC", Interval.M1, simulated_minutes("KRW-BTC", 5 * 1440 + 9))
    hours = simulated_hours("KRW-BTC", 2400, until=FROM)
    write_candles(folder, "KRW-BTC", Interval.M60, hours)
    return ReplaySource(folder=folder, symbols=(), start=FROM, clock=SystemClock())


def recorded_fives(folder: Path) -> CandleSource:
    """Record minutes from the start on, and candles of 5 minutes before it."""
    minutes = simulated_minutes("KRW-BTC", 5 * 1440)
    fives = aggregate(minutes, Interval.M5, until=FROM)
    write_candles(folder, "KRW-BTC", Interval.M5, fives)
    write_candles(folder, "KRW-BTC", Interval.M1, simulated_minutes("KRW-BTC", 9, start=FROM))
    return ReplaySource(folder=folder, symbols=(), start=None, clock=SystemClock())


@pytest.mark.parametrize(
    ("make", "want"),
    [
        pytest.param(simulated, SHORT | LONG, id="simulated"),
        pytest.param(recorded_minutes, SHORT | {"60m", "240m"}, id="recorded-minutes"),
        pytest.param(recorded_fives, SHORT, id="recorded-fives"),
    ],
)
async def test_the_first_analysis_has_every_interval_that_the_source_knows(
    tmp_path: Path, make: Callable[[Path], CandleSource], want: set[str]
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/central.db")
    migrate(engine)
    store = SqlWorkerStore(engine)
    await CollectionService(make(tmp_path), store, store).start()
    with engine.connect() as connection:
        found = connection.exec_driver_sql("SELECT interval, body FROM indicators").all()
    engine.dispose()
    assert {interval for interval, body in found if "rsi14" in json.loads(body)["values"]} == want


async def test_a_live_market_has_the_short_intervals_once_it_is_traded(tmp_path: Path) -> None:
    told = venue_candles(1, 1)
    minutes = simulated_minutes("KRW-BTC", 7 * 1440, start=START - timedelta(days=7))
    for symbol in ("KRW-T0", "KRW-A0"):
        for interval in (Interval.M5, Interval.M15, Interval.M30):
            path = f"minutes/{interval.span // timedelta(minutes=1)}"
            told[symbol, path] = aggregate(minutes, interval, until=START)
    with upbit_public(told) as upbit:
        async with live_worker(tmp_path, upbit) as worker:
            await worker.collection.start()
            await worker.admit_all()
            assert complete(worker) == {("KRW-T0", name) for name in SHORT} | {
                ("KRW-T0", "60m"),
                ("KRW-A0", "60m"),
            }


def complete(worker: LiveWorker) -> set[tuple[object, object]]:
    """Return markets and intervals with an RSI."""
    rows = worker.rows("indicators")
    return {(row[0], row[1]) for row in rows if "rsi14" in json.loads(str(row[3]))["values"]}
