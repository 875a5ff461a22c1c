"""TODO-loops."""
