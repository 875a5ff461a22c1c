"""API keys and heartbeats as rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from dantaro_central.adapters.database.migrate import is_prepared
from dantaro_central.adapters.database.tables import api_keys, heartbeats
from dantaro_central.ports import Heartbeat, KeyRecord
from dantaro_crds.errors import TransientError
from dantaro_crds.values import parse_utc, utc_text

__all__ = ["SqlHeartbeatStore", "SqlKeyStore"]

_WORKER = "worker"
_KEYS = select(api_keys).order_by(api_keys.c.name)


class SqlKeyStore:
    """The API keys."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_prepared = False

    def load_keys(self) -> list[KeyRecord]:
        """Return all keys by name, revoked ones too; none before the database is prepared.

        Raises:
            TransientError: The database does not answer.
        """
        with self._transaction() as connection:
            if connection is None:
                return []
            return [
                KeyRecord(
                    name=name,
                    sha256=sha256,
                    scopes=tuple(scopes.split()),
                    unlimited=unlimited,
                    created=created,
                    revoked=revoked,
                )
                for name, sha256, scopes, unlimited, created, revoked in connection.execute(_KEYS)
            ]

    def save_key(self, record: KeyRecord, *, replaces: bool) -> bool:
        """Store a key; return False, and store nothing, when the name is not as expected.

        Args:
            record: The key.
            replaces: Whether a key of that name must be there, or none.

        Raises:
            TransientError: The database does not answer, or is not prepared.
        """
        values: dict[str, Any] = {
            "sha256": record.sha256,
            "scopes": " ".join(record.scopes),
            "unlimited": record.unlimited,
            "created": record.created,
            "revoked": record.revoked,
        }
        with self._transaction() as connection:
            if connection is None:
                raise TransientError("the database is not prepared: start a worker on it first")
            if replaces:
                changed = connection.execute(
                    update(api_keys).where(api_keys.c.name == record.name).values(values)
                )
                return bool(changed.rowcount)
            try:
                connection.execute(insert(api_keys).values(name=record.name, **values))
            except IntegrityError:
                return False
            return True

    @contextmanager
    def _transaction(self) -> Iterator[Connection | None]:
        """Yield a connection, None before the database is prepared."""
        try:
            self._is_prepared = self._is_prepared or is_prepared(self._engine)
            if not self._is_prepared:
                yield None
                return
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise TransientError(
                f"the database does not answer: {type(error.orig).__name__}"
            ) from error


class SqlHeartbeatStore:
    """The worker's sign of life."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_heartbeat(self) -> Heartbeat | None:
        """Return the last sign of life, None before the first."""
        with self._engine.begin() as connection:
            row = connection.execute(select(heartbeats).where(heartbeats.c.name == _WORKER)).first()
        return Heartbeat(time=parse_utc(row.time), message=row.message) if row else None

    def save_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Store a sign of life."""
        with self._engine.begin() as connection:
            connection.execute(delete(heartbeats).where(heartbeats.c.name == _WORKER))
            connection.execute(
                insert(heartbeats).values(
                    name=_WORKER, time=utc_text(heartbeat.time), message=heartbeat.message
                )
            )
