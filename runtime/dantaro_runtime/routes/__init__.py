"""TODO-routes."""
