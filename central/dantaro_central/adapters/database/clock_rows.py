"""Market time and markets as rows: shared by the worker's side and the API's."""

from typing import Any

from sqlalchemy import Connection, select

from dantaro_central.adapters.database.tables import market_clock, markets
from dantaro_central.core.market_clock import Market, MarketClock, MarketUse, SourceIdentity
from dantaro_crds.values import parse_utc, utc_text

__all__ = ["clock_values", "load_clock", "load_markets"]

_CLOCK = select(market_clock)
_MARKETS = select(markets).order_by(markets.c.symbol)


def clock_values(clock: MarketClock) -> dict[str, Any]:
    """Return the row of market time."""
    return {
        "id": 1,
        "source": clock.source.name,
        "live": clock.source.live,
        "folder": clock.source.folder,
        "seed": clock.source.seed,
        "asked_start": clock.source.start,
        "start": utc_text(clock.start),
        "cursor": utc_text(clock.cursor),
        "ended": clock.ended,
    }


def load_clock(connection: Connection) -> MarketClock | None:
    """Return market time, None before the first start."""
    row = connection.execute(_CLOCK).first()
    if row is None:
        return None
    return MarketClock(
        source=SourceIdentity(
            name=row.source,
            live=row.live,
            folder=row.folder,
            seed=row.seed,
            start=row.asked_start,
        ),
        start=parse_utc(row.start),
        cursor=parse_utc(row.cursor),
        ended=row.ended,
    )


def load_markets(connection: Connection) -> dict[str, Market]:
    """Return the markets by symbol, in the order of their names."""
    return {
        row.symbol: Market(symbol=row.symbol, use=MarketUse(row.use), reason=row.reason)
        for row in connection.execute(_MARKETS)
    }
