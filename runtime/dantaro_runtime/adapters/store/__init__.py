"""TODO-store."""
