"""What the API reads."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, bindparam, func, select

from dantaro_central.adapters.database import clock_rows
from dantaro_central.adapters.database.migrate import is_prepared
from dantaro_central.adapters.database.tables import (
    analyses,
    candles,
    market_samples,
    market_status,
    tickers,
)
from dantaro_central.core.market_clock import Market, MarketClock
from dantaro_central.core.pages import AnalysisRow, CandleRow
from dantaro_central.errors import NotReadyError
from dantaro_crds.values import Interval

__all__ = ["SqlMarketReader"]

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

_ANALYSES = (
    select(analyses.c.data_until, analyses.c.support_levels, market_status.c.body)
    .join_from(
        analyses,
        market_status,
        market_status.c.data_until == analyses.c.data_until,
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
        """
        if not self._is_prepared:
            self._is_prepared = is_prepared(self._engine)
        if not self._is_prepared:
            raise NotReadyError(
                "the database is not prepared yet: start the worker, or wait for it"
            )
        with self._engine.begin() as connection:
            yield SqlMarketSnapshot(connection)


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

    def analysis_rows(self, symbol: str, *, first: str, last: str) -> list[AnalysisRow]:
        """Return the newest analysis up to `first` and all after it up to `last`, oldest first."""
        found = self._connection.execute(
            _ANALYSES, {"symbol": symbol, "first": first, "last": last}
        )
        return [
            AnalysisRow(data_until=until, support_levels=levels, market_status=status or "null")
            for until, levels, status in found.all()
        ]

    def samples_json(self) -> tuple[str, str] | None:
        """Return `dataUntil` and the JSON of the newest samples, None before any."""
        found = self._connection.execute(_SAMPLES).one_or_none()
        return None if found is None else (found.data_until, found.body)

    def ticker_json(self, symbol: str) -> str | None:
        """Return the JSON of a market's `Ticker`, None before the first candle."""
        return self._connection.scalar(_TICKER, {"symbol": symbol})
