"""The command `dantaro-central`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from typing import Any

import structlog

from dantaro_central.bootstrap import Role, run
from dantaro_central.commands.keys import KEYS, add_keys_parser, run_keys
from dantaro_central.commands.upkeep import UPKEEP, add_upkeep_parsers, run_upkeep
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
    role = given.pop("role")
    configure_logs()
    try:
        if role == KEYS:
            run_keys(given)
            return 0
        if role in UPKEEP:
            run_upkeep(role, given)
            return 0
        settings = load_settings(given)
        configure_logs(settings.log_level)
        with asyncio.Runner() as runner:
            runner.run(run(Role(role), settings))
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
    roles = parser.add_subparsers(dest="role", required=True, metavar="COMMAND")
    storage = _storage()
    options = _options(storage)
    for role, summary in _ROLES.items():
        roles.add_parser(
            role.value, help=summary, description=summary, parents=[options], epilog=parser.epilog
        )
    add_keys_parser(roles, storage, epilog=parser.epilog)
    add_upkeep_parsers(roles, storage, epilog=parser.epilog)
    return parser


def _storage() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = options.add_argument_group("storage")
    _add(group, "--database-url", "SQLAlchemy URL (default sqlite:///dantaro-central.db)", "URL")
    return options


def _options(storage: argparse.ArgumentParser) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        add_help=False, argument_default=argparse.SUPPRESS, parents=[storage]
    )
    market = options.add_argument_group("market")
    _add(market, "--source", "simulated (default), replay or upbit", "NAME")
    _add(market, "--folder", "folder of recorded candles, for replay", "DIR")
    _add(market, "--symbols", "markets to look at; default: all of the source", "A,B")
    _add(market, "--traded", "of upbit: those with 1-minute candles from the start", "A,B")
    _add(market, "--speed", "times faster than wall time, or max for a replay", "N|max")
    _add(market, "--from", "market time of the first candle, RFC 3339", "TIME", dest="start")
    _add(market, "--seed", "seed of the simulated market (default 1)", "N")
    _add(market, "--upbit-url", "root of Upbit's public API", "URL")
    _add(market, "--upbit-calls-per-second", "most calls of a group (default 8)", "N")
    _add(market, "--fear-greed-url", "public fear-and-greed index, for upbit", "URL")
    server = options.add_argument_group("API")
    _add(server, "--host", "address (default 127.0.0.1)", "HOST")
    _add(server, "--port", "port (default 8000), 0 takes a free one", "PORT")
    _add(server, "--port-file", "write the port here once connections are accepted", "FILE")
    _add(server, "--key-file", "the API key; made when it does not exist", "FILE")
    _add(server, "--limit-requests", "most requests of a key in a window (default 100)", "N")
    _add(server, "--limit-seconds", "length of a window (default 60)", "N")
    _add(server, "--redis-url", "Redis to count in, for several processes of the API", "URL")
    _add_analyst(options)
    process = options.add_argument_group("process")
    process.add_argument(
        "--exit-with-parent", action="store_true", help="stop when standard input ends"
    )
    process.add_argument(
        "--standby",
        action="store_true",
        help="wait as long as another worker holds the database, then take over",
    )
    _add(process, "--minutes-kept-days", "keep 1-minute candles so long (default 14)", "N")
    _add(process, "--log-level", "DEBUG, INFO (default), WARNING or ERROR", "LEVEL")
    return options


def _add_analyst(options: argparse.ArgumentParser) -> None:
    analyst = options.add_argument_group("analyst, for bots with strategy ai")
    _add(analyst, "--analyst", "rules (default), openai or none", "NAME")
    _add(analyst, "--analyst-symbols", "markets to decide on; default: the traded ones", "A,B")
    _add(analyst, "--analyst-interval", "candles to decide on (default 60m)", "15m..1d")
    _add(analyst, "--analyst-model", "name of the language model, for openai", "NAME")
    _add(analyst, "--analyst-url", "root of an OpenAI-compatible API", "URL")
    _add(analyst, "--analyst-key-file", "file with the key of that API", "FILE")
    _add(analyst, "--analyst-timeout-seconds", "most time for a decision (default 30)", "N")
    _add(analyst, "--analyst-calls-per-hour", "most calls (default 60)", "N")
    _add(analyst, "--analyst-usd-per-hour", "most US dollars (default 1)", "N")
    _add(analyst, "--analyst-usd-per-million-prompt", "price of tokens sent", "N")
    _add(analyst, "--analyst-usd-per-million-answer", "price of tokens answered", "N")


def _add(group: Any, option: str, help_text: str, metavar: str, *, dest: str | None = None) -> None:
    group.add_argument(
        option,
        help=help_text,
        metavar=metavar,
        dest=dest or option.removeprefix("--").replace("-", "_"),
    )
