"""Use cases: one round of local mode (gather, decide, apply) and what the commands read."""

__all__: list[str] = []
