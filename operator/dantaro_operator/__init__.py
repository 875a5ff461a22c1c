"""TODO-dantaro_operator."""
