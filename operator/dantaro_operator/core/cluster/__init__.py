"""The objects of a cluster that a bot is made of, as plain dicts, and how they may change."""

__all__: list[str] = []
