"""Tests on a real node: `make test-e2e`."""
