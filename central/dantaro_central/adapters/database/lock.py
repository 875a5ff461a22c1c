"""Keeps a second worker away from a database.

SQLite: an advisory lock on a file beside the database, which the kernel frees when its holder dies,
however it dies. PostgreSQL: an advisory lock of the session that the worker writes in, its only
one: who has lost the lock has lost what it was writing too, and takes the lock again before it
writes anything.
"""

import fcntl
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Engine, event

from dantaro_central.adapters.database.engine import open_engine, open_session_engine, sqlite_path
from dantaro_central.adapters.database.faults import tell_faults
from dantaro_central.errors import DatabaseDownError, WorkerRunningError
from dantaro_crds.errors import SpecError
from dantaro_crds.kit.clock import Clock

__all__ = ["worker_lock"]

_WAIT_SECONDS = 10.0
_PAUSE_SECONDS = 0.1
_STANDBY_SECONDS = 1.0
_ADVISORY_KEY = 0x64616E74
"""Any number that other programs do not use in the same database."""

_END_SESSION = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
    " WHERE pid = %s AND backend_start = %s"
)
_SESSION = "SELECT pid, backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"

_log = structlog.get_logger()


@asynccontextmanager
async def worker_lock(url: str, clock: Clock, *, standby: bool = False) -> AsyncIterator[Engine]:
    """Hold the database for one worker; wait for another one to end.

    Yields what the worker reads and writes with. On PostgreSQL it raises `WorkerRunningError` once
    the session was lost and another worker has the database.

    Args:
        url: Of the database.
        clock: Waiting.
        standby: Whether to wait for ever, else 10 s.

    Raises:
        WorkerRunningError: Another worker still holds it.
        DatabaseDownError: The server does not answer.
    """
    path = sqlite_path(url)
    with _held_session(url) if path is None else _held_file(url, path) as (engine, try_lock):
        tell_faults(engine)
        give_up = clock.monotonic() + _WAIT_SECONDS
        is_told = False
        while not _is_taken(try_lock, is_waiting=is_told):
            if standby and not is_told:
                _log.info("standing by: another worker holds the database")
                is_told = True
            if not standby and clock.monotonic() >= give_up:
                raise WorkerRunningError(
                    f"expected no other worker on {path or 'the database'}, found one that still "
                    f"runs after {_WAIT_SECONDS:g} s: stop it, or name another database"
                )
            await clock.sleep(_STANDBY_SECONDS if standby else _PAUSE_SECONDS)
        yield engine


def _is_taken(try_lock: Callable[[], bool], *, is_waiting: bool) -> bool:
    try:
        return try_lock()
    except DatabaseDownError:
        if is_waiting:
            return False
        raise


@contextmanager
def _held_file(url: str, database: Path) -> Iterator[tuple[Engine, Callable[[], bool]]]:
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

    engine = open_engine(url)
    try:
        yield engine, try_lock
    finally:
        engine.dispose()
        os.close(descriptor)


@contextmanager
def _held_session(url: str) -> Iterator[tuple[Engine, Callable[[], bool]]]:
    engine = open_session_engine(url)
    event.listen(engine, "connect", _Session().begin)

    def try_lock() -> bool:
        try:
            engine.connect().close()
        except WorkerRunningError:
            return False
        return True

    try:
        yield engine, try_lock
    finally:
        engine.dispose()


class _Session:
    """The one session of a worker; it begins with the lock or not at all."""

    def __init__(self) -> None:
        self._last: tuple[Any, ...] | None = None

    def begin(self, connection: Any, _record: Any) -> None:
        """Take the lock in a new session.

        Raises:
            WorkerRunningError: Another worker has it.
        """
        with connection.cursor() as cursor:
            if self._last is not None:
                # The server may not know yet that the session before has ended.
                cursor.execute(_END_SESSION, self._last)
            cursor.execute("SELECT pg_try_advisory_lock(%s::bigint)", (_ADVISORY_KEY,))
            is_ours = cursor.fetchone()[0]
            if is_ours:
                cursor.execute(_SESSION)
                self._last = cursor.fetchone()
        connection.commit()
        if not is_ours:
            connection.close()
            raise WorkerRunningError(
                "expected no other worker on the database, found one that took it over while the "
                "server did not answer: start this one with --standby to wait for its end"
            )
