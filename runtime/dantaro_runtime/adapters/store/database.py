"""Opening a store: migrations, pragmas, and the fencing record that lets one process write."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from dantaro_runtime.adapters.store.problems import store_error
from dantaro_runtime.adapters.store.tables import REVISION, fence
from dantaro_runtime.errors import FencedOffError, StoreError

__all__ = ["Database", "create_engine", "store_revision", "to_store_url"]

_POSTGRES_PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "options": "-c lock_timeout=5s -c statement_timeout=10s",
}
"""A bot waits so long for its server at most; afterwards it says so, and tries again."""


def create_engine(url: str, *, survives_power_loss: bool = False) -> sa.Engine:
    """Return an engine; SQLite in WAL mode, where a commit survives kill -9 of the process.

    Args:
        url: SQLAlchemy URL.
        survives_power_loss: Whether each commit reaches the disk before it counts: an intent of a
            real order must never be forgotten. PostgreSQL does so anyway.
    """
    address = to_store_url(url)
    if address.get_backend_name() == "postgresql":
        return sa.create_engine(address, connect_args=_POSTGRES_PATIENCE, pool_size=1)
    engine = sa.create_engine(address)
    if engine.dialect.name == "sqlite":
        sync = "FULL" if survives_power_loss else "NORMAL"
        sa.event.listen(engine, "connect", partial(_set_pragmas, sync))
    return engine


def to_store_url(url: str) -> sa.URL:
    """Return the URL of a store with the driver that this program has.

    Raises:
        StoreError: It is no URL of a store, or the driver is not installed.
    """
    try:
        address = sa.make_url(url)
    except SQLAlchemyError as error:
        raise StoreError(_EXPECTED, code="StoreUrl") from error
    if address.drivername in {"postgresql", "postgres"}:
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise StoreError(f"{_EXPECTED}, found {address.drivername}", code="StoreUrl")
    if address.drivername != "sqlite" and find_spec("psycopg") is None:
        raise StoreError(
            "a store on PostgreSQL needs the driver psycopg: install dantaro[runtime,postgres]",
            code="StoreUrl",
        )
    return address


_EXPECTED = "store: expected sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME"


def _set_pragmas(sync: str, connection: Any, _: Any) -> None:
    for pragma in (
        "journal_mode=WAL",
        f"synchronous={sync}",
        "busy_timeout=2000",
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
            self._file = _FileMark.of(self.engine.url)
        except SQLAlchemyError as error:
            raise store_error(error, f"the store {_safe(url)} cannot be opened") from error

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Give a transaction in which the fencing record still names this process.

        Raises:
            FencedOffError: Another process has taken over; nothing was written.
            StoreError: The transaction failed. Nothing was written, but where the answer to a
                commit was lost: only a new `load` tells.
        """
        self._require_file()
        try:
            with self.engine.begin() as connection:
                # The update takes the write lock, so that nobody can take over before the commit.
                held = connection.execute(_HOLD, {"mine": self._token})
                if held.rowcount != 1:
                    raise FencedOffError("another process works for this bot now: this one ends")
                yield connection
        except SQLAlchemyError as error:
            raise store_error(error, "the store cannot be written") from error

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Give a connection for reading.

        Raises:
            StoreError: The store cannot be read.
        """
        self._require_file()
        try:
            with self.engine.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise store_error(error, "the store cannot be read") from error

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _require_file(self) -> None:
        """A file that is removed or replaced takes writes that nobody ever finds again."""
        if self._file is not None and not self._file.is_there():
            raise StoreError(
                f"the store's file {self._file.path} was removed or replaced while the bot runs: "
                "stop the bot, bring the file back, start it again",
                code="StoreMissing",
            )

    def _take_over(self) -> None:
        with self.engine.begin() as connection:
            changed = connection.execute(
                sa.update(fence).where(fence.c.id == 1).values(token=self._token)
            )
            if changed.rowcount == 0:
                connection.execute(sa.insert(fence).values(id=1, token=self._token))

    def _migrate(self, url: str) -> None:
        found = store_revision(self.engine)
        if found == REVISION:
            return
        if found is not None and found > REVISION:
            raise StoreError(
                f"expected a store of schema {REVISION} or older, found {found} in {_safe(url)}: "
                "go on with the version that wrote it",
                code="StoreSchema",
            )
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


def store_revision(engine: sa.Engine) -> str | None:
    """Return the migration that a database is at; None for one that is no store."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


@dataclass(frozen=True, slots=True)
class _FileMark:
    """A file as it was when it was opened."""

    path: Path
    device: int
    inode: int

    @classmethod
    def of(cls, url: sa.URL) -> "_FileMark | None":
        """Return the mark of a store's file; None where the store is none."""
        path = Path(url.database or "")
        if url.get_backend_name() != "sqlite" or not path.is_file():
            return None
        found = path.stat()
        return cls(path, found.st_dev, found.st_ino)

    def is_there(self) -> bool:
        """Return whether the path still leads to it."""
        try:
            found = self.path.stat()
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == (self.device, self.inode)


def _safe(url: str) -> str:
    return to_store_url(url).render_as_string(hide_password=True)
