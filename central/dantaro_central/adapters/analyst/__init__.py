"""Analysts that are asked over the network."""

__all__: list[str] = []
