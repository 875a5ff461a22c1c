"""What a venue tells beside candles: order books and warnings."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dantaro_central.adapters.database.api_reader import SqlMarketReader
from dantaro_central.adapters.database.key_store import SqlHeartbeatStore
from dantaro_central.services.market_data import MarketDataService
from dantaro_crds.values import Interval
from tests.support.live_worker import LiveWorker, live_worker, venue_candles
from tests.support.upbit_public import UpbitPublic, upbit_public

pytestmark = pytest.mark.integration


@pytest.fixture
def upbit() -> Iterator[UpbitPublic]:
    """Serve a market to trade and one to analyse, which the venue warns of."""
    with upbit_public(venue_candles(1, 1)) as server:
        server.events["KRW-A0"] = {
            "warning": True,
            "caution": {"PRICE_FLUCTUATIONS": True, "TRADING_VOLUME_SOARING": False},
        }
        yield server


def order_book(worker: LiveWorker, symbol: str) -> object:
    """Return what the API answers of the order book of a market."""
    service = MarketDataService(
        SqlMarketReader(worker.engine),
        SqlHeartbeatStore(worker.engine),
        worker.clock,
        version="0",
        source="upbit",
    )
    return json.loads(service.indicators(symbol, Interval.M60).body)["orderBook"]


async def test_pressure_and_spread_of_a_traded_market_are_told_with_their_time(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.admit_all()
        assert order_book(worker, "KRW-T0") is None
        await worker.collection.fetch_prices()
        # 2 to buy against 1.5 to sell at one price.
        assert order_book(worker, "KRW-T0") == {
            "time": "2025-09-01T09:59:00Z",
            "pressure": "0.1429",
            "spread": "0",
        }
        assert order_book(worker, "KRW-A0") is None


async def test_scores_know_the_spread_and_what_the_venue_warns_of(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.admit_all()
        await worker.collection.fetch_prices()
        await worker.go_to(5)
        assert told(worker) == {"KRW-A0": [None, True, 1], "KRW-T0": [0.0, False, 0]}
        upbit.events.clear()
        await worker.collection.list_again()
        await worker.go_to(10)
        assert told(worker)["KRW-A0"] == [None, False, 0]


def told(worker: LiveWorker) -> dict[str, list[object]]:
    """Return spread, warning and cautions of the newest samples."""
    ((_, _, body),) = worker.rows("market_samples")
    return {row[0]: row[-3:] for row in json.loads(str(body))}
