"""The command `dantaro`."""

import argparse
import json
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from dantaro_crds.errors import DantaroError
from dantaro_crds.values import parse_utc
from dantaro_operator.adapters.yaml_values import to_yaml
from dantaro_operator.bootstrap.local import (
    UpRequest,
    build_inspection,
    run_up,
    running_up,
    validate_paths,
)
from dantaro_operator.core.local.market import MarketSource, MarketWish
from dantaro_operator.errors import FolderError, ObjectNotFoundError
from dantaro_operator.services.inspection import Selection

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
    command: Callable[[argparse.Namespace], int] = options.command
    sys.exit(_guarded(command, options))


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
    up.set_defaults(command=_up)


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
    get.set_defaults(command=_get)


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
    describe.set_defaults(command=_describe)


def _add_validate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    validate = commands.add_parser(
        "validate",
        help="check YAML without running anything",
        description="Check YAML: each object, and with a folder all of its objects together. "
        "Exit code 1 if anything is wrong.",
    )
    validate.add_argument("paths", nargs="+", type=Path, metavar="FILE|DIR", help="what to check")
    validate.set_defaults(command=_validate)


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


def _up(options: argparse.Namespace) -> int:
    if not options.folder.is_dir():
        raise FolderError(f"{options.folder}: expected a folder of YAML, found none")
    wish = MarketWish(
        **_source(options.market), speed=options.speed, start=options.start, seed=options.seed
    )
    request = UpRequest(folder=options.folder, market=wish, keep=options.keep, plain=options.plain)
    return run_up(request, sys.stdout)


def _source(market: str | None) -> dict[str, object]:
    if market is None:
        return {}
    if market in {MarketSource.SIMULATED, MarketSource.UPBIT}:
        return {"source": market}
    folder = Path(market)
    if not any(path.is_file() for path in folder.glob("*/1m.csv.gz")):
        raise FolderError(
            "--market: expected simulated, upbit or a folder with SYMBOL/1m.csv.gz files, "
            f"was {market}"
        )
    return {"source": MarketSource.REPLAY, "folder": str(folder.resolve())}


def _selection(options: argparse.Namespace) -> Selection:
    namespace = None if options.all_namespaces else options.namespace
    kind, slash, name = options.kind.partition("/")
    if slash and options.name is not None:
        raise ObjectNotFoundError(
            f"expected one name, was {options.kind} {options.name}: leave one of them out"
        )
    return Selection(kind=kind, name=name if slash else options.name, namespace=namespace)


def _get(options: argparse.Namespace) -> int:
    inspection = build_inspection(options.dir)
    selection = _selection(options)
    if options.output == "json":
        print(json.dumps(inspection.documents(selection), indent=4, ensure_ascii=False))
    elif options.output == "yaml":
        print(to_yaml(inspection.documents(selection)), end="")
    else:
        print(inspection.table(selection, wide=options.output == "wide"))
        _note_if_down(options.dir)
    return 0


def _describe(options: argparse.Namespace) -> int:
    print(build_inspection(options.dir).describe(_selection(options)))
    _note_if_down(options.dir)
    return 0


def _note_if_down(folder: Path) -> None:
    if running_up(folder) is None:
        sys.stdout.flush()
        print(
            f"(nothing runs here now: this is how it was; `dantaro up {folder}`)", file=sys.stderr
        )


def _validate(options: argparse.Namespace) -> int:
    result = validate_paths(options.paths)
    for finding in result.findings:
        print(f"{finding.severity}: {finding.text}", file=sys.stderr)
    for line in result.fine:
        print(f"{line}: fine")
    if not result.fine and not result.findings:
        raise FolderError("expected YAML of at least one object, found none")
    return 0 if result.is_fine else EXIT_BAD_INPUT


def _add_operator(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    operator = commands.add_parser(
        "operator",
        help="run the operator of a Kubernetes cluster",
        description="Bring every Allocation, TradingBot and GridBot of a cluster to its declared "
        "state. Of several operators one works, the others stand by.",
        epilog="Settings come from the environment: DANTARO_OPERATOR_BOT_IMAGE must be set, "
        "docs/guide/operator.md lists the others.",
    )
    operator.set_defaults(command=_operator)


def _operator(_: argparse.Namespace) -> int:
    # Imported late: the other commands must not pay for kopf.
    from dantaro_crds.kit.logs import configure_logs  # noqa: PLC0415
    from dantaro_operator.bootstrap.cluster import run_operator  # noqa: PLC0415
    from dantaro_operator.settings import load_settings  # noqa: PLC0415

    settings = load_settings()
    configure_logs(settings.log_level)
    return run_operator(settings)
