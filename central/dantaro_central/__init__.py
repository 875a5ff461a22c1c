"""The central server: collects candles, analyses markets, answers bots.

It never trades and holds no exchange keys.
"""

__all__: list[str] = []
