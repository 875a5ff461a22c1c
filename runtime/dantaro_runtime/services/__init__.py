"""Use cases: they gather, let the core decide, and apply."""

__all__: list[str] = []
