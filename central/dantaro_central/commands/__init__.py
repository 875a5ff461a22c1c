"""What the command line does besides running a role."""

__all__: list[str] = []
