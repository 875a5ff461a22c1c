"""Opens the database.

Calls are made directly from the event loop: in SQLite each takes well under a millisecond, and a
thread would cost more than it saves (every row that crosses a busy interpreter lock waits for it).
"""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from dantaro_crds.errors import SpecError

__all__ = ["open_engine", "sqlite_path"]

_BUSY_SECONDS = 10


def open_engine(url: str) -> Engine:
    """Return an engine; SQLite in WAL mode, its folder made if missing.

    Raises:
        SpecError: The URL cannot be read.
    """
    path = sqlite_path(url)
    if path is None:
        return create_engine(url, pool_pre_ping=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite URL, None of another database.

    Raises:
        SpecError: The URL cannot be read, or is a SQLite database without a file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SpecError(
            "database URL: expected such as sqlite:///central.db or postgresql+psycopg://HOST/NAME",
            field="databaseUrl",
        ) from error
    if parsed.get_backend_name() != "sqlite":
        return None
    if not parsed.database or parsed.database == ":memory:":
        raise SpecError(
            "database URL: expected a file such as sqlite:///central.db, found SQLite in memory",
            field="databaseUrl",
        )
    return Path(parsed.database)


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver would begin a transaction before writes only; we begin each one ourselves
    # (`_begin`), so that several reads see one moment.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "cache_size=-4096",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
