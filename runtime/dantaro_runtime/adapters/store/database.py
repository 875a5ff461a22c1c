"""Opening a store: migrations, pragmas, and the fencing record that lets one process write."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from dantaro_runtime.adapters.store.tables import REVISION, fence
from dantaro_runtime.errors import FencedOffError, StoreError

__all__ = ["Database", "create_engine"]


def create_engine(url: str, *, survives_power_loss: bool = False) -> sa.Engine:
    """Return an engine; SQLite in WAL mode, where a commit survives kill -9 of the process.

    Args:
        url: SQLAlchemy URL.
        survives_power_loss: Whether each commit reaches the disk before it counts: an intent of a
            real order must never be forgotten. PostgreSQL does so anyway.
    """
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        sync = "FULL" if survives_power_loss else "NORMAL"
        sa.event.listen(engine, "connect", partial(_set_pragmas, sync))
    return engine


def _set_pragmas(sync: str, connection: Any, _: Any) -> None:
    for pragma in (
        "journal_mode=WAL",
        f"synchronous={sync}",
        "busy_timeout=5000",
        "cache_size=-512",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


class Database:
    """A migrated store that this process may write until another one takes over.

    Args:
        url: SQLAlchemy URL.
        token: Name of this process, unique.
        survives_power_loss: As in `create_engine`.

    Raises:
        StoreError: The store cannot be opened, migrated or written.
    """

    def __init__(self, url: str, *, token: str, survives_power_loss: bool = False) -> None:
        self._token = token
        try:
            self.engine = create_engine(url, survives_power_loss=survives_power_loss)
            self._migrate(url)
            self._take_over()
        except SQLAlchemyError as error:
            raise StoreError(f"the store {_safe(url)} cannot be opened: {_cause(error)}") from error

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a transaction in which the fencing record still names this process.

        Raises:
            FencedOffError: Another process has taken over; nothing was written.
            StoreError: The transaction failed; nothing was written.
        """
        try:
            with self.engine.begin() as connection:
                # The update takes the write lock, so that nobody can take over before the commit.
                held = connection.execute(_HOLD, {"mine": self._token})
                if held.rowcount != 1:
                    raise FencedOffError("another process works for this bot now: this one ends")
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be written: {_cause(error)}") from error

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection for reading.

        Raises:
            StoreError: The store cannot be read.
        """
        try:
            with self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the store cannot be read: {_cause(error)}") from error

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _take_over(self) -> None:
        with self.engine.begin() as connection:
            changed = connection.execute(
                sa.update(fence).where(fence.c.id == 1).values(token=self._token)
            )
            if changed.rowcount == 0:
                connection.execute(sa.insert(fence).values(id=1, token=self._token))

    def _migrate(self, url: str) -> None:
        if _revision(self.engine) == REVISION:
            return
        # Alembic takes about 9 MiB for good once imported: a process of its own gives them back.
        run = subprocess.run(  # our own module, no shell
            [sys.executable, "-m", "dantaro_runtime.adapters.store.migrate"],
            input=url,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        if run.returncode != 0:
            last = (run.stderr.strip().splitlines() or ["no message"])[-1]
            raise StoreError(f"the store {_safe(url)} cannot be migrated: {last}")


_HOLD = (
    sa.update(fence)
    .where(fence.c.id == 1, fence.c.token == sa.bindparam("mine"))
    .values(token=sa.bindparam("mine"))
)


def _revision(engine: sa.Engine) -> str | None:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _safe(url: str) -> str:
    return sa.make_url(url).render_as_string(hide_password=True)


def _cause(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
