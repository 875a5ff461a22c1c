"""kopf bindings: each event is handed on, nothing is decided."""

__all__: list[str] = []
