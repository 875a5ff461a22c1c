"""The command `dantaro`."""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from dantaro_crds.errors import DantaroError
from dantaro_crds.values import parse_utc

__all__ = ["main"]

EXIT_BAD_INPUT, EXIT_BUG = 1, 70

_UP_EXAMPLES = """\
examples:
  dantaro up examples/01-quickstart
      trade the simulated market, an hour of it in each minute
  dantaro up DIR --market upbit
      trade Upbit's real prices on paper
  dantaro up DIR --market candles/upbit --speed max
      replay recorded candles, print the result and end

State is kept in DIR/.dantaro: stop with Ctrl-C (twice: at once), start again, and every order,
position and profit is still there. Files may be changed, added and removed at any time.
"""

_GET_EXAMPLES = """\
examples:
  dantaro get all
  dantaro get tb -o wide
  dantaro get gb btc-grid -o yaml --dir examples/01-quickstart
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; the exit code is 0 if all is fine, 1 for bad input, 70 for a bug of ours."""
    options = _parser().parse_args(arguments)
    sys.exit(_guarded(_run, options))


def _run(options: argparse.Namespace) -> int:
    """Load what the command needs: the operator must not pay for local mode, nor that for kopf."""
    if options.command == "operator":
        from dantaro_operator.commands.cluster import operator  # noqa: PLC0415

        return operator()
    from dantaro_operator.commands import local  # noqa: PLC0415

    return local.COMMANDS[options.command](options)


def _guarded(command: Callable[[argparse.Namespace], int], options: argparse.Namespace) -> int:
    try:
        return command(options)
    except DantaroError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"error: {error.filename or 'dantaro'}: {error.strerror or error}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except Exception as error:  # noqa: BLE001  # the outermost edge
        with tempfile.NamedTemporaryFile(
            "w", prefix="dantaro-bug-", suffix=".txt", delete=False
        ) as file:
            traceback.print_exc(file=file)
        print(
            f"error: a bug of ours: {type(error).__name__}: {error}; what happened stands in "
            f"{file.name}: please send it with a report",
            file=sys.stderr,
        )
        return EXIT_BUG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dantaro", description="Run crypto trading bots that are declared in YAML."
    )
    parser.add_argument("--version", action="version", version=f"dantaro {_version()}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_up(commands)
    _add_get(commands)
    _add_describe(commands)
    _add_validate(commands)
    _add_operator(commands)
    return parser


def _version() -> str:
    try:
        return metadata.version("dantaro")
    except metadata.PackageNotFoundError:
        return "unknown"


def _add_up(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    up = commands.add_parser(
        "up",
        help="run the bots of a folder on this machine",
        description="Run central and every bot of a folder as processes, and follow changes.",
        epilog=_UP_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    up.add_argument("folder", type=Path, metavar="DIR", help="folder of YAML")
    up.add_argument(
        "--market",
        metavar="simulated|upbit|FOLDER",
        help="where prices come from; FOLDER holds SYMBOL/1m.csv.gz files (default: simulated)",
    )
    up.add_argument(
        "--speed",
        metavar="N|max",
        help="times faster than the clock (default: 60 for simulated, else 1)",
    )
    up.add_argument(
        "--from",
        dest="start",
        type=_time,
        metavar="TIME",
        help="first market time of a replay, such as 2025-09-01T00:00:00Z",
    )
    up.add_argument("--seed", type=int, help="another simulated market")
    up.add_argument("--keep", action="store_true", help="stay up when a replay is over")
    up.add_argument("--plain", action="store_true", help="plain lines instead of a live table")
    up.set_defaults(command="up")


def _add_get(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    get = commands.add_parser(
        "get",
        help="print objects like kubectl get",
        description="Print objects with the columns of kubectl; `dantaro up` need not run.",
        epilog=_GET_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    get.add_argument("kind", metavar="tb|gb|alloc|all", help="kind of the objects, or KIND/NAME")
    get.add_argument("name", nargs="?", metavar="NAME", help="one object only")
    get.add_argument("-o", dest="output", choices=("wide", "yaml", "json"), help="another format")
    _add_place(get)
    get.set_defaults(command="get")


def _add_describe(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    describe = commands.add_parser(
        "describe",
        help="print one object in full",
        description="Print fields, conditions, open orders and the last events of an object.",
    )
    describe.add_argument(
        "kind", metavar="tb|gb|alloc|all", help="kind of the object, or KIND/NAME"
    )
    describe.add_argument("name", nargs="?", metavar="NAME", help="its name; default: all of them")
    _add_place(describe)
    describe.set_defaults(command="describe")


def _add_validate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    validate = commands.add_parser(
        "validate",
        help="check YAML without running anything",
        description="Check YAML: each object, and with a folder all of its objects together. "
        "Exit code 1 if anything is wrong.",
    )
    validate.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR", help="what to check")
    validate.set_defaults(command="validate")


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dir", type=Path, default=Path(), help="folder that `dantaro up` was given (default: .)"
    )
    parser.add_argument("-n", "--namespace", default="default", help="namespace (default: default)")
    parser.add_argument(
        "-A", "--all-namespaces", action="store_true", help="objects of all namespaces"
    )


def _time(text: str) -> object:
    try:
        return parse_utc(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _add_operator(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    operator = commands.add_parser(
        "operator",
        help="run the operator of a Kubernetes cluster",
        description="Bring every Allocation, TradingBot and GridBot of a cluster to its declared "
        "state. Of several operators one works, the others stand by.",
        epilog="Settings come from the environment: DANTARO_OPERATOR_BOT_IMAGE must be set, "
        "docs/guide/operator.md lists the others.",
    )
    operator.set_defaults(command="operator")
