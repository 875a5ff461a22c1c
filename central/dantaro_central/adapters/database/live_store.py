"""What only the worker of a live source writes, and what is read of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Column, Engine, Table, and_, delete, func, insert, select, true

from dantaro_central.adapters.database.migrate import is_prepared
from dantaro_central.adapters.database.tables import (
    analyses,
    candles,
    data_quality,
    decisions,
    indicators,
    job_runs,
    market_status,
    order_books,
    scores,
    tickers,
)
from dantaro_central.adapters.database.wish_store import SqlWishStore
from dantaro_central.adapters.database.worker_store import (
    SqlWorkerStore,
    candle_rows,
    put_markets,
    select_candles,
    to_candle,
)
from dantaro_central.core.candles import Candle
from dantaro_central.core.market_clock import Market
from dantaro_central.core.quality import QualityReport
from dantaro_central.live_ports import JobRun, Prunable
from dantaro_crds.values import Interval, parse_utc, utc_text
from dantaro_crds.wire.bundle import Ticker

__all__ = ["SqlJobStore", "SqlLiveStore", "SqlQualityReader", "SqlWishStore"]

_RUNS_KEPT = 1000

_PRUNABLE: dict[Prunable, Table] = {
    Prunable.CANDLES: candles,
    Prunable.ANALYSES: analyses,
    Prunable.INDICATORS: indicators,
    Prunable.SCORES: scores,
    Prunable.STATUSES: market_status,
    Prunable.DECISIONS: decisions,
}


class SqlLiveStore(SqlWorkerStore):
    """The worker's store, with what a live source adds."""

    def put_markets(self, markets: Sequence[Market]) -> None:
        """Store markets in place of those of the same name."""
        with self._engine.begin() as connection:
            put_markets(connection, markets)

    def put_tickers(self, tickers_of: Mapping[str, Ticker]) -> None:
        """Store last prices in place of those before."""
        rows = [
            {"symbol": symbol, "body": ticker.model_dump_json(by_alias=True)}
            for symbol, ticker in tickers_of.items()
        ]
        self._replace(tickers, rows)

    def put_order_books(self, books: Mapping[str, tuple[datetime, str]]) -> None:
        """Store order books (time, JSON) in place of those before."""
        rows = [
            {"symbol": symbol, "time": utc_text(time), "body": body}
            for symbol, (time, body) in books.items()
        ]
        self._replace(order_books, rows)

    def put_quality(self, reports: Sequence[QualityReport]) -> None:
        """Store reports in place of those of the same market and interval."""
        with self._engine.begin() as connection:
            for report in reports:
                key = and_(
                    data_quality.c.symbol == report.symbol,
                    data_quality.c.interval == report.interval.value,
                )
                connection.execute(delete(data_quality).where(key))
                connection.execute(
                    insert(data_quality).values(
                        symbol=report.symbol,
                        interval=report.interval.value,
                        checked=utc_text(report.checked),
                        missing=report.missing,
                        duplicate=report.duplicate,
                        outlier=report.outlier,
                        stale=report.stale,
                        body=report.body,
                    )
                )

    def load_span(
        self, symbol: str, interval: Interval, *, since: datetime, before: datetime
    ) -> list[Candle]:
        """Return the candles that opened at `since` or later and before `before`, oldest first."""
        query = select_candles(symbol, interval).where(
            candles.c.time >= utc_text(since), candles.c.time < utc_text(before)
        )
        with self._engine.begin() as connection:
            found = connection.execute(query.order_by(candles.c.time))
            return [to_candle(row) for row in found]

    def correct(self, symbol: str, interval: Interval, candles_of: Sequence[Candle]) -> int:
        """Store candles that are missing or differ; a filler replaces nothing."""
        if not candles_of:
            return 0
        first, last = candles_of[0].time, candles_of[-1].time + interval.span
        known = {c.time: c for c in self.load_span(symbol, interval, since=first, before=last)}
        wrong = [
            candle
            for candle in candles_of
            if candle.time not in known or (candle.volume and candle != known[candle.time])
        ]
        if wrong:
            rows = candle_rows(symbol, interval, wrong)
            key = and_(candles.c.symbol == symbol, candles.c.interval == interval.value)
            with self._engine.begin() as connection:
                times = [row["time"] for row in rows]
                connection.execute(delete(candles).where(key, candles.c.time.in_(times)))
                connection.execute(insert(candles), rows)
        return len(wrong)

    def prune(
        self,
        what: Prunable,
        *,
        before: datetime,
        limit: int,
        key: Mapping[str, str],
        keep: int = 1,
    ) -> int:
        """Delete the oldest rows of before a market time, at most `limit`; the newest stay."""
        table, column = _PRUNABLE[what], _time_of(what)
        rows = and_(true(), *(table.c[name] == value for name, value in key.items()))
        oldest = select(func.min(column)).where(rows)
        kept = select(column).where(rows).order_by(column.desc()).offset(keep - 1).limit(1)
        border = select(column).where(rows).order_by(column).offset(limit).limit(1)
        with self._engine.begin() as connection:
            if (connection.scalar(oldest) or utc_text(before)) >= utc_text(before):
                return 0
            if (first_kept := connection.scalar(kept)) is None:
                return 0
            end = min(first_kept, connection.scalar(border) or first_kept, utc_text(before))
            return connection.execute(delete(table).where(rows, column < end)).rowcount

    def _replace(self, table: Table, rows: list[dict[str, str]]) -> None:
        if not rows:
            return
        with self._engine.begin() as connection:
            symbols = [row["symbol"] for row in rows]
            connection.execute(delete(table).where(table.c.symbol.in_(symbols)))
            connection.execute(insert(table), rows)


def _time_of(what: Prunable) -> "Column[str]":
    table = _PRUNABLE[what]
    return table.c.time if what is Prunable.CANDLES else table.c.data_until


class SqlJobStore:
    """What the jobs did."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save_run(self, run: JobRun) -> None:
        """Store a run; of all runs the newest 1,000 are kept."""
        with self._engine.begin() as connection:
            newest = connection.scalar(select(func.max(job_runs.c.id))) or 0
            connection.execute(
                insert(job_runs).values(
                    id=newest + 1,
                    job=run.job,
                    started=utc_text(run.started),
                    finished=utc_text(run.finished),
                    outcome=run.outcome.value,
                    message=run.message,
                )
            )
            connection.execute(delete(job_runs).where(job_runs.c.id <= newest + 1 - _RUNS_KEPT))


class SqlQualityReader:
    """What was found wrong with candles."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def load_reports(self) -> list[QualityReport]:
        """Return all reports, by market and interval; none before the database is prepared."""
        if not is_prepared(self._engine):
            return []
        query = select(data_quality).order_by(data_quality.c.symbol, data_quality.c.interval)
        with self._engine.begin() as connection:
            return [
                QualityReport(
                    symbol=row.symbol,
                    interval=Interval(row.interval),
                    checked=parse_utc(row.checked),
                    missing=row.missing,
                    duplicate=row.duplicate,
                    outlier=row.outlier,
                    stale=row.stale,
                    body=row.body,
                )
                for row in connection.execute(query)
            ]
