"""Strategies that hold one position at a time: one judge each, one cycle for all of them."""

__all__: list[str] = []
