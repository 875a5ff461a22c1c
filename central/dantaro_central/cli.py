"""The command `dantaro-central`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import structlog

from dantaro_central.bootstrap import Role, run
from dantaro_central.settings import load_settings
from dantaro_crds.errors import DantaroError, SafetyError, TransientError
from dantaro_crds.kit.logs import configure_logs

__all__ = ["main", "report"]

_ROLES = {
    Role.ALL: "worker and API in one process (one machine)",
    Role.WORKER: "collect and analyse; one at a time on a database",
    Role.API: "serve what a worker stored in the same database; as many as wanted",
}

_EXIT_CONFIG = 78
"""EX_CONFIG of sysexits.h: trying again with the same settings cannot help."""

_EXIT_BUG = 70
"""EX_SOFTWARE of sysexits.h."""

_EXIT_CODES: tuple[tuple[type[DantaroError], int], ...] = (
    (TransientError, 75),
    (SafetyError, _EXIT_BUG),
)
"""Of errors that are nobody's setting; 75 is EX_TEMPFAIL of sysexits.h."""

_EXIT_INTERRUPTED = 130
"""As a shell tells of Ctrl-C; only before the loops run, which end with 0."""

_log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        Exit code: 0, 2 (usage), 70 (a bug), 75 (try again later) or 78 (settings or data).
    """
    given = vars(_parser().parse_args(arguments))
    role = Role(given.pop("role"))
    try:
        settings = load_settings(given)
        configure_logs(settings.log_level)
        asyncio.run(run(role, settings))
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001  # the outermost edge
        return report(error)
    return 0


def report(error: BaseException) -> int:
    """Tell the person what ended the process, and return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return _EXIT_INTERRUPTED
    if isinstance(error, DantaroError):
        print(f"dantaro-central: {error.message}", file=sys.stderr)
        return next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), _EXIT_CONFIG)
    _log.error("stopped by a bug", exc_info=error)
    return _EXIT_BUG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dantaro-central",
        description="Collects candles, analyses markets and answers bots. It never trades.",
        epilog="Every option may be given in the environment: --database-url is "
        "DANTARO_CENTRAL_DATABASE_URL; --from is DANTARO_CENTRAL_START.",
    )
    roles = parser.add_subparsers(dest="role", required=True, metavar="{all,worker,api}")
    options = _options()
    for role, summary in _ROLES.items():
        roles.add_parser(
            role.value, help=summary, description=summary, parents=[options], epilog=parser.epilog
        )
    return parser


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    market = options.add_argument_group("market")
    _add(market, "--source", "simulated (default), replay or upbit", "NAME")
    _add(market, "--folder", "folder of recorded candles, for replay", "DIR")
    _add(market, "--symbols", "markets to trade; default: all of the source", "A,B")
    _add(market, "--speed", "times faster than wall time, or max for a replay", "N|max")
    _add(market, "--from", "market time of the first candle, RFC 3339", "TIME", dest="start")
    _add(market, "--seed", "seed of the simulated market (default 1)", "N")
    _add(market, "--upbit-url", "root of Upbit's public API", "URL")
    storage = options.add_argument_group("storage")
    _add(
        storage,
        "--database-url",
        "SQLAlchemy URL (default sqlite:///dantaro-central.db)",
        "URL",
    )
    server = options.add_argument_group("API")
    _add(server, "--host", "address (default 127.0.0.1)", "HOST")
    _add(server, "--port", "port (default 8000), 0 takes a free one", "PORT")
    _add(server, "--port-file", "write the port here once connections are accepted", "FILE")
    _add(server, "--key-file", "the API key; made when it does not exist", "FILE")
    process = options.add_argument_group("process")
    process.add_argument(
        "--exit-with-parent", action="store_true", help="stop when standard input ends"
    )
    _add(process, "--log-level", "DEBUG, INFO (default), WARNING or ERROR", "LEVEL")
    return options


def _add(group: Any, option: str, help_text: str, metavar: str, *, dest: str | None = None) -> None:
    group.add_argument(
        option,
        help=help_text,
        metavar=metavar,
        dest=dest or option.removeprefix("--").replace("-", "_"),
    )
