"""The bot's own store: SQLAlchemy Core over SQLite (default) or PostgreSQL."""

__all__: list[str] = []
