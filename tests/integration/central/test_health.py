"""What the health says of a worker that is silent or in trouble."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dantaro_central.adapters.database.api_reader import SqlMarketReader
from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.key_store import SqlHeartbeatStore
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.database.worker_store import SqlWorkerStore
from dantaro_central.adapters.sources.simulated import SimulatedSource
from dantaro_central.errors import NotReadyError
from dantaro_central.ports import Heartbeat
from dantaro_central.services.collection import CollectionService
from dantaro_central.services.market_data import MarketDataService
from tests.support.candles import START

pytestmark = pytest.mark.integration


class StillClock:
    """Stands at START."""

    def now(self) -> datetime:
        return START

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        del seconds


@pytest.mark.parametrize(
    ("age_seconds", "message", "want"),
    [
        pytest.param(5, "ok", "ok", id="well"),
        pytest.param(
            61, "ok", "the worker gave no sign of life since 2025-08-31T23:58:59Z", id="silent"
        ),
        pytest.param(5, "the source does not answer", "the source does not answer", id="trouble"),
    ],
)
async def test_the_worker_is_heard(
    tmp_path: Path, age_seconds: int, message: str, want: str
) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/central.db")
    migrate(engine)
    store, beats = SqlWorkerStore(engine), SqlHeartbeatStore(engine)
    source = SimulatedSource(seed=1, symbols=("KRW-BTC",), start=START, clock=StillClock())
    await CollectionService(source, store, store).start()
    beats.save_heartbeat(Heartbeat(time=START - timedelta(seconds=age_seconds), message=message))
    service = MarketDataService(
        SqlMarketReader(engine), beats, StillClock(), version="1", source="simulated"
    )
    assert service.health().status == want


async def test_before_the_first_start_nothing_is_served(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/central.db")
    service = MarketDataService(
        SqlMarketReader(engine),
        SqlHeartbeatStore(engine),
        StillClock(),
        version="1",
        source="simulated",
    )
    assert not service.is_ready()
    assert service.health().source.name == "simulated"
    migrate(engine)
    assert not service.is_ready()
    assert service.health().status == "starting: no market is stored yet"
    with pytest.raises(NotReadyError):
        service.markets()
