"""Tasks that run as long as the process."""

__all__: list[str] = []
