"""Opens the database.

Calls to SQLite are made directly from the event loop: each takes well under a millisecond, and a
thread would cost more than it saves (every row that crosses a busy interpreter lock waits for it).
A server may be far away or gone, so the API asks it on threads.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from dantaro_crds.errors import SpecError

__all__ = ["open_engine", "open_session_engine", "runner_of", "sqlite_path"]

_T = TypeVar("_T")

_BUSY_SECONDS = 10

_ANSWER_SECONDS = 3
"""How long a server may take to accept a connection."""

_SERVER: dict[str, Any] = {
    "pool_pre_ping": True,
    "pool_timeout": _ANSWER_SECONDS,
    "connect_args": {"connect_timeout": _ANSWER_SECONDS},
}

_NOTICE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
"""A client whose machine is gone is found out after 25 s, not after two hours."""


def open_engine(url: str) -> Engine:
    """Return an engine; SQLite in WAL mode, its folder made if missing.

    Raises:
        SpecError: The URL cannot be read.
    """
    path = sqlite_path(url)
    if path is None:
        return create_engine(url, **_SERVER)
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin)
    return engine


def open_session_engine(url: str) -> Engine:
    """Return an engine of one session at a time; the server notices soon when its client is gone.

    Args:
        url: Of a PostgreSQL server.
    """
    asked = make_url(url).query.get("options", "")
    connect = _SERVER["connect_args"] | {"options": f"{asked} {_NOTICE}"}
    return create_engine(url, pool_size=1, max_overflow=0, **_SERVER | {"connect_args": connect})


class _Directly:
    """Runs a call here."""

    async def __call__(self, call: Callable[[], _T], /) -> _T:
        return call()


class _OnThread:
    """Runs a call on another thread; the event loop goes on."""

    async def __call__(self, call: Callable[[], _T], /) -> _T:
        return await asyncio.to_thread(call)


def runner_of(engine: Engine) -> _Directly | _OnThread:
    """Return what runs a call that reads this database."""
    return _Directly() if engine.dialect.name == "sqlite" else _OnThread()


def sqlite_path(url: str) -> Path | None:
    """Return the file of a SQLite URL, None of another database.

    Raises:
        SpecError: The URL cannot be read, or is a SQLite database without a file.
    """
    try:
        parsed = make_url(url)
        # Finds the package of the database too.
        parsed.get_dialect().import_dbapi()
    except (ArgumentError, ValueError, ImportError) as error:
        raise SpecError(
            "database URL: expected such as sqlite:///central.db or postgresql+psycopg://HOST/NAME "
            "and the package of its driver",
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
