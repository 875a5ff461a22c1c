"""Exchanges of the library ccxt, which is loaded only when one of them is opened (an extra)."""

__all__: list[str] = []
