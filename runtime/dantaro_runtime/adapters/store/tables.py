"""Tables of one bot's store. Money is exact text; times are RFC 3339 text in UTC, so that they
sort.
"""

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, String, Table, Text

__all__ = [
    "METADATA",
    "REVISION",
    "balance_snapshots",
    "bot_state",
    "decisions",
    "engine_events",
    "fence",
    "fills",
    "orders",
    "paper_account",
    "paper_fills",
    "paper_orders",
    "pnl_daily",
    "signals",
]

REVISION = "0001"
"""Newest migration; a store at this revision needs none."""

METADATA = MetaData()

fence = Table(
    "fence",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("token", String(64), nullable=False),
)
"""One row: the process that may write. A new process replaces the token; the old one notices."""

bot_state = Table(
    "bot_state",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("strategy", Text, nullable=False),
    Column("desk", Text, nullable=False),
)
"""One row: the state of strategy and desk, JSON."""

engine_events = Table(
    "engine_events",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ts", String(40), nullable=False),
    Column("level", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("meta", Text),
)
"""A state change, error, recovery, limit trip, configuration change."""

signals = Table(
    "signals",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ts", String(40), nullable=False),
    Column("market", String(42), nullable=False),
    Column("signal", String(8), nullable=False),
    Column("score", Text),
    Column("meta", Text),
)
"""What a strategy saw: a row for each candle, or analyst's decision, and each way it was judged.

The newest only; `meta` is JSON: what was looked at, and what the bot made of it.
"""

decisions = Table(
    "decisions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ts", String(40), nullable=False),
    Column("market", String(42), nullable=False),
    Column("decision", String(64), nullable=False),
    Column("confidence", Text),
    Column("reason", Text, nullable=False),
    Column("inputs", Text),
    Column("acted", Boolean, nullable=False),
)
"""What was decided and why."""

orders = Table(
    "orders",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ts", String(40), nullable=False),
    Column("client_id", String(64), nullable=False, unique=True),
    Column("market", String(42), nullable=False),
    Column("side", String(8), nullable=False),
    Column("type", String(8), nullable=False),
    Column("price", Text),
    Column("volume", Text, nullable=False),
    Column("filled_volume", Text, nullable=False),
    Column("filled_funds", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("entry", Boolean, nullable=False),
    Column("exchange_order_id", String(64)),
    Column("cycle", Integer, nullable=False),
    Column("slot", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("raw", Text),
    Column("updated", String(40), nullable=False),
    Index("orders_state", "state"),
    Index("orders_ts", "ts"),
)
"""An order, from intent to its end. `slot` is the grid cell or stage with its leg."""

fills = Table(
    "fills",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ts", String(40), nullable=False),
    Column("client_id", String(64), nullable=False),
    Column("trade_id", String(64), nullable=False),
    Column("side", String(8), nullable=False),
    Column("price", Text, nullable=False),
    Column("volume", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("fee_currency", String(16), nullable=False),
    Column("maker", Boolean, nullable=False),
    Column("raw", Text),
    Index("fills_once", "client_id", "trade_id", unique=True),
)
"""An execution; each is kept once."""

balance_snapshots = Table(
    "balance_snapshots",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("ts", String(40), nullable=False, unique=True),
    Column("quote", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("quote_locked", Text, nullable=False),
    Column("base_locked", Text, nullable=False),
    Column("average_price", Text),
    Column("equity", Text, nullable=False),
)
"""The account as the bot sees its part, hourly in market time."""

pnl_daily = Table(
    "pnl_daily",
    METADATA,
    Column("date", String(10), primary_key=True),
    Column("realized", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("equity", Text, nullable=False),
)
"""A trading day, Asia/Seoul."""

paper_account = Table(
    "paper_account",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("quote", Text, nullable=False),
    Column("base", Text, nullable=False),
    Column("contributed", Text, nullable=False),
    Column("last", Text),
    Column("time", String(40)),
    Column("cursor", String(40)),
    Column("candle", String(40)),
    Column("move", Integer, nullable=False),
    Column("next_seq", Integer, nullable=False),
    Column("next_accepted", Integer, nullable=False),
)
"""One row: the paper account, and how far its market has moved."""

paper_orders = Table(
    "paper_orders",
    METADATA,
    Column("client_id", String(64), primary_key=True),
    Column("accepted", Integer, nullable=False),
    Column("side", String(8), nullable=False),
    Column("price", Text),
    Column("volume", Text),
    Column("funds", Text),
    Column("time_in_force", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("filled_volume", Text, nullable=False),
    Column("filled_funds", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("error", Text, nullable=False),
    Index("paper_orders_state", "state"),
)
"""The paper exchange's own books, apart from the bot's."""

paper_fills = Table(
    "paper_fills",
    METADATA,
    Column("seq", Integer, primary_key=True),
    Column("client_id", String(64), nullable=False),
    Column("ts", String(40), nullable=False),
    Column("side", String(8), nullable=False),
    Column("price", Text, nullable=False),
    Column("volume", Text, nullable=False),
    Column("fee", Text, nullable=False),
    Column("maker", Boolean, nullable=False),
)
"""Executions of the paper exchange in the order in which they happened."""
