"""Venues, one module each, behind the `Exchange` port."""

__all__: list[str] = []
