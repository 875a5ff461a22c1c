"""What runs until it is told to stop: the loop of `dantaro up` and what it shows."""

__all__: list[str] = []
