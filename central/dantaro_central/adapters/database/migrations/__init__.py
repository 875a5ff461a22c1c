"""Alembic migrations, packaged with the code that runs them."""

__all__: list[str] = []
