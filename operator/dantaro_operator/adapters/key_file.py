"""The key that opens central."""

from pathlib import Path

__all__ = ["read_key"]


def read_key(path: Path) -> str:
    """Return the bearer key in a file, read now: a Secret may be renewed.

    Raises:
        OSError: There is none, or it cannot be read.
    """
    return path.read_text(encoding="utf-8").strip()
