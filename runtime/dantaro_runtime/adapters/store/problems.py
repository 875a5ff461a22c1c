"""What went wrong with a store, and what to do about it: of the database's error, a sentence."""

from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from dantaro_runtime.errors import StoreError

__all__ = ["store_error"]

_GOES_ON = "the bot goes on by itself afterwards"

_SERVER = "see that its server runs, answers, and knows this user and database"

_SQLITE = (
    ("SQLITE_FULL", "StoreFull", f"make room on its volume; {_GOES_ON}"),
    ("SQLITE_BUSY", "StoreLocked", f"end the program that holds its lock; {_GOES_ON}"),
    ("SQLITE_READONLY", "StoreReadOnly", f"let the bot's user write file and folder; {_GOES_ON}"),
    ("SQLITE_CANTOPEN", "StoreMissing", "bring back its folder, for the bot's user to write"),
    ("SQLITE_CORRUPT", "StoreDamaged", ""),
    ("SQLITE_NOTADB", "StoreDamaged", ""),
    ("SQLITE_IOERR", "StoreUnreadable", f"look at its volume, make room there; {_GOES_ON}"),
)
"""Beginning of SQLite's name of an error, our code, what to do."""

_POSTGRES = (
    ("53100", "StoreFull", f"make room on the server's volume; {_GOES_ON}"),
    ("25006", "StoreReadOnly", f"the server takes no writes: name the primary; {_GOES_ON}"),
    ("55P03", "StoreLocked", f"end the session that holds the lock; {_GOES_ON}"),
    ("57014", "StoreLocked", f"end the session that holds the lock; {_GOES_ON}"),
    ("XX001", "StoreDamaged", ""),
    ("XX002", "StoreDamaged", ""),
    ("28", "StoreRefused", "mend user and password in the store's URL"),
    ("42501", "StoreRefused", "give the user the right to write the bot's tables"),
)
"""Beginning of an SQLSTATE, our code, what to do."""

_DAMAGED = (
    "stop the bot and bring the store back from a backup; without one, cancel the bot's orders "
    "by hand, move the damaged store away and start anew"
)


def store_error(error: SQLAlchemyError, failed: str) -> StoreError:
    """Return an error that says what failed, what the database said, and what to do."""
    cause: Any = getattr(error, "orig", None) or error
    code, advice = _look_up(cause, has_lost_link=getattr(error, "connection_invalidated", False))
    said = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    return StoreError(f"{failed}: {said}: {advice}", code=code)


def _look_up(cause: Any, *, has_lost_link: bool) -> tuple[str, str]:
    name = getattr(cause, "sqlite_errorname", None)
    state = getattr(cause, "sqlstate", None)
    for found, table in ((name, _SQLITE), (state, _POSTGRES)):
        for begins, code, advice in table:
            if found is not None and found.startswith(begins):
                return code, advice or _DAMAGED
    if name is None and (has_lost_link or state is None or state.startswith(("08", "57P"))):
        return "StoreUnreachable", f"{_SERVER}; {_GOES_ON}"
    return "Store", "nothing is traded until it works again"
