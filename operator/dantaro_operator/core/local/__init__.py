"""Decisions that only local mode needs: it is its own kubectl and its own API server."""

__all__: list[str] = []
