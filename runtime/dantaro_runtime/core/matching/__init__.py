"""The matching core of paper trading: a market, its account, its orders."""

__all__: list[str] = []
