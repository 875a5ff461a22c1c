"""How the operator talks to a Kubernetes API server, beside kopf's own streams."""

__all__: list[str] = []
