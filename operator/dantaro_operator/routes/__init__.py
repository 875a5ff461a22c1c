"""HTTP of the operator: health and metrics."""

__all__: list[str] = []
