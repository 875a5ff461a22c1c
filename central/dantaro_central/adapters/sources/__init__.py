"""TODO-sources."""
