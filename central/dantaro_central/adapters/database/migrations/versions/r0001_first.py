"""First tables: candles, analyses, market time, keys, heartbeats."""

import sqlalchemy as sa
from alembic import op

__all__ = ["downgrade", "upgrade"]

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TIME = sa.String(20)
_DECIMAL = sa.String(40)
_SYMBOL = sa.String(42)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "candles",
        sa.Column("symbol", _SYMBOL, primary_key=True),
        sa.Column("interval", sa.String(4), primary_key=True),
        sa.Column("time", _TIME, primary_key=True),
        *(
            sa.Column(name, _DECIMAL, nullable=False)
            for name in ("open", "high", "low", "close", "volume")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "analyses",
        sa.Column("symbol", _SYMBOL, primary_key=True),
        sa.Column("data_until", _TIME, primary_key=True),
        sa.Column("support_levels", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "market_status",
        sa.Column("data_until", _TIME, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tickers",
        sa.Column("symbol", _SYMBOL, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "markets",
        sa.Column("symbol", _SYMBOL, primary_key=True),
        sa.Column("use", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "market_clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("source", sa.String(32), nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("folder", sa.Text, nullable=False),
        sa.Column("seed", sa.Integer),
        sa.Column("asked_start", sa.String(40), nullable=False),
        sa.Column("start", _TIME, nullable=False),
        sa.Column("cursor", _TIME, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("time", sa.String(40), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "heartbeats",
        "api_keys",
        "market_clock",
        "markets",
        "tickers",
        "market_status",
        "analyses",
        "candles",
    ):
        op.drop_table(name)
