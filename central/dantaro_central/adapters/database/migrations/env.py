"""Runs the migrations on the connection that `migrate` hands over."""

from alembic import context

from dantaro_central.adapters.database.tables import metadata

__all__: list[str] = []

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
