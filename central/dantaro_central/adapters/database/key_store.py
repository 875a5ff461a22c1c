"""API keys and heartbeats as rows."""

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.exc import OperationalError, ProgrammingError

from dantaro_central.adapters.database.tables import api_keys, heartbeats
from dantaro_central.ports import Heartbeat
from dantaro_crds.values import parse_utc, utc_text

__all__ = ["SqlHeartbeatStore", "SqlKeyStore"]

_WORKER = "worker"


class SqlKeyStore:
    """The API keys' hashes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_hashes(self) -> list[str]:
        """Return the hashes of all keys; none before the database is prepared."""
        try:
            with self._engine.begin() as connection:
                return list(connection.scalars(select(api_keys.c.sha256)))
        except (OperationalError, ProgrammingError):
            return []

    def save_hash(self, name: str, sha256: str) -> None:
        """Store the hash of the key called `name` in place of the one before."""
        with self._engine.begin() as connection:
            connection.execute(delete(api_keys).where(api_keys.c.name == name))
            connection.execute(insert(api_keys).values(name=name, sha256=sha256))


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
