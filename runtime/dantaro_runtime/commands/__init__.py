"""What `dantaro-bot` can do besides trading."""

__all__: list[str] = []
