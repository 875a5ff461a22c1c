"""Pure decisions over candles: no clock, no I/O, no randomness but an explicit seed."""

__all__: list[str] = []
