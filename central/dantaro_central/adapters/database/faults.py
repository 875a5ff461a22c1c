"""Faults that may pass - a full disk, a server that is gone - told apart from our mistakes."""

import sqlite3

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from dantaro_central.errors import DatabaseDownError

__all__ = ["tell_faults"]

_PASSING = ("FULL", "IOERR", "BUSY", "LOCKED", "CANTOPEN", "READONLY", "NOMEM", "PROTOCOL")
_OF_SERVERS = {"OperationalError", "InterfaceError"}


def tell_faults(engine: Engine) -> None:
    """Make an engine raise `DatabaseDownError` for faults that may pass."""
    event.listen(engine, "handle_error", _tell)


def _tell(context: ExceptionContext) -> None:
    error = context.original_exception
    if context.is_pre_ping and context.is_disconnect:
        # The pool found a connection that was lost meanwhile, and opens another one.
        return
    if _may_pass(error):
        raise DatabaseDownError(f"the database does not take or give data: {error}") from error


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, sqlite3.Error):
        name = getattr(error, "sqlite_errorname", "")
        return name.removeprefix("SQLITE_").startswith(_PASSING)
    return any(kind.__name__ in _OF_SERVERS for kind in type(error).__mro__)
