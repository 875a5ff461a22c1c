"""The outside: venues, central, the store."""

__all__: list[str] = []
