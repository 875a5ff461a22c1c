"""Indicators, scores, decisions, order books, data quality, job runs; more of API keys."""

import sqlalchemy as sa
from alembic import op

__all__ = ["downgrade", "upgrade"]

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NEW = ("indicators", "scores", "decisions", "order_books", "data_quality", "job_runs")


def upgrade() -> None:
    """Make the tables and columns."""
    op.create_table(
        "indicators",
        sa.Column("symbol", sa.String(42), primary_key=True),
        sa.Column("interval", sa.String(4), primary_key=True),
        sa.Column("data_until", sa.String(20), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scores",
        sa.Column("symbol", sa.String(42), primary_key=True),
        sa.Column("data_until", sa.String(20), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "decisions",
        sa.Column("symbol", sa.String(42), primary_key=True),
        sa.Column("data_until", sa.String(20), primary_key=True),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("confidence", sa.String(40), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("valid_until", sa.String(20), nullable=False),
        sa.Column("model", sa.String(128), nullable=False),
        sa.Column("prompt", sa.String(32), nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("latency_ms", sa.Integer, nullable=False),
        sa.Column("cost", sa.String(40), nullable=False),
        sa.Column("created", sa.String(40), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "order_books",
        sa.Column("symbol", sa.String(42), primary_key=True),
        sa.Column("time", sa.String(40), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "data_quality",
        sa.Column("symbol", sa.String(42), primary_key=True),
        sa.Column("interval", sa.String(4), primary_key=True),
        sa.Column("checked", sa.String(20), nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("duplicate", sa.Integer, nullable=False),
        sa.Column("outlier", sa.Integer, nullable=False),
        sa.Column("stale", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "job_runs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("job", sa.String(32), nullable=False),
        sa.Column("started", sa.String(40), nullable=False),
        sa.Column("finished", sa.String(40)),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("job_runs_job", "job_runs", ["job", "started"])
    for column in (
        sa.Column("scopes", sa.Text, nullable=False, server_default="read"),
        sa.Column("unlimited", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("created", sa.String(40), nullable=False, server_default=""),
        sa.Column("revoked", sa.String(40)),
    ):
        op.add_column("api_keys", column)


def downgrade() -> None:
    """Drop the tables and columns."""
    for column in ("scopes", "unlimited", "created", "revoked"):
        op.drop_column("api_keys", column)
    for table in _NEW:
        op.drop_table(table)
