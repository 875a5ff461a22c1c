"""The file that hands the API key to the bots of the same machine."""

import os
import secrets
from pathlib import Path

from dantaro_crds.errors import SpecError

__all__ = ["load_key", "load_or_make_key"]


def load_key(path: Path, *, field: str) -> str:
    """Return a key that somebody else gave out.

    Raises:
        SpecError: The file cannot be read, is empty, or holds more than one word.
    """
    try:
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"key file {path}: expected a readable file with a key, found {type(error).__name__}",
            field=field,
        ) from None
    if len(key.split()) != 1:
        raise SpecError(
            f"key file {path}: expected one key, found {len(key.split())} words", field=field
        )
    return key


def load_or_make_key(path: Path) -> str:
    """Return the key in a file; a missing file is made with a random key, for its owner only.

    Raises:
        SpecError: The file cannot be read or made, or is empty.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            key = path.read_text(encoding="ascii").strip()
        else:
            key = secrets.token_urlsafe(32)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{key}\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"key file {path}: expected a readable file, found {error}", field="keyFile"
        ) from error
    if not key:
        raise SpecError(
            f"key file {path}: expected a key, found nothing; delete the file to get a new one",
            field="keyFile",
        )
    return key
