import sqlalchemy as sa
from alembic import context

from dantaro_runtime.adapters.store.database import create_engine
from dantaro_runtime.adapters.store.tables import METADATA

engine = create_engine(context.config.attributes["url"])
if engine.dialect.name == "sqlite":
    # sqlite3 would commit before each CREATE: begin by hand, so that a kill half-way leaves
    # nothing.
    sa.event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
    sa.event.listen(engine, "begin", lambda link: link.exec_driver_sql("BEGIN IMMEDIATE"))
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        render_as_batch=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
