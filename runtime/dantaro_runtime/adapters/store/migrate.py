"""Brings a store to the newest revision; reads its URL from standard input."""

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

__all__ = ["main", "upgrade"]


def upgrade(url: str, revision: str = "head") -> None:
    """Run every migration up to one that the store lacks; one that has all is left as it is."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = url
    command.upgrade(config, revision)


def main() -> None:
    """Read the URL and upgrade."""
    try:
        upgrade(sys.stdin.read().strip())
    except Exception as error:  # noqa: BLE001  # outermost edge: one line for the parent to show
        sys.exit(str(error).splitlines()[0])


if __name__ == "__main__":
    main()
