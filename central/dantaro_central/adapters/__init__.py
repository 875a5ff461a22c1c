"""I/O: the database and the sources of candles."""

__all__: list[str] = []
