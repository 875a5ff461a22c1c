"""Keys of an exchange's account, as a Secret mounts them."""

from pathlib import Path

__all__ = ["write_keys"]


def write_keys(folder: Path, *, access: str, secret: str) -> None:
    """Write both files; those that are there are replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "access-key").write_text(access)
    (folder / "secret-key").write_text(secret)
