"""Keeps a second worker away from a database.

SQLite: an advisory lock on a file beside the database, which the kernel frees when its holder dies,
however it dies. PostgreSQL: an advisory lock of a session, which the server frees likewise.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from dantaro_central.adapters.database.engine import sqlite_path
from dantaro_central.errors import WorkerRunningError
from dantaro_crds.errors import SpecError, TransientError
from dantaro_crds.kit.clock import Clock

__all__ = ["worker_lock"]

_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_STANDBY_SECONDS = 1.0
_ADVISORY_KEY = 0x64616E74
"""Any number that other programs do not use in the same database."""

_log = structlog.get_logger()


@asynccontextmanager
async def worker_lock(url: str, clock: Clock, *, standby: bool = False) -> AsyncIterator[None]:
    """Hold the database for one worker; wait for another one to end.

    Args:
        url: Of the database.
        clock: Waiting.
        standby: Whether to wait for ever, else 10 s.

    Raises:
        WorkerRunningError: Another worker still holds it.
    """
    path = sqlite_path(url)
    with _session_lock(url) if path is None else _file_lock(path) as try_lock:
        give_up = clock.monotonic() + _WAIT_SECONDS
        is_told = False
        while not try_lock():
            if standby and not is_told:
                _log.info("standing by: another worker holds the database")
                is_told = True
            if not standby and clock.monotonic() >= give_up:
                raise WorkerRunningError(
                    f"expected no other worker on {path or 'the database'}, found one that still "
                    f"runs after {_WAIT_SECONDS:g} s: stop it, or name another database"
                )
            await clock.sleep(_STANDBY_SECONDS if standby else _PAUSE_SECONDS)
        yield


@contextmanager
def _file_lock(database: Path) -> Iterator[Callable[[], bool]]:
    path = database.with_name(f"{database.name}.lock")
    try:
        database.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SpecError(
            f"database: expected a folder to write {path} in, found {error.strerror}",
            field="databaseUrl",
        ) from error

    def try_lock() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        yield try_lock
    finally:
        os.close(descriptor)


@contextmanager
def _session_lock(url: str) -> Iterator[Callable[[], bool]]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with _connected(engine) as connection:
        yield lambda: bool(
            connection.scalar(
                text("SELECT pg_try_advisory_lock(CAST(:key AS bigint))"), {"key": _ADVISORY_KEY}
            )
        )


def _connected(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except OperationalError as error:
        raise TransientError(
            f"database: expected an answer of the server, found {error.orig}"
        ) from error
