"""TODO-dantaro_runtime."""
