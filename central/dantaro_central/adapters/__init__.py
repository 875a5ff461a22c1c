"""TODO-adapters."""
