"""The database: schema, steps of any size, one worker."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, select

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.key_store import SqlHeartbeatStore, SqlKeyStore
from dantaro_central.adapters.database.lock import worker_lock
from dantaro_central.adapters.database.migrate import HEAD, is_prepared, migrate
from dantaro_central.adapters.database.tables import metadata
from dantaro_central.adapters.database.worker_store import SqlWorkerStore
from dantaro_central.adapters.key_file import load_or_make_key
from dantaro_central.adapters.sources.simulated import SimulatedSource
from dantaro_central.core.findings import Batch, Findings
from dantaro_central.core.market_clock import MarketClock, MarketUse
from dantaro_central.errors import SourceChangedError, WorkerRunningError
from dantaro_central.ports import Heartbeat, KeyRecord
from dantaro_central.services.collection import CollectionService
from dantaro_crds.errors import SafetyError, SpecError, TransientError
from tests.support.candles import START, make_candle
from tests.support.clock import MovingClock
from tests.support.postgres import Postgres

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
SYMBOLS = ("KRW-BTC", "KRW-DOGE")


class Databases:
    """Databases of one kind by name, made where they are first asked for.

    Args:
        folder: Of SQLite's files.
        postgres: Makes the databases if given.
    """

    def __init__(self, folder: Path, postgres: Postgres | None) -> None:
        self._folder = folder
        self._postgres = postgres
        self._urls: dict[str, str] = {}
        self._engines: list[Engine] = []

    def url(self, name: str = "one") -> str:
        """Return the URL of a database."""
        if name not in self._urls:
            file = f"sqlite:///{self._folder}/{name}/central.db"
            self._urls[name] = file if self._postgres is None else self._postgres.new_central()
        return self._urls[name]

    def engine(self, name: str = "one") -> Engine:
        """Open a database."""
        self._engines.append(open_engine(self.url(name)))
        return self._engines[-1]

    def service(
        self, name: str = "one", *, symbols: tuple[str, ...] = SYMBOLS, seed: int = 1
    ) -> CollectionService:
        """Return a worker's service over a database."""
        engine = self.engine(name)
        migrate(engine)
        store = SqlWorkerStore(engine)
        source = SimulatedSource(seed=seed, symbols=symbols, start=START, clock=MovingClock(START))
        return CollectionService(source, store, store)

    def contents(self, name: str = "one") -> dict[str, list[tuple[object, ...]]]:
        """Return every row of every table."""
        with self.engine(name).connect() as connection:
            return {
                table.name: sorted(
                    (tuple(row) for row in connection.execute(select(table))), key=str
                )
                for table in metadata.tables.values()
            }

    def close(self) -> None:
        """End all connections."""
        for engine in self._engines:
            engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Databases]:
    """Return empty databases of each kind."""
    server = request.param == "postgresql"
    found = Databases(tmp_path, request.getfixturevalue("postgres") if server else None)
    yield found
    found.close()


async def advance_to(service: CollectionService, until: datetime) -> MarketClock:
    """Step until market time is `until`."""
    clock = await service.advance(until)
    while clock.cursor < until:
        clock = await service.advance(until)
    return clock


async def test_steps_and_restarts_leave_the_same_database(databases: Databases) -> None:
    until = START + 400 * MINUTE
    service = databases.service("whole")
    await service.start()
    await advance_to(service, until)
    for number, step in enumerate((1, 4, 5, 61, 118, 1, 170, 40)):
        if number % 2 == 0:
            service = databases.service("stepped")
            cursor = (await service.start()).cursor
        cursor += step * MINUTE
        await advance_to(service, cursor)
    assert cursor == until
    assert databases.contents("stepped") == databases.contents("whole")


async def test_every_analysis_due_at_an_open_is_stored_with_the_candle(
    databases: Databases,
) -> None:
    service = databases.service()
    await service.start()
    for minutes in (3, 5, 7, 11):
        clock = await advance_to(service, START + minutes * MINUTE)
        rows = databases.contents()
        opens = [str(row[2]) for row in rows["candles"] if row[:2] == ("KRW-BTC", "1m")]
        analyses = {str(row[1]) for row in rows["analyses"] if row[0] == "KRW-BTC"}
        assert max(opens) == (clock.cursor - MINUTE).isoformat().replace("+00:00", "Z")
        due = [START + n * 5 * MINUTE for n in range(4) if START + n * 5 * MINUTE <= clock.cursor]
        assert analyses == {time.isoformat().replace("+00:00", "Z") for time in due}


async def test_starting_twice_changes_nothing(databases: Databases) -> None:
    service = databases.service()
    first = await service.start()
    before = databases.contents()
    assert await databases.service().start() == first
    assert databases.contents() == before


async def test_a_market_added_later_catches_up_and_one_left_out_goes(databases: Databases) -> None:
    until = START + 300 * MINUTE
    service = databases.service("both")
    await service.start()
    await advance_to(service, until)
    service = databases.service("later", symbols=("KRW-BTC",))
    await service.start()
    await advance_to(service, START + 130 * MINUTE)
    service = databases.service("later")
    await service.start()
    await advance_to(service, until)
    for table in ("candles", "analyses", "tickers", "markets"):
        assert databases.contents("later")[table] == databases.contents("both")[table]
    await databases.service("later", symbols=("KRW-DOGE",)).start()
    markets = SqlWorkerStore(databases.engine("later")).load_markets()
    assert markets["KRW-BTC"].use is MarketUse.UNUSED
    assert markets["KRW-DOGE"].use is MarketUse.TRADED


async def test_another_source_is_refused(databases: Databases) -> None:
    await databases.service().start()
    with pytest.raises(SourceChangedError, match=r"expected simulated, seed 2.*found .*seed 1"):
        await databases.service(seed=2).start()


async def test_a_worker_that_was_overtaken_stops(databases: Databases) -> None:
    service = databases.service()
    first = await service.start()
    await service.advance(START + MINUTE)
    before = databases.contents()
    overtaken = SqlWorkerStore(databases.engine())
    batch, findings = Batch(minutes={"KRW-BTC": [make_candle(START + 9 * MINUTE)]}), Findings()
    with pytest.raises(SafetyError, match="second worker"):
        overtaken.advance(first, before=first, batch=batch, findings=findings)
    assert databases.contents() == before


def test_the_migrations_make_the_tables_of_the_code(databases: Databases) -> None:
    engine = databases.engine()
    assert not is_prepared(engine)
    migrate(engine)
    migrate(engine)
    assert is_prepared(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    config = Config()
    config.set_main_option("script_location", "dantaro_central.adapters.database:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_database_of_a_newer_version_is_refused(databases: Databases) -> None:
    engine = databases.engine()
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SpecError, match="found that of another version"):
        migrate(engine)


async def test_a_database_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match="expected a folder to write"):
        async with worker_lock(f"sqlite:///{tmp_path}/file/central.db", MovingClock(START)):
            pass


async def test_a_database_server_that_is_gone_is_transient() -> None:
    with pytest.raises(TransientError, match="does not take or give data"):
        async with worker_lock("postgresql+psycopg://nobody@127.0.0.1:1/none", MovingClock(START)):
            pass


async def test_a_second_lock_gives_up_after_ten_seconds(databases: Databases) -> None:
    clock = MovingClock(START)
    async with worker_lock(databases.url(), clock):
        with pytest.raises(WorkerRunningError, match="expected no other worker"):
            async with worker_lock(databases.url(), clock):
                pass
    assert clock.seconds == pytest.approx(10, abs=0.2)
    async with worker_lock(databases.url(), clock):
        pass


def test_keys_and_heartbeats_are_replaced(databases: Databases) -> None:
    engine = databases.engine()
    keys, beats = SqlKeyStore(engine), SqlHeartbeatStore(engine)
    assert keys.load_keys() == []
    migrate(engine)
    assert beats.load_heartbeat() is None
    for text in ("a", "b"):
        record = KeyRecord(name="local", sha256=text, unlimited=True, created="at noon")
        assert keys.save_key(record, replaces=text == "b")
        assert not keys.save_key(record, replaces=False)
        beats.save_heartbeat(Heartbeat(time=START, message=text))
    assert keys.load_keys() == [record]
    assert beats.load_heartbeat() == Heartbeat(time=START, message="b")


def test_a_key_file_is_made_once_and_an_empty_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "key"
    assert load_or_make_key(path) == load_or_make_key(path)
    path.write_text("\n")
    with pytest.raises(SpecError, match="delete the file to get a new one"):
        load_or_make_key(path)
    with pytest.raises(SpecError, match="expected a readable file"):
        load_or_make_key(tmp_path)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "what"])
def test_a_database_must_be_a_file_or_a_server(url: str) -> None:
    with pytest.raises(SpecError, match="database URL: expected"):
        open_engine(url)
