"""Which market a bot trades, where the spec leaves that open."""

__all__: list[str] = []
