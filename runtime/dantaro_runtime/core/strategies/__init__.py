"""Strategies: (parameters, state, event) to a new state and the orders wanted. One module each."""

__all__: list[str] = []
