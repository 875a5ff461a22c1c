"""What crosses a process border: the kinds, the wire messages, and the values they are made of.

Nothing here does I/O, but for the small tools in `kit`.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
"""Version of all of Dantaro."""
