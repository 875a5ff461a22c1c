"""`dantaro-central keys`: makes, shows and withdraws API keys."""

import argparse
from collections.abc import Callable
from typing import Any

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.key_store import SqlKeyStore
from dantaro_central.services.keys import SCOPES, KeyAdmin
from dantaro_central.settings import load_settings
from dantaro_crds.kit.clock import SystemClock

__all__ = ["KEYS", "add_keys_parser", "run_keys"]

KEYS = "keys"
"""The command's name."""

_ACTIONS = {
    "create": "make a key and print it, once",
    "list": "print all keys: name, scopes, limit, when made, when revoked",
    "revoke": "withdraw a key; it is refused within 10 seconds",
    "rotate": "print a new key in place of one; the old one is refused within 10 seconds",
}


def add_keys_parser(roles: Any, storage: argparse.ArgumentParser, *, epilog: str | None) -> None:
    """Describe the arguments.

    Args:
        roles: The sub-parsers of the command.
        storage: The options that name the database.
        epilog: Ends each help.
    """
    parser = roles.add_parser(
        KEYS,
        help="make and withdraw API keys",
        description="Makes and withdraws API keys.",
        epilog=epilog,
    )
    actions = parser.add_subparsers(
        dest="action", required=True, metavar="{" + ",".join(_ACTIONS) + "}"
    )
    for action, summary in _ACTIONS.items():
        sub = actions.add_parser(
            action, help=summary, description=summary, parents=[storage], epilog=epilog
        )
        if action != "list":
            sub.add_argument("name", metavar="NAME", help="letters, digits, dots, dashes")
        if action == "create":
            sub.add_argument(
                "--scope",
                action="append",
                choices=SCOPES,
                help="what the key may do; may be repeated (default read)",
            )
            sub.add_argument(
                "--unlimited", action="store_true", help="do not count the key's requests"
            )


def run_keys(given: dict[str, Any]) -> None:
    """Carry out one action and print its outcome.

    Args:
        given: The arguments; the database may be named in the environment.

    Raises:
        SpecError, ConflictError, NotFoundError: Of the name.
        TransientError: The database does not answer, or is not prepared.
    """
    named = {name: given[name] for name in ("database_url",) if name in given}
    engine = open_engine(load_settings(named).database_url)
    try:
        admin = KeyAdmin(SqlKeyStore(engine), SystemClock())
        actions: dict[str, Callable[[], str]] = {
            "create": lambda: admin.create(
                given["name"],
                scopes=given.get("scope") or SCOPES,
                unlimited=given.get("unlimited", False),
            ),
            "list": lambda: _table(admin),
            "revoke": lambda: _revoked(admin, given["name"]),
            "rotate": lambda: admin.rotate(given["name"]),
        }
        print(actions[given["action"]]())
    finally:
        engine.dispose()


def _revoked(admin: KeyAdmin, name: str) -> str:
    admin.revoke(name)
    return f"{name} is revoked"


def _table(admin: KeyAdmin) -> str:
    rows = [("NAME", "SCOPES", "LIMIT", "CREATED", "REVOKED")]
    rows += [
        (
            record.name,
            ",".join(record.scopes),
            "none" if record.unlimited else "default",
            record.created or "-",
            record.revoked or "-",
        )
        for record in admin.records()
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
