"""The tables. A change here needs a migration.

Times are RFC 3339 text in UTC with `Z` and whole seconds, so that text order is time order in every
database and the API serves them as they are. Prices and volumes are exact decimal text.
"""

from sqlalchemy import Boolean, Column, Integer, MetaData, String, Table, Text

__all__ = [
    "analyses",
    "api_keys",
    "candles",
    "heartbeats",
    "market_clock",
    "market_samples",
    "market_status",
    "markets",
    "metadata",
    "tickers",
]

metadata = MetaData()

_TIME = String(20)
_DECIMAL = String(40)
_SYMBOL = String(42)

candles = Table(
    "candles",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("interval", String(4), primary_key=True),
    Column("time", _TIME, primary_key=True),
    Column("open", _DECIMAL, nullable=False),
    Column("high", _DECIMAL, nullable=False),
    Column("low", _DECIMAL, nullable=False),
    Column("close", _DECIMAL, nullable=False),
    Column("volume", _DECIMAL, nullable=False),
    sqlite_with_rowid=False,
)

analyses = Table(
    "analyses",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("data_until", _TIME, primary_key=True),
    Column("support_levels", Text, nullable=False),
    sqlite_with_rowid=False,
)

market_status = Table(
    "market_status",
    metadata,
    Column("data_until", _TIME, primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)

market_samples = Table(
    "market_samples",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("data_until", _TIME, nullable=False),
    Column("body", Text, nullable=False),
)
"""One row: what the newest recommendations are made of, JSON of `samples_json`."""

tickers = Table(
    "tickers",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("body", Text, nullable=False),
)

markets = Table(
    "markets",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("use", String(16), nullable=False),
    Column("reason", Text, nullable=False),
)

market_clock = Table(
    "market_clock",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(32), nullable=False),
    Column("live", Boolean, nullable=False),
    Column("folder", Text, nullable=False),
    Column("seed", Integer),
    Column("asked_start", String(40), nullable=False),
    Column("start", _TIME, nullable=False),
    Column("cursor", _TIME, nullable=False),
    Column("ended", Boolean, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("time", String(40), nullable=False),
    Column("message", Text, nullable=False),
)
