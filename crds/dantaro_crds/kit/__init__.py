"""Tools that two processes or more use: stdlib and structlog only, 500 lines in all."""

__all__: list[str] = []
