"""`dantaro-central migrate`, `backfill` and `quality`: what a person does to the database."""

import argparse
import asyncio
from contextlib import AsyncExitStack
from typing import Any

from sqlalchemy import Engine

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.faults import tell_faults
from dantaro_central.adapters.database.migrate import HEAD, migrate
from dantaro_central.bootstrap import open_upbit
from dantaro_central.settings import CentralSettings, load_settings
from dantaro_crds.errors import NotFoundError
from dantaro_crds.kit.clock import SystemClock
from dantaro_crds.values import Interval, utc_text

__all__ = ["UPKEEP", "add_upkeep_parsers", "run_upkeep"]

UPKEEP = {
    "migrate": "prepare the database for this version, and end",
    "backfill": "fetch older candles of Upbit into the database; a worker may run meanwhile",
    "quality": "print what is wrong with the stored candles of a live source",
}
"""Command and summary."""

_INTERVALS = [name.value for name in (Interval.M1, Interval.M60, Interval.M240, Interval.D1)]


def add_upkeep_parsers(roles: Any, storage: argparse.ArgumentParser, *, epilog: str | None) -> None:
    """Describe the arguments.

    Args:
        roles: The sub-parsers of the command.
        storage: The options that name the database.
        epilog: Ends each help.
    """
    for name, summary in UPKEEP.items():
        parser = roles.add_parser(
            name, help=summary, description=summary, parents=[storage], epilog=epilog
        )
        if name == "backfill":
            _add_backfill(parser)


def _add_backfill(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--symbol", dest="symbols", metavar="A,B", default="", help="markets; default: all in KRW"
    )
    parser.add_argument(
        "--days", type=_days, required=True, metavar="N", help="how far back, 1 to 3650"
    )
    parser.add_argument(
        "--interval", choices=_INTERVALS, default="60m", help="length of the candles (default 60m)"
    )
    for option, metavar, text in (
        ("--upbit-url", "URL", "root of Upbit's public API"),
        ("--upbit-calls-per-second", "N", "most calls (default 8); a running worker makes its own"),
    ):
        parser.add_argument(option, metavar=metavar, help=text, default=argparse.SUPPRESS)


def _days(text: str) -> int:
    days = int(text) if text.isdecimal() else 0
    if not 1 <= days <= 3650:
        raise argparse.ArgumentTypeError(f"expected 1 to 3650 days, found {text}")
    return days


def run_upkeep(command: str, given: dict[str, Any]) -> None:
    """Carry out a command and print its outcome.

    Raises:
        SpecError: A setting is wrong.
        NotFoundError: Upbit does not know a market.
        TransientError: The database or Upbit does not answer.
    """
    days, interval = given.pop("days", 0), given.pop("interval", "60m")
    if command == "backfill":
        given["source"] = "upbit"
    settings = load_settings(given)
    engine = open_engine(settings.database_url)
    tell_faults(engine)
    try:
        if command == "quality":
            print(_quality_table(engine))
            return
        migrate(engine)
        if command == "migrate":
            print(f"the database is prepared: schema {HEAD}")
        else:
            asyncio.run(_backfill(engine, settings, Interval(interval), days))
    finally:
        engine.dispose()


async def _backfill(
    engine: Engine, settings: CentralSettings, interval: Interval, days: int
) -> None:
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        # Loaded here, so that the API, whose command line is the same, does without.
        from dantaro_central.adapters.database.live_store import SqlLiveStore  # noqa: PLC0415
        from dantaro_central.services.backfill import BackfillService  # noqa: PLC0415

        source = await open_upbit(settings, clock, stack)
        service = BackfillService(source, SqlLiveStore(engine), clock, tell=_tell)
        wrong = await service.fill_all([*settings.symbols], interval, days=days)
    if wrong:
        raise NotFoundError("; ".join(wrong))


def _tell(line: str) -> None:
    print(line, flush=True)


def _quality_table(engine: Engine) -> str:
    from dantaro_central.adapters.database.live_store import SqlQualityReader  # noqa: PLC0415

    reports = SqlQualityReader(engine).load_reports()
    if not reports:
        return "no report yet: the worker of a live source makes one each hour"
    rows = [("MARKET", "INTERVAL", "CHECKED", "MISSING", "DUPLICATE", "OUTLIER", "STALE")]
    rows += [
        (
            report.symbol,
            report.interval.value,
            utc_text(report.checked),
            str(report.missing),
            str(report.duplicate),
            str(report.outlier),
            f"{report.stale} min" if report.stale else "0",
        )
        for report in reports
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
