"""Decisions are made once for each closed candle, stored, and served with the analyses that they
count for.
"""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import event

from dantaro_central.adapters.analyst.openai import OpenAiAnalyst, open_client
from dantaro_central.adapters.database.api_reader import SqlMarketReader
from dantaro_central.adapters.database.decision_store import SqlDecisionStore
from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.faults import tell_faults
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.database.worker_store import SqlWorkerStore
from dantaro_central.adapters.sources.simulated import SimulatedSource
from dantaro_central.core.analyst.budget import Budget, Prices
from dantaro_central.core.analyst.decisions import MadeDecision
from dantaro_central.services.analyst import AnalystService, RulesService
from dantaro_central.services.collection import CollectionService
from dantaro_crds.values import Interval, parse_utc, utc_text
from dantaro_crds.wire.bundle import Decision
from tests.support.candles import START
from tests.support.eventually import eventually
from tests.support.openai_server import OpenAiServer, Reply, openai_server, says

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
SYMBOLS = ("KRW-BTC", "KRW-ETH")


class HandClock:
    """Stands where it was put; waiting moves it on."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class Central:
    """A worker's services over one database; market time is moved by hand."""

    def __init__(self, folder: Path, *, with_rules: bool) -> None:
        self.path = folder / "central.db"
        self.engine = open_engine(f"sqlite:///{self.path}")
        event.listen(self.engine, "connect", _wait_briefly)
        migrate(self.engine)
        self.store = SqlWorkerStore(self.engine)
        self.clock = HandClock()
        self.seen: list[MadeDecision] = []
        rules = RulesService(interval=Interval.M60, symbols=(), seen=self.seen.append)
        source = SimulatedSource(seed=1, symbols=SYMBOLS, start=START, clock=self.clock)
        self.collection = CollectionService(
            source, self.store, self.store, rules=rules if with_rules else None
        )

    async def advance(self, until: datetime) -> None:
        """Step until market time and wall time are `until`."""
        while (await self.collection.advance(until)).cursor < until:
            pass
        self.clock.time = until

    def rows(self) -> list[tuple[object, ...]]:
        """Return all stored decisions."""
        with sqlite3.connect(self.path) as connection:
            found = connection.execute("SELECT * FROM decisions ORDER BY symbol, data_until")
            rows = found.fetchall()
        connection.close()
        return rows

    def served(self, symbol: str = "KRW-BTC") -> dict[datetime, Decision]:
        """Return the decision of each analysis that has one."""
        last = utc_text(START + timedelta(days=9))
        with SqlMarketReader(self.engine).snapshot() as snapshot:
            rows = snapshot.analysis_rows(symbol, Interval.M60, first=utc_text(START), last=last)
        return {
            parse_utc(row.data_until): Decision.model_validate_json(row.decision)
            for row in rows
            if row.decision != "null"
        }


def _wait_briefly(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA busy_timeout=50").close()


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server() as model:
        yield model


@asynccontextmanager
async def analyst_of(
    central: Central,
    server: OpenAiServer,
    *,
    symbols: tuple[str, ...] = (),
) -> AsyncIterator[AnalystService]:
    """Open the service that asks the server's model."""
    async with open_client(url=server.url, key="", timeout=5) as client:
        model = OpenAiAnalyst(
            client,
            model="test-model",
            prices=Prices(prompt=Decimal(1), answer=Decimal(1)),
            budget=Budget(calls=100, dollars=Decimal(1)),
            timeout=5,
            clock=central.clock,
        )
        yield AnalystService(
            SqlDecisionStore(central.engine),
            central.store,
            model,
            central.clock,
            interval=Interval.M60,
            symbols=symbols,
            seen=central.seen.append,
        )


async def test_the_rules_decide_once_for_each_candle_whatever_the_steps_and_restarts(
    tmp_path: Path,
) -> None:
    (tmp_path / "whole").mkdir()
    (tmp_path / "stepped").mkdir()
    whole = Central(tmp_path / "whole", with_rules=True)
    await whole.collection.start()
    await whole.advance(START + 4 * HOUR)
    for minutes in (1, 59, 60, 64, 121, 180, 240):
        stepped = Central(tmp_path / "stepped", with_rules=True)
        await stepped.collection.start()
        await stepped.advance(START + minutes * MINUTE)
    assert stepped.rows() == whole.rows()
    candles = [row[:2] for row in whole.rows()]
    assert candles == [
        (symbol, utc_text(START + hours * HOUR)) for symbol in SYMBOLS for hours in range(5)
    ]
    assert len(whole.seen) == len(candles)


async def test_a_served_analysis_has_the_decision_of_its_last_closed_candle(tmp_path: Path) -> None:
    central = Central(tmp_path, with_rules=True)
    await central.collection.start()
    await central.advance(START + 130 * MINUTE)
    served = central.served()
    assert len(served) == 27  # every 5 minutes, both ends included
    for until, decision in served.items():
        hour = until.replace(minute=0)
        assert (decision.time, decision.valid_until) == (hour, hour + 1.25 * HOUR)
        assert (decision.model, decision.action in {"Buy", "Sell", "Hold"}) == ("rules", True)
        assert decision.reason


async def test_a_model_is_asked_once_for_each_market_and_candle(
    tmp_path: Path, server: OpenAiServer
) -> None:
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    async with analyst_of(central, server) as analyst:
        assert await analyst.run_once() == 2
        assert await analyst.run_once() == 0
        await central.advance(START + 30 * MINUTE)
        assert await analyst.run_once() == 0
        await central.advance(START + 60 * MINUTE)
        assert await analyst.run_once() == 2
    async with analyst_of(central, server) as again:
        assert await again.run_once() == 0
    told = [json.loads(request["messages"][1]["content"]) for request in server.requests]
    assert sorted((t["symbol"], t["candle"]) for t in told) == [
        (symbol, utc_text(START + hours * HOUR)) for symbol in SYMBOLS for hours in (-1, 0)
    ]
    for t in told:
        assert len(t["candles"]) == 24
        assert t["candles"][-1][0] == t["candle"]
        assert t["indicators"]["close"] == t["candles"][-1][4]


async def test_a_decision_of_a_model_counts_from_the_next_analysis_on(
    tmp_path: Path, server: OpenAiServer
) -> None:
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    async with analyst_of(central, server) as analyst:
        central.clock.time = START + timedelta(seconds=7.5)
        await analyst.run_once()
    before = central.served()
    await central.advance(START + 90 * MINUTE)
    served = central.served()
    assert before == {}
    assert (min(served), max(served)) == (START + 5 * MINUTE, START + 70 * MINUTE)
    assert {decision.time for decision in served.values()} == {START + timedelta(seconds=8)}


async def test_nobody_is_asked_about_a_candle_whose_decision_would_be_over(
    tmp_path: Path, server: OpenAiServer
) -> None:
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    central.clock.time = START + 75 * MINUTE
    async with analyst_of(central, server) as analyst:
        assert await analyst.run_once() == 0
    assert server.requests == []


async def test_a_failure_is_a_stored_hold_with_the_model_and_the_reason(
    tmp_path: Path, server: OpenAiServer
) -> None:
    server.usual = Reply(status=401)
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    async with analyst_of(central, server) as analyst:
        await analyst.run_once()
        assert await analyst.run_once() == 0
    row = central.rows()[0]
    assert row[2:5] == (
        "Hold",
        "0",
        "no advice of test-model: the server answered 401; check the key",
    )
    assert row[6:8] == ("test-model", "v1")
    assert len(server.requests) == 2


async def test_killed_before_an_answer_is_stored_it_is_asked_once_more(
    tmp_path: Path, server: OpenAiServer
) -> None:
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    async with analyst_of(central, server) as analyst:
        server.replies.extend([Reply(is_held=True), Reply(is_held=True)])
        run = asyncio.create_task(analyst.run_once())
        await asyncio.to_thread(eventually, lambda: len(server.requests) == 2)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    assert central.rows() == []
    async with analyst_of(central, server) as again:
        assert await again.run_once() == 2
        assert await again.run_once() == 0
    assert len(server.requests) == 4


async def test_the_cost_of_the_last_hour_is_known_after_a_restart(
    tmp_path: Path, server: OpenAiServer
) -> None:
    server.usual = says("Buy", 0.9)
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    async with analyst_of(central, server) as analyst:
        await analyst.run_once()
    store = SqlDecisionStore(central.engine)
    spent = store.load_spent(since=START - HOUR)
    assert [cost for _, cost in spent] == [Decimal("0.0011")] * 2
    assert store.load_spent(since=START + MINUTE) == []


async def test_an_answer_that_cannot_be_stored_is_kept_and_not_asked_for_again(
    tmp_path: Path, server: OpenAiServer
) -> None:
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    tell_faults(central.engine)
    other = sqlite3.connect(central.path, isolation_level=None)
    async with analyst_of(central, server, symbols=("KRW-BTC",)) as analyst:
        other.execute("BEGIN IMMEDIATE")
        assert await analyst.run_once() == 1
        assert central.rows() == []
        other.execute("ROLLBACK")
        assert await analyst.run_once() == 0
    other.close()
    assert [row[0] for row in central.rows()] == ["KRW-BTC"]
    assert (len(server.requests), len(central.seen)) == (1, 1)


async def test_candles_go_on_while_a_model_keeps_its_answer_back(
    tmp_path: Path, server: OpenAiServer
) -> None:
    server.usual = Reply(is_held=True)
    central = Central(tmp_path, with_rules=False)
    await central.collection.start()
    async with analyst_of(central, server) as analyst:
        run = asyncio.create_task(analyst.run_once())
        await asyncio.to_thread(eventually, lambda: len(server.requests) == 2)
        await central.advance(START + 30 * MINUTE)
        assert not run.done()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
    clock = central.store.load_clock()
    assert clock is not None
    assert clock.cursor == START + 30 * MINUTE
