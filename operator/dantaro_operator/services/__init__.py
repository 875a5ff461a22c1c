"""TODO-services."""
