"""Use cases: what the worker does in one step, and what the API reads."""

__all__: list[str] = []
