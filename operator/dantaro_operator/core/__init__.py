"""Pure decisions: what a folder means, what a bot gets, which status it has. No I/O, no clock."""

__all__: list[str] = []
