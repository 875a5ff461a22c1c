"""TODO-dantaro_central."""
