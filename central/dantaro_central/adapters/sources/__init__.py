"""Where candles come from: one module per source."""

__all__: list[str] = []
