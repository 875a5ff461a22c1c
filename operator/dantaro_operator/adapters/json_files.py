"""Files that are either the old or the new content, never half of it."""

import os
from pathlib import Path

__all__ = ["write_atomic"]


def write_atomic(path: Path, content: str, *, durable: bool = False, mode: int = 0o644) -> None:
    """Write a file so that a reader or a crash sees the old or the new content.

    Args:
        path: The file; its folder is made when missing.
        content: Whole new content.
        durable: Wait until the content is on the disk.
        mode: Who may read it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)
