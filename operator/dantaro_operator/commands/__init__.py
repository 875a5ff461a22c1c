"""What the commands of `dantaro` do, once their arguments are read."""

__all__: list[str] = []
