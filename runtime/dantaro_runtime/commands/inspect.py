"""`dantaro-bot inspect`: what a bot's store holds, as a table, JSON or CSV."""

import argparse
import csv
import decimal
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TextIO

from dantaro_crds.errors import DantaroError
from dantaro_crds.values import decimal_text, parse_utc
from dantaro_runtime.adapters.store.inspection import RECORDS, Query, Row, open_inspection
from dantaro_runtime.settings import ConfigFile

__all__ = ["inspect"]

EXIT_UNREADABLE = 1
"""The store cannot be read; the message says why."""

_EPILOG = """\
examples:
  dantaro-bot inspect --store DIR/.dantaro/bots/NAME/store.db orders
  dantaro-bot inspect --store store.db fills --since 2026-01-31 --symbol KRW-BTC -o csv
  dantaro-bot inspect --store postgresql://USER@HOST/NAME pnl
  kubectl exec POD -- dantaro-bot inspect --config /etc/dantaro/config.json orders

The store is only read, also while its bot runs. Times are UTC, the newest come last. A day of pnl
is a trading day (Asia/Seoul): start is the day's first equity with the money that was put in or
taken out during it, so that start + change = end. The day that runs is as of its last full hour.

Exit status: 0 shown, 1 the store or the configuration cannot be read, 2 the command line.
"""

_NUMBERS = frozenset(
    (
        *("price", "volume", "filled_volume", "filled_funds", "fee", "confidence", "score"),
        *("start", "end", "change", "realized", "fees"),
    )
)
"""Columns that a table aligns to the right."""

_SUMS = ("change", "realized", "fees")
"""Columns of pnl that can be added up."""


def inspect(arguments: Sequence[str], out: TextIO | None = None) -> int:
    """Show records of a store; return the exit status.

    Args:
        arguments: The command line after `inspect`.
        out: Where to; standard output unless given.
    """
    options = _parse(arguments)
    query = Query(limit=options.limit or None, since=options.since, symbol=options.symbol)
    try:
        store = options.store or _store_of(options.config)
        with decimal.localcontext(prec=60), open_inspection(store) as inspection:
            rows = inspection.records(options.records, query)
            _write(options, rows, out or sys.stdout)
    except DantaroError as error:
        print(f"dantaro-bot inspect: {error.message}", file=sys.stderr)
        return EXIT_UNREADABLE
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dantaro-bot inspect",
        description="Show what a bot's store holds.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("records", choices=tuple(RECORDS), help="what to show")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--store", metavar="FILE|URL", help="the bot's store")
    place.add_argument("--config", type=Path, metavar="FILE", help="the bot's, which names it")
    parser.add_argument(
        "--limit", type=_count, default=50, metavar="N", help="the newest N (50); 0 shows all"
    )
    parser.add_argument(
        "--since", type=_time, metavar="TIME", help="2026-01-31 or 2026-01-31T12:00:00Z, UTC"
    )
    parser.add_argument("--symbol", metavar="SYMBOL", help="one market only, such as KRW-BTC")
    parser.add_argument(
        "-o",
        dest="form",
        choices=("table", "json", "csv"),
        default="table",
        help="json is one object a line; json and csv have every column, and no totals",
    )
    options = parser.parse_args(arguments)
    if options.symbol and options.records in {"pnl", "events"}:
        parser.error(f"--symbol: {options.records} are of the whole bot, expected none")
    return options


def _store_of(config: Path) -> str:
    found = ConfigFile(config).read()
    assert found is not None
    return found.store_url


def _write(options: argparse.Namespace, rows: list[Row], out: TextIO) -> None:
    record = RECORDS[options.records]
    if options.form == "json":
        for row in rows:
            print(json.dumps(row, ensure_ascii=False), file=out)
    elif options.form == "csv":
        sheet = csv.DictWriter(out, (*record.columns, *record.details), lineterminator="\n")
        sheet.writeheader()
        sheet.writerows(rows)
    elif not rows:
        print(f"no {options.records}", file=out)
    else:
        _write_table(record.columns, rows + _totals(options.records, rows), out)


def _totals(records: str, rows: list[Row]) -> list[Row]:
    if records != "pnl":
        return []
    sums = {name: decimal_text(sum((Decimal(r[name]) for r in rows), Decimal(0))) for name in _SUMS}
    return [{"date": "total", "start": rows[0]["start"], "end": rows[-1]["end"], **sums}]


def _write_table(columns: Sequence[str], rows: list[Row], out: TextIO) -> None:
    texts = [[name.upper() for name in columns], *([_text(r[n]) for n in columns] for r in rows)]
    widths = [max(len(line[i]) for line in texts) for i in range(len(columns))]
    for line in texts:
        cells = (
            text.rjust(width) if name in _NUMBERS else text.ljust(width)
            for name, text, width in zip(columns, line, widths, strict=True)
        )
        print("  ".join(cells).rstrip(), file=out)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None or value == "" else " ".join(str(value).split())


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, found {text!r}")
    return int(text)


def _time(text: str) -> datetime:
    try:
        return parse_utc(text if "T" in text else f"{text}T00:00:00Z")
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected a day such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z, "
            f"found {text!r}"
        ) from None
