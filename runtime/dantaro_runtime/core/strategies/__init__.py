"""TODO-strategies."""
