"""The tables. A change here needs a migration.

Times are RFC 3339 text in UTC with `Z` and whole seconds, so that text order is time order in every
database and the API serves them as they are. Prices and volumes are exact decimal text.
"""

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text, false

__all__ = [
    "analyses",
    "api_keys",
    "candles",
    "data_quality",
    "decisions",
    "heartbeats",
    "indicators",
    "job_runs",
    "market_clock",
    "market_samples",
    "market_status",
    "markets",
    "metadata",
    "order_books",
    "scores",
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

indicators = Table(
    "indicators",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("interval", String(4), primary_key=True),
    Column("data_until", _TIME, primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""JSON of `wire.bundle.Indicators`; a row for each analysis that found a newer closed candle."""

scores = Table(
    "scores",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("data_until", _TIME, primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""JSON of a market's score: parts with weights and inputs, and the version of the formula."""

decisions = Table(
    "decisions",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("data_until", _TIME, primary_key=True),
    Column("action", String(8), nullable=False),
    Column("confidence", _DECIMAL, nullable=False),
    Column("reason", Text, nullable=False),
    Column("valid_until", _TIME, nullable=False),
    Column("model", String(128), nullable=False),
    Column("prompt", String(32), nullable=False),
    Column("inputs", Text, nullable=False),
    Column("latency_ms", Integer, nullable=False),
    Column("cost", _DECIMAL, nullable=False),
    Column("created", String(40), nullable=False),
    sqlite_with_rowid=False,
)
"""What the analyst advised on the candle that closed at `data_until`.

`created` is the market time from which it counts, `prompt` a version, `inputs` JSON, `cost` in US
dollars.
"""

order_books = Table(
    "order_books",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("time", String(40), nullable=False),
    Column("body", Text, nullable=False),
)
"""The newest order book of a live market, JSON."""

data_quality = Table(
    "data_quality",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("interval", String(4), primary_key=True),
    Column("checked", _TIME, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("duplicate", Integer, nullable=False),
    Column("outlier", Integer, nullable=False),
    Column("stale", Integer, nullable=False),
    Column("body", Text, nullable=False),
)
"""What is wrong with the stored candles of a market, and JSON with examples."""

job_runs = Table(
    "job_runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("job", String(32), nullable=False),
    Column("started", String(40), nullable=False),
    Column("finished", String(40)),
    Column("outcome", String(16), nullable=False),
    Column("message", Text, nullable=False),
    Index("job_runs_job", "job", "started"),
)
"""What the worker's jobs did; the newest only."""

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
    Column("scopes", Text, nullable=False, server_default="read"),
    Column("unlimited", Boolean, nullable=False, server_default=false()),
    Column("created", String(40), nullable=False, server_default=""),
    Column("revoked", String(40)),
)
"""`unlimited`: no limit of requests, for the key of a process on the same machine."""

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("time", String(40), nullable=False),
    Column("message", Text, nullable=False),
)
