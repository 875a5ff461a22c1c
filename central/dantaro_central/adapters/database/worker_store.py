"""What the worker reads and writes."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from dantaro_central.adapters.database.clock_rows import (
    clock_values,
    load_clock,
    load_markets,
)
from dantaro_central.adapters.database.decision_store import add_decisions
from dantaro_central.adapters.database.tables import (
    analyses,
    candles,
    decisions,
    indicators,
    market_clock,
    market_samples,
    market_status,
    markets,
    scores,
    tickers,
)
from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Batch, Findings
from dantaro_central.core.market_clock import Market, MarketClock
from dantaro_crds.errors import SafetyError
from dantaro_crds.values import Interval, decimal_text, parse_utc, utc_text
from dantaro_crds.wire.bundle import Trend

__all__ = ["SqlWorkerStore", "candle_rows", "put_markets", "select_candles", "to_candle"]

_Row = dict[str, Any]


class SqlWorkerStore:
    """Candles, analyses and market time in a database; each method is one transaction."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_clock(self) -> MarketClock | None:
        """Return market time, None before the first start."""
        with self._engine.begin() as connection:
            return load_clock(connection)

    def load_markets(self) -> dict[str, Market]:
        """Return the markets by symbol."""
        with self._engine.begin() as connection:
            return load_markets(connection)

    def load_candles(self, symbol: str, interval: Interval, *, since: datetime) -> list[Candle]:
        """Return the candles that opened at `since` or later, oldest first."""
        query = select_candles(symbol, interval).where(candles.c.time >= utc_text(since))
        with self._engine.begin() as connection:
            found = connection.execute(query.order_by(candles.c.time))
            return [to_candle(row) for row in found]

    def load_newest(self, symbol: str, interval: Interval, *, count: int) -> list[Candle]:
        """Return the last `count` candles that are stored, or all, oldest first."""
        query = select_candles(symbol, interval).order_by(candles.c.time.desc()).limit(count)
        with self._engine.begin() as connection:
            found = connection.execute(query).all()
        return [to_candle(row) for row in reversed(found)]

    def load_trend(self) -> Trend:
        """Return the trend of the newest market status; Neutral before any."""
        query = (
            select(market_status.c.body)
            .where(market_status.c.body != "null")
            .order_by(market_status.c.data_until.desc())
            .limit(1)
        )
        with self._engine.begin() as connection:
            body = connection.scalar(query)
        return Trend(json.loads(body)["trend"]) if body else Trend.NEUTRAL

    def clear(self) -> None:
        """Delete every candle and analysis."""
        with self._engine.begin() as connection:
            for table in (
                candles,
                analyses,
                indicators,
                scores,
                decisions,
                market_samples,
                market_status,
                tickers,
                markets,
            ):
                connection.execute(delete(table))

    def add_history(self, symbol: str, candles: dict[Interval, list[Candle]]) -> None:
        """Store longer candles; those that are there already stay."""
        with self._engine.begin() as connection:
            for interval, rows in candles.items():
                _add_missing(connection, candle_rows(symbol, interval, rows))

    def add_market(self, batch: Batch, findings: Findings, *, market: Market | None) -> None:
        """Store candles and analyses of one market that catches up; twice changes nothing."""
        with self._engine.begin() as connection:
            _add_missing(connection, _all_candle_rows(batch, findings))
            _add_missing(connection, _level_rows(findings), table=analyses)
            _add_missing(connection, _indicator_rows(findings), table=indicators)
            add_decisions(connection, findings.decisions)
            if market is not None:
                put_markets(connection, [market])

    def advance(
        self,
        clock: MarketClock,
        *,
        before: MarketClock | None,
        batch: Batch,
        findings: Findings,
        markets: Sequence[Market] | None = None,
    ) -> None:
        """Store candles and analyses, then move market time from `before` to `clock`.

        Raises:
            SafetyError: Another market time is stored: another worker writes here.
        """
        with self._engine.begin() as connection:
            _add(connection, candles, _all_candle_rows(batch, findings))
            _add(connection, analyses, _level_rows(findings))
            _add(connection, indicators, _indicator_rows(findings))
            _add(connection, scores, _score_rows(findings))
            add_decisions(connection, findings.decisions)
            _add(
                connection,
                market_status,
                [
                    {"data_until": utc_text(until), "body": body}
                    for until, body in findings.statuses
                ],
            )
            _put_samples(connection, findings)
            _put_tickers(connection, findings)
            if markets is not None:
                put_markets(connection, markets)
            _move(connection, clock, before)


def _move(connection: Connection, clock: MarketClock, before: MarketClock | None) -> None:
    if before is None:
        connection.execute(insert(market_clock), clock_values(clock))
        return
    moved = connection.execute(
        update(market_clock)
        .where(market_clock.c.cursor == utc_text(before.cursor))
        .values(clock_values(clock))
    )
    if moved.rowcount != 1:
        raise SafetyError(
            f"expected market time {utc_text(before.cursor)} in the database, found another: "
            "a second worker writes to it; stop one of the two"
        )


def select_candles(symbol: str, interval: Interval) -> Select[Any]:
    """Return the query of a market's candles."""
    table = candles.c
    return select(table.time, table.open, table.high, table.low, table.close, table.volume).where(
        table.symbol == symbol, table.interval == interval.value
    )


def to_candle(row: Sequence[str]) -> Candle:
    """Return a row of `select_candles` as a candle."""
    time, open_, high, low, close, volume = row
    return Candle(
        time=parse_utc(time),
        open=Decimal(open_),
        high=Decimal(high),
        low=Decimal(low),
        close=Decimal(close),
        volume=Decimal(volume),
    )


def candle_rows(symbol: str, interval: Interval, rows: Iterable[Candle]) -> list[_Row]:
    """Return candles as rows of the table."""
    name = interval.value
    return [
        {
            "symbol": symbol,
            "interval": name,
            "time": utc_text(row.time),
            "open": decimal_text(row.open),
            "high": decimal_text(row.high),
            "low": decimal_text(row.low),
            "close": decimal_text(row.close),
            "volume": decimal_text(row.volume),
        }
        for row in rows
    ]


def _all_candle_rows(batch: Batch, findings: Findings) -> list[_Row]:
    rows: list[_Row] = []
    for symbol, minutes in batch.minutes.items():
        rows += candle_rows(symbol, Interval.M1, minutes)
    for symbol, hours in batch.hours.items():
        rows += candle_rows(symbol, Interval.M60, hours)
    for symbol, interval, candle in findings.built:
        rows += candle_rows(symbol, interval, [candle])
    return rows


def _level_rows(findings: Findings) -> list[_Row]:
    return [
        {"symbol": symbol, "data_until": utc_text(until), "support_levels": levels}
        for symbol, until, levels in findings.levels
    ]


def _score_rows(findings: Findings) -> list[_Row]:
    return [
        {"symbol": symbol, "data_until": utc_text(until), "body": body}
        for symbol, until, body in findings.scores
    ]


def _indicator_rows(findings: Findings) -> list[_Row]:
    return [
        {
            "symbol": symbol,
            "interval": interval.value,
            "data_until": utc_text(until),
            "body": body,
        }
        for symbol, interval, until, body in findings.indicators
    ]


def _add(connection: Connection, table: Table, rows: list[_Row]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _add_missing(connection: Connection, rows: list[_Row], *, table: Table = candles) -> None:
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(postgresql.insert(table).on_conflict_do_nothing(), rows)
    else:
        connection.execute(sqlite.insert(table).on_conflict_do_nothing(), rows)


def _put_samples(connection: Connection, findings: Findings) -> None:
    if not findings.samples:
        return
    until, body = findings.samples[-1]
    connection.execute(delete(market_samples))
    row = {"id": 1, "data_until": utc_text(until), "body": body}
    _add(connection, market_samples, [row])


def _put_tickers(connection: Connection, findings: Findings) -> None:
    rows = [
        {"symbol": symbol, "body": ticker.model_dump_json(by_alias=True)}
        for symbol, ticker in findings.tickers.items()
    ]
    connection.execute(delete(tickers).where(tickers.c.symbol.in_([row["symbol"] for row in rows])))
    _add(connection, tickers, rows)


def put_markets(connection: Connection, rows: Sequence[Market]) -> None:
    """Store markets in place of those of the same name."""
    connection.execute(delete(markets).where(markets.c.symbol.in_([row.symbol for row in rows])))
    _add(
        connection,
        markets,
        [{"symbol": row.symbol, "use": row.use.value, "reason": row.reason} for row in rows],
    )
