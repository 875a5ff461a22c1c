"""What the API reads."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, and_, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from dantaro_central.adapters.database import clock_rows
from dantaro_central.adapters.database.migrate import is_prepared
from dantaro_central.adapters.database.tables import (
    analyses,
    candles,
    data_quality,
    decisions,
    indicators,
    market_samples,
    market_status,
    order_books,
    tickers,
)
from dantaro_central.core.market_clock import Market, MarketClock
from dantaro_central.core.pages import AnalysisRow, CandleRow, decision_json
from dantaro_central.errors import DatabaseDownError, NotReadyError
from dantaro_crds.values import Interval

__all__ = ["SqlMarketReader"]

_log = structlog.get_logger()

# Statements are built once: building one takes longer than SQLite needs to run it.

_CANDLES = (
    select(
        candles.c.time,
        candles.c.open,
        candles.c.high,
        candles.c.low,
        candles.c.close,
        candles.c.volume,
    )
    .where(
        candles.c.symbol == bindparam("symbol"),
        candles.c.interval == bindparam("interval"),
        candles.c.time > bindparam("after"),
        candles.c.time < bindparam("until"),
    )
    .order_by(candles.c.time)
    .limit(bindparam("most"))
)

_NEWEST = (
    select(func.max(analyses.c.data_until))
    .where(analyses.c.symbol == bindparam("symbol"), analyses.c.data_until <= bindparam("first"))
    .scalar_subquery()
)

_INDICATORS = (
    select(indicators.c.body)
    .where(
        indicators.c.symbol == analyses.c.symbol,
        indicators.c.interval == bindparam("interval"),
        indicators.c.data_until <= analyses.c.data_until,
    )
    .order_by(indicators.c.data_until.desc())
    .limit(1)
    .correlate(analyses)
    .scalar_subquery()
)

_DECIDED = (
    select(decisions.c.data_until)
    .where(
        decisions.c.symbol == analyses.c.symbol,
        decisions.c.data_until <= analyses.c.data_until,
        decisions.c.created <= analyses.c.data_until,
    )
    .order_by(decisions.c.data_until.desc())
    .limit(1)
    .correlate(analyses)
    .scalar_subquery()
)

_DECISION = (
    decisions.c.action,
    decisions.c.confidence,
    decisions.c.reason,
    decisions.c.model,
    decisions.c.created,
    decisions.c.valid_until,
)

_ANALYSES = (
    select(
        analyses.c.data_until,
        analyses.c.support_levels,
        market_status.c.body,
        _INDICATORS.label("indicators"),
        *_DECISION,
    )
    .join_from(
        analyses,
        market_status,
        market_status.c.data_until == analyses.c.data_until,
        isouter=True,
    )
    .join(
        decisions,
        and_(
            decisions.c.symbol == analyses.c.symbol,
            decisions.c.data_until == _DECIDED,
            decisions.c.valid_until > analyses.c.data_until,
        ),
        isouter=True,
    )
    .where(
        analyses.c.symbol == bindparam("symbol"),
        analyses.c.data_until >= func.coalesce(_NEWEST, ""),
        analyses.c.data_until <= bindparam("last"),
    )
    .order_by(analyses.c.data_until)
)

_SAMPLES = select(market_samples.c.data_until, market_samples.c.body)

_NEWEST_INDICATORS = (
    select(indicators.c.data_until, indicators.c.body)
    .where(
        indicators.c.symbol == bindparam("symbol"),
        indicators.c.interval == bindparam("interval"),
        indicators.c.data_until <= bindparam("until"),
    )
    .order_by(indicators.c.data_until.desc())
    .limit(1)
)

_DECISIONS = (
    select(*(column for column in decisions.c if column.name != "symbol"))
    .where(decisions.c.symbol == bindparam("symbol"))
    .order_by(decisions.c.data_until.desc())
    .limit(bindparam("most"))
)

_QUALITY = select(
    *(column for column in data_quality.c if column.name != "body"),
    data_quality.c.body.label("details"),
).order_by(data_quality.c.symbol, data_quality.c.interval)

_ORDER_BOOK = select(order_books.c.time, order_books.c.body).where(
    order_books.c.symbol == bindparam("symbol")
)

_TICKER = select(tickers.c.body).where(tickers.c.symbol == bindparam("symbol"))


class SqlMarketReader:
    """Opens snapshots of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_prepared = False

    @contextmanager
    def snapshot(self) -> Iterator["SqlMarketSnapshot"]:
        """Return what is stored at this moment.

        Raises:
            NotReadyError: The worker has not prepared the database.
            DatabaseDownError: The database does not answer.
        """
        try:
            self._is_prepared = self._is_prepared or is_prepared(self._engine)
            if not self._is_prepared:
                raise NotReadyError(
                    "the database is not prepared yet: start the worker, or wait for it"
                )
            with self._engine.begin() as connection:
                yield SqlMarketSnapshot(connection)
        except (DBAPIError, DatabaseDownError) as error:
            # What the driver says may name addresses: that is for the log, not for who asks.
            _log.debug("the database does not answer", error=str(error))
            raise DatabaseDownError(
                "the database does not answer: try again in a moment"
            ) from error


class SqlMarketSnapshot:
    """Reads within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def load_clock(self) -> MarketClock | None:
        """Return market time, None before the first start."""
        return clock_rows.load_clock(self._connection)

    def load_markets(self) -> dict[str, Market]:
        """Return the markets by symbol, in the order of their names."""
        return clock_rows.load_markets(self._connection)

    def candle_rows(
        self, symbol: str, interval: Interval, *, after: str, until: str, limit: int
    ) -> Sequence[CandleRow]:
        """Return the candles that opened in (after, until), oldest first, at most `limit`."""
        found = self._connection.execute(
            _CANDLES,
            {
                "symbol": symbol,
                "interval": interval.value,
                "after": after,
                "until": until,
                "most": limit,
            },
        )
        return found.tuples().all()

    def analysis_rows(
        self, symbol: str, interval: Interval, *, first: str, last: str
    ) -> list[AnalysisRow]:
        """Return the newest analysis up to `first` and all after it up to `last`, oldest first.

        Each has the newest indicators of `interval` that were known by then, and the newest
        decision that counted then.
        """
        found = self._connection.execute(
            _ANALYSES,
            {"symbol": symbol, "interval": interval.value, "first": first, "last": last},
        )
        return [
            AnalysisRow(
                data_until=until,
                support_levels=levels,
                market_status=status or "null",
                indicators=figures or "null",
                decision=_decision(*decision),
            )
            for until, levels, status, figures, *decision in found.all()
        ]

    def samples_json(self) -> tuple[str, str] | None:
        """Return `dataUntil` and the JSON of the newest samples, None before any."""
        found = self._connection.execute(_SAMPLES).one_or_none()
        return None if found is None else (found.data_until, found.body)

    def ticker_json(self, symbol: str) -> str | None:
        """Return the JSON of a market's `Ticker`, None before the first candle."""
        return self._connection.scalar(_TICKER, {"symbol": symbol})

    def indicators_json(
        self, symbol: str, interval: Interval, *, until: str
    ) -> tuple[str, str] | None:
        """Return `dataUntil` and the JSON of the newest indicators up to `until`, if any."""
        found = self._connection.execute(
            _NEWEST_INDICATORS, {"symbol": symbol, "interval": interval.value, "until": until}
        ).first()
        return None if found is None else (found.data_until, found.body)

    def order_book_json(self, symbol: str) -> tuple[str, str] | None:
        """Return time and JSON of a live market's newest order book, None before any."""
        found = self._connection.execute(_ORDER_BOOK, {"symbol": symbol}).one_or_none()
        return None if found is None else (found.time, found.body)

    def decision_rows(self, symbol: str, *, limit: int) -> list[dict[str, Any]]:
        """Return the newest decisions by the fields of `DecisionView`, newest first."""
        found = self._connection.execute(_DECISIONS, {"symbol": symbol, "most": limit})
        return [dict(row) for row in found.mappings()]

    def quality_rows(self) -> list[dict[str, Any]]:
        """Return the quality of all markets by the fields of `QualityEntry`."""
        return [dict(row) for row in self._connection.execute(_QUALITY).mappings()]


def _decision(
    action: str | None, confidence: str, reason: str, model: str, time: str, valid_until: str
) -> str:
    if action is None:
        return "null"
    return decision_json(
        action=action,
        confidence=confidence,
        reason=reason,
        model=model,
        time=time,
        valid_until=valid_until,
    )
