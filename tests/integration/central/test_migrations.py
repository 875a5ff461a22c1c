"""Filled databases of earlier versions are brought forward, and nothing in them is lost."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Engine, MetaData, insert, select

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.key_store import SqlHeartbeatStore, SqlKeyStore
from dantaro_central.adapters.database.migrate import is_prepared, migrate
from dantaro_central.adapters.database.tables import metadata
from dantaro_central.adapters.database.worker_store import SqlWorkerStore
from dantaro_central.core.market_clock import MarketUse
from dantaro_central.ports import KeyRecord
from dantaro_crds.values import Interval
from tests.support.candles import START, make_candle
from tests.support.postgres import Postgres

pytestmark = pytest.mark.integration

_NOON = "2025-09-01T00:00:00Z"
_FIRST: dict[str, list[dict[str, Any]]] = {
    "candles": [
        {"symbol": "KRW-BTC", "interval": "1m", "time": _NOON}
        | dict.fromkeys(("open", "high", "low", "close"), "100")
        | {"volume": "1"},
    ],
    "analyses": [{"symbol": "KRW-BTC", "data_until": _NOON, "support_levels": '["90.5"]'}],
    "market_status": [{"data_until": _NOON, "body": "null"}],
    "tickers": [{"symbol": "KRW-BTC", "body": '{"price":"100"}'}],
    "markets": [
        {"symbol": "KRW-BTC", "use": "Traded", "reason": ""},
        {"symbol": "KRW-OLD", "use": "Unused", "reason": "the venue lists it no longer"},
    ],
    "market_clock": [
        {
            "id": 1,
            "source": "upbit",
            "live": True,
            "folder": "",
            "seed": None,
            "asked_start": "",
            "start": _NOON,
            "cursor": _NOON,
            "ended": False,
        }
    ],
    "api_keys": [{"name": "local", "sha256": "ab" * 32}],
    "heartbeats": [{"name": "worker", "time": _NOON, "message": "ok"}],
}
_SECOND = _FIRST | {"market_samples": [{"id": 1, "data_until": _NOON, "body": "[1]"}]}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """Return an empty database of each kind."""
    url = f"sqlite:///{tmp_path}/central.db"
    if request.param == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_central()
    engine = open_engine(url)
    yield engine
    engine.dispose()


def make(engine: Engine, revision: str) -> None:
    """Make the tables of a revision."""
    config = Config()
    config.set_main_option("script_location", "dantaro_central.adapters.database:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def fill(engine: Engine, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Store rows in the tables as they are in the database."""
    found = MetaData()
    with engine.begin() as connection:
        found.reflect(connection)
        assert set(found.tables) == {*rows, "alembic_version"}
        for table, values in rows.items():
            connection.execute(insert(found.tables[table]), values)


@pytest.mark.parametrize(
    ("revision", "rows"), [pytest.param("0001", _FIRST), pytest.param("0002", _SECOND)]
)
def test_an_earlier_database_keeps_every_row(
    engine: Engine, revision: str, rows: dict[str, list[dict[str, Any]]]
) -> None:
    make(engine, revision)
    fill(engine, rows)
    assert not is_prepared(engine)
    for _ in range(2):
        migrate(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        for name, table in metadata.tables.items():
            columns = [table.c[column] for column in rows.get(name, [{}])[0]] or [*table.c]
            found = [dict(row) for row in connection.execute(select(*columns)).mappings()]
            assert found == rows.get(name, [])
    store = SqlWorkerStore(engine)
    clock = store.load_clock()
    assert clock is not None
    assert (clock.cursor, clock.source.live) == (START, True)
    assert store.load_markets()["KRW-OLD"].use is MarketUse.UNUSED
    assert store.load_candles("KRW-BTC", Interval.M1, since=START) == [make_candle(START)]
    beat = SqlHeartbeatStore(engine).load_heartbeat()
    assert beat is not None
    assert beat.message == "ok"
    key = KeyRecord(name="local", sha256="ab" * 32, unlimited=False, created="")
    assert SqlKeyStore(engine).load_keys() == [key]
