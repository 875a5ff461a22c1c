"""Markets that bots asked for, as rows. Apart from what the worker stores: the API needs it too."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Engine, delete, insert, select

from dantaro_central.adapters.database.tables import heartbeats
from dantaro_crds.values import utc_text

__all__ = ["SqlWishStore"]

_WISH = "wish "


class SqlWishStore:
    """Markets that bots asked for: kept beside the signs of life, which they are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_wishes(self) -> Collection[str]:
        """Return the markets that a bot asked for and that had no 1-minute candles then."""
        query = select(heartbeats.c.name).where(heartbeats.c.name.startswith(_WISH))
        with self._engine.begin() as connection:
            return {name.removeprefix(_WISH) for name in connection.scalars(query)}

    def save_wish(self, symbol: str, time: datetime) -> None:
        """Note that a bot asked for a market at a wall time."""
        name = f"{_WISH}{symbol}"
        row = {"name": name, "time": utc_text(time), "message": "a bot asked for this market"}
        with self._engine.begin() as connection:
            connection.execute(delete(heartbeats).where(heartbeats.c.name == name))
            connection.execute(insert(heartbeats), [row])
