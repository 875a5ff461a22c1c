"""Brings a database to the newest schema."""

from sqlalchemy import Engine, inspect, text

from dantaro_crds.errors import SpecError

__all__ = ["HEAD", "is_prepared", "migrate"]

HEAD = "0003"
"""The newest revision in `migrations/versions`; a test holds it to that."""


def is_prepared(engine: Engine) -> bool:
    """Return whether the schema is the newest one."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return False
        found = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return bool(found == HEAD)


def migrate(engine: Engine) -> None:
    """Run the migrations that are missing; twice changes nothing.

    Raises:
        SpecError: A newer version of the software made the database.
    """
    if is_prepared(engine):
        return
    # Alembic costs 10 MB and 100 ms: only a new or an old database pays for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "dantaro_central.adapters.database:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise SpecError(
                f"database: expected a schema up to {HEAD}, found that of another version: {error}",
                field="databaseUrl",
            ) from error
