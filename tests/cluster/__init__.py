"""A real Kubernetes for the tests and for a person, without Docker: `make cluster-up`."""
