"""What runs until it is stopped: the worker, the HTTP server and what supervises them."""

__all__: list[str] = []
