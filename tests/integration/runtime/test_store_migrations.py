"""Stores of every schema that ever was are brought to the newest one, and their bots go on.

`tests/data/stores/REVISION.json` holds the rows that a bot of that time left. For a new schema
`pytest --update-data` records one; those of old schemas are never written again.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.adapters.store import migrate
from dantaro_runtime.adapters.store.database import Database, create_engine
from dantaro_runtime.adapters.store.migrate import upgrade
from dantaro_runtime.adapters.store.tables import METADATA, REVISION
from tests.integration.runtime.conftest import MakeRig
from tests.integration.runtime.test_positions import TellingCentral, walk
from tests.support.bot_rig import BotRig, make_config
from tests.support.postgres import Postgres

pytestmark = pytest.mark.integration

RECORDED = Path(__file__).parents[2] / "data" / "stores"
REVISIONS = sorted(
    script.revision
    for script in ScriptDirectory(
        str(Path(migrate.__file__).parent / "migrations")
    ).walk_revisions()
)
NEVER_CHANGED = ("fills", "decisions", "engine_events", "signals", "paper_fills")
CANDLES = walk(160)
CONFIG = make_config({"signal": {"takeProfitPercent": "0.5"}}, kind="TradingBot", reset="1")
SEEN = 80
"""Candles of which the recorded bot has seen this many."""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.url(server.new_database())


@pytest.fixture
def engine(empty_url: str) -> Iterator[sa.Engine]:
    engine = create_engine(empty_url)
    yield engine
    engine.dispose()


def recorded(revision: str) -> dict[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = json.loads((RECORDED / f"{revision}.json").read_text())
    return rows


def fill(engine: sa.Engine, rows: dict[str, list[dict[str, Any]]]) -> None:
    schema = sa.MetaData()
    schema.reflect(engine)
    assert set(rows) == set(schema.tables) - {"alembic_version"}
    with engine.begin() as link:
        for name, table in schema.tables.items():
            if name in rows:
                assert rows[name], f"no row in {name}"
                link.execute(sa.insert(table), rows[name])
                _go_on_counting(link, table)


def _go_on_counting(link: sa.Connection, table: sa.Table) -> None:
    """Let new rows come after those that a test put there with their ids."""
    key = table.primary_key.columns[0]
    if link.dialect.name == "postgresql" and key.server_default is not None:
        counter = sa.func.pg_get_serial_sequence(table.name, key.name)
        link.execute(
            sa.select(sa.func.setval(counter, sa.select(sa.func.max(key)).scalar_subquery()))
        )


def read(engine: sa.Engine) -> dict[str, list[dict[str, Any]]]:
    with engine.connect() as link:
        return {
            name: [
                dict(row)
                for row in link.execute(sa.select(table).order_by(*table.primary_key)).mappings()
            ]
            for name, table in METADATA.tables.items()
        }


def without_new_columns(
    found: dict[str, list[dict[str, Any]]], before: dict[str, list[dict[str, Any]]]
) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{key: row[key] for key in rows[0]} for row in found[name]]
        for name, rows in before.items()
    }


async def test_the_newest_schema_has_a_recorded_store(
    make_rig: MakeRig, request: pytest.FixtureRequest
) -> None:
    file = RECORDED / f"{REVISION}.json"
    if request.config.getoption("--update-data") and not file.exists():
        rig = make_rig(CONFIG, CANDLES)
        rig.central = TellingCentral(candles=CANDLES[:SEEN])
        rig.start()
        await rig.run()
        engine = create_engine(rig.store_url)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(read(engine), indent=0, sort_keys=True) + "\n")
        engine.dispose()
    assert {f"{revision}.json" for revision in REVISIONS} == {f.name for f in RECORDED.iterdir()}
    assert REVISIONS[-1] == REVISION


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_filled_store_loses_nothing_and_its_bot_goes_on(
    engine: sa.Engine, empty_url: str, revision: str, tmp_path: Path
) -> None:
    before = recorded(revision)
    upgrade(empty_url, revision)
    fill(engine, before)

    Database(empty_url, token=before["fence"][0]["token"]).close()
    assert without_new_columns(read(engine), before) == before

    rig = BotRig(
        folder=tmp_path,
        config=CONFIG,
        central=TellingCentral(candles=CANDLES),
        store_url=empty_url,
    )
    parts = rig.start()
    ledger = json.loads(before["bot_state"][0]["desk"])["ledger"]
    for name in ("quote", "base", "contributed", "fees"):
        assert getattr(parts.desk.desk.ledger, name) == Decimal(ledger[name])
    await rig.run()
    assert parts.bot.report().engine_state is EngineState.RUNNING
    assert parts.desk.has_book_balance() == ""
    rig.close()

    after = without_new_columns(read(engine), before)
    for name in NEVER_CHANGED:
        assert after[name][: len(before[name])] == before[name]
    assert len(after["fills"]) > len(before["fills"])


def test_migrations_lead_to_the_tables_that_the_code_uses(
    engine: sa.Engine, empty_url: str
) -> None:
    Database(empty_url, token="one").close()
    with engine.connect() as link:
        assert compare_metadata(MigrationContext.configure(link), METADATA) == []
