"""A store as its records tell it, for people: read only, also while its bot writes."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from dantaro_crds.values import decimal_text, parse_utc, utc_text
from dantaro_runtime.adapters.store import tables
from dantaro_runtime.adapters.store.database import store_revision, to_store_url
from dantaro_runtime.adapters.store.problems import store_error
from dantaro_runtime.core.risk import risk_day
from dantaro_runtime.errors import StoreError

__all__ = ["RECORDS", "Inspection", "Query", "Record", "Row", "open_inspection"]

Row = dict[str, Any]
"""A record by column: texts as they are stored, also money; None where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A kind of record.

    Attributes:
        table: Where it is kept.
        columns: What a person reads first, by the names that are shown.
        details: What programs get besides.
    """

    table: sa.Table
    columns: tuple[str, ...]
    details: tuple[str, ...] = ()


RECORDS = {
    "orders": Record(
        table=tables.orders,
        columns=(
            *("ts", "market", "side", "type", "price", "volume", "filled_volume", "filled_funds"),
            *("fee", "state", "client_id", "error"),
        ),
        details=("entry", "cycle", "slot", "attempt", "updated"),
    ),
    "fills": Record(
        table=tables.fills,
        columns=(
            *("ts", "market", "side", "price", "volume", "fee", "fee_currency", "client_id"),
            *("trade_id", "maker"),
        ),
    ),
    "decisions": Record(
        table=tables.decisions,
        columns=("ts", "market", "decision", "acted", "confidence", "reason"),
        details=("inputs",),
    ),
    "signals": Record(
        table=tables.signals, columns=("ts", "market", "signal", "score"), details=("meta",)
    ),
    "events": Record(
        table=tables.engine_events, columns=("ts", "level", "state", "reason", "message")
    ),
    "pnl": Record(
        table=tables.pnl_daily, columns=("date", "start", "end", "change", "realized", "fees")
    ),
}
"""What can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which records.

    Attributes:
        limit: So many of the newest; None for all.
        since: None older than that.
        symbol: Of that market only.
    """

    limit: int | None = None
    since: datetime | None = None
    symbol: str | None = None


class Inspection:
    """The records of one store.

    Args:
        link: Connection that cannot write.
    """

    def __init__(self, link: sa.Connection) -> None:
        self._link = link

    def records(self, name: str, query: Query) -> list[Row]:
        """Return the records of a kind, the newest last."""
        if name == "pnl":
            return self._days(query)
        record = RECORDS[name]
        columns = record.table.c
        market = columns.get("market")
        source: sa.FromClause = record.table
        if name == "fills":
            market, orders = tables.orders.c.market, tables.orders
            source = source.outerjoin(orders, columns.client_id == orders.c.client_id)
        wanted = [
            market.label("market") if name == "market" and market is not None else columns[name]
            for name in (*record.columns, *record.details)
        ]
        chosen = sa.select(*wanted).select_from(source).order_by(columns.id.desc())
        if query.symbol is not None and market is not None:
            chosen = chosen.where(market == query.symbol)
        if query.since is not None:
            chosen = chosen.where(columns.ts >= _second(query.since))
        rows = self._link.execute(chosen.limit(query.limit)).mappings()
        return [dict(row) for row in rows][::-1]

    def _days(self, query: Query) -> list[Row]:
        days = tables.pnl_daily.c
        chosen = sa.select(tables.pnl_daily).order_by(days.date.desc())
        if query.since is not None:
            chosen = chosen.where(days.date >= risk_day(query.since).isoformat())
        found = list(self._link.execute(chosen.limit(query.limit)))[::-1]
        if not found:
            return []
        fees = self._fees(since=found[0].date)
        return [
            {
                "date": row.date,
                "start": decimal_text(Decimal(row.equity) - Decimal(row.change)),
                "end": row.equity,
                "change": row.change,
                "realized": row.realized,
                "fees": decimal_text(fees.get(row.date, Decimal(0))),
            }
            for row in found
        ]

    def _fees(self, *, since: str) -> dict[str, Decimal]:
        fills = tables.fills.c
        # A trading day begins before its date does in UTC.
        begin = parse_utc(f"{since}T00:00:00Z") - timedelta(days=1)
        fees: dict[str, Decimal] = {}
        for row in self._link.execute(
            sa.select(fills.ts, fills.fee).where(fills.ts >= _second(begin))
        ):
            day = risk_day(parse_utc(row.ts)).isoformat()
            fees[day] = fees.get(day, Decimal(0)) + Decimal(row.fee)
        return fees


@contextmanager
def open_inspection(store: str) -> Iterator[Inspection]:
    """Open a store for reading; nothing is created, migrated or written.

    Args:
        store: A file or a URL.

    Raises:
        StoreError: There is no store, it cannot be read, or its schema is another version's.
    """
    engine, name = _open(store)
    try:
        _require_schema(store_revision(engine), name)
        with engine.connect() as link:
            yield Inspection(link)
    except SQLAlchemyError as error:
        if getattr(error.__cause__, "sqlite_errorname", "") == "SQLITE_NOTADB":
            raise _no_store(name) from error
        raise store_error(error, f"{name} cannot be read") from error
    finally:
        engine.dispose()


def _open(store: str) -> tuple[sa.Engine, str]:
    url = to_store_url(store if "://" in store else f"sqlite:///{store}")
    name = url.render_as_string(hide_password=True)
    if url.get_backend_name() != "sqlite":
        reading = {"connect_timeout": 5, "options": "-c default_transaction_read_only=on"}
        return sa.create_engine(url, connect_args=reading, poolclass=NullPool), name
    path = Path(url.database or "")
    if not path.is_file():
        raise StoreError(
            f"expected a bot's store, found no file {path}: name the store.db of a bot",
            code="StoreMissing",
        )
    # Without a log beside it nobody writes, and a reader need not leave files of its own there.
    log = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    address = f"file:{quote(str(path.absolute()))}?{mode}"
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, timeout=5),
        poolclass=NullPool,
    )
    return engine, str(path)


def _require_schema(found: str | None, name: str) -> None:
    wanted = tables.REVISION
    if found is None:
        raise _no_store(name)
    if found == wanted:
        return
    move = (
        "start its bot once with this version, which brings the store to it"
        if found < wanted
        else "use the version of dantaro-bot that runs its bot"
    )
    raise StoreError(
        f"expected a store of schema {wanted}, found {found} in {name}: {move}", code="StoreSchema"
    )


def _no_store(name: str) -> StoreError:
    found = f"expected a bot's store, found something else: {name}"
    return StoreError(f"{found}: name the store.db of a bot, or its URL", code="NoStore")


def _second(time: datetime) -> str:
    """Return what sorts before every stored time of this second and of later ones."""
    return utc_text(time.replace(microsecond=0)).removesuffix("Z")
