"""TODO-exchanges."""
