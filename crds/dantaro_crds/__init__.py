"""What crosses a process border: the kinds, the wire messages, and the values they are made of.

Nothing here does I/O, but for the small tools in `kit`.
"""

__all__: list[str] = []
