"""`dantaro up`, `get`, `describe` and `validate`: local mode, without kopf."""

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from dantaro_operator.adapters.yaml_values import to_yaml
from dantaro_operator.bootstrap.local import (
    UpRequest,
    build_inspection,
    keys_folder,
    run_up,
    running_up,
    validate_paths,
)
from dantaro_operator.core.local.market import MarketSource, MarketWish
from dantaro_operator.errors import FolderError, ObjectNotFoundError
from dantaro_operator.services.inspection import Selection

__all__ = ["COMMANDS"]


def up(options: argparse.Namespace) -> int:
    """Run local mode."""
    from dantaro_operator.settings import (  # noqa: PLC0415  # get and describe need none
        load_local_settings,
    )

    if not options.folder.is_dir():
        raise FolderError(f"{options.folder}: expected a folder of YAML, found none")
    settings = load_local_settings()
    wish = MarketWish(
        **_source(options.market), speed=options.speed, start=options.start, seed=options.seed
    )
    request = UpRequest(
        folder=options.folder,
        market=wish,
        keep=options.keep,
        plain=options.plain,
        caps=settings.to_caps(),
        live=settings.to_live(partial(keys_folder, options.folder)),
    )
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


def get(options: argparse.Namespace) -> int:
    """Print a table, YAML or JSON."""
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


def describe(options: argparse.Namespace) -> int:
    """Print everything about one object."""
    print(build_inspection(options.dir).describe(_selection(options)))
    _note_if_down(options.dir)
    return 0


def _note_if_down(folder: Path) -> None:
    if running_up(folder) is None:
        sys.stdout.flush()
        print(
            f"(nothing runs here now: this is how it was; `dantaro up {folder}`)", file=sys.stderr
        )


def validate(options: argparse.Namespace) -> int:
    """Print every mistake of some files."""
    from dantaro_operator.settings import load_local_settings  # noqa: PLC0415

    result = validate_paths(options.paths, is_live_open=load_local_settings().is_live_open)
    for finding in result.findings:
        print(f"{finding.severity}: {finding.text}", file=sys.stderr)
    for line in result.fine:
        print(f"{line}: fine")
    if not result.fine and not result.findings:
        raise FolderError("expected YAML of at least one object, found none")
    return 0 if result.is_fine else 1


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": up,
    "get": get,
    "describe": describe,
    "validate": validate,
}
"""Functions by the name of their command; each returns the exit code."""
