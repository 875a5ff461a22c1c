"""One bot in one process: strategies, risk, exchanges, books, store."""

__all__: list[str] = []
