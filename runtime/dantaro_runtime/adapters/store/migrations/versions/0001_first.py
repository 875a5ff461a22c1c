"""First tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "fence",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("token", sa.String(64), nullable=False),
    )
    op.create_table(
        "bot_state",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("desk", sa.Text, nullable=False),
    )
    op.create_table(
        "engine_events",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ts", sa.String(40), nullable=False),
        sa.Column("level", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("meta", sa.Text),
    )
    op.create_table(
        "signals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ts", sa.String(40), nullable=False),
        sa.Column("market", sa.String(42), nullable=False),
        sa.Column("signal", sa.String(8), nullable=False),
        sa.Column("score", sa.Text),
        sa.Column("meta", sa.Text),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ts", sa.String(40), nullable=False),
        sa.Column("market", sa.String(42), nullable=False),
        sa.Column("decision", sa.String(64), nullable=False),
        sa.Column("confidence", sa.Text),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("inputs", sa.Text),
        sa.Column("acted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ts", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False, unique=True),
        sa.Column("market", sa.String(42), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("type", sa.String(8), nullable=False),
        sa.Column("price", sa.Text),
        sa.Column("volume", sa.Text, nullable=False),
        sa.Column("filled_volume", sa.Text, nullable=False),
        sa.Column("filled_funds", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("entry", sa.Boolean, nullable=False),
        sa.Column("exchange_order_id", sa.String(64)),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("slot", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("raw", sa.Text),
        sa.Column("updated", sa.String(40), nullable=False),
    )
    op.create_index("orders_state", "orders", ["state"])
    op.create_index("orders_ts", "orders", ["ts"])
    op.create_table(
        "fills",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ts", sa.String(40), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("trade_id", sa.String(64), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("volume", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("fee_currency", sa.String(16), nullable=False),
        sa.Column("maker", sa.Boolean, nullable=False),
        sa.Column("raw", sa.Text),
    )
    op.create_index("fills_once", "fills", ["client_id", "trade_id"], unique=True)
    op.create_table(
        "balance_snapshots",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ts", sa.String(40), nullable=False, unique=True),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("quote_locked", sa.Text, nullable=False),
        sa.Column("base_locked", sa.Text, nullable=False),
        sa.Column("average_price", sa.Text),
        sa.Column("equity", sa.Text, nullable=False),
    )
    op.create_table(
        "pnl_daily",
        sa.Column("date", sa.String(10), primary_key=True),
        sa.Column("realized", sa.Text, nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("equity", sa.Text, nullable=False),
    )
    op.create_table(
        "paper_account",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("quote", sa.Text, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("contributed", sa.Text, nullable=False),
        sa.Column("last", sa.Text),
        sa.Column("time", sa.String(40)),
        sa.Column("cursor", sa.String(40)),
        sa.Column("candle", sa.String(40)),
        sa.Column("move", sa.Integer, nullable=False),
        sa.Column("next_seq", sa.Integer, nullable=False),
        sa.Column("next_accepted", sa.Integer, nullable=False),
    )
    op.create_table(
        "paper_orders",
        sa.Column("client_id", sa.String(64), primary_key=True),
        sa.Column("accepted", sa.Integer, nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("price", sa.Text),
        sa.Column("volume", sa.Text),
        sa.Column("funds", sa.Text),
        sa.Column("time_in_force", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("filled_volume", sa.Text, nullable=False),
        sa.Column("filled_funds", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
    )
    op.create_index("paper_orders_state", "paper_orders", ["state"])
    op.create_table(
        "paper_fills",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("ts", sa.String(40), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("price", sa.Text, nullable=False),
        sa.Column("volume", sa.Text, nullable=False),
        sa.Column("fee", sa.Text, nullable=False),
        sa.Column("maker", sa.Boolean, nullable=False),
    )
