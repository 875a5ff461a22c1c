"""Decisions of one bot: pure, without I/O, clock or randomness but for a given seed."""

__all__: list[str] = []
