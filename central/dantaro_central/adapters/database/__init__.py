"""TODO-database."""
