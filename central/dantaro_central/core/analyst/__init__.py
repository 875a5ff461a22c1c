"""What the analyst decides by, the decision, and the budget of one that costs money. Pure."""

__all__: list[str] = []
