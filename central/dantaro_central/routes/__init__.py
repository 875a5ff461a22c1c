"""The HTTP API: one router per resource, read-only."""

__all__: list[str] = []
