"""The account's keys, as a Secret mounts them: two files in one folder."""

from pathlib import Path

from dantaro_crds.errors import AuthenticationError
from dantaro_runtime.adapters.exchanges.upbit.signing import Keys
from dantaro_runtime.ports import SECRET_MISSING

__all__ = ["KeyFolder"]

_NAMES = ("access-key", "secret-key")


class KeyFolder:
    """Reads the keys again when a file has changed, or when they were refused.

    Args:
        folder: Holds `access-key` and `secret-key`.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = [folder / name for name in _NAMES]
        self._seen: list[tuple[int, int, int]] = []
        self._keys: Keys | None = None

    def read(self) -> Keys:
        """Return the keys.

        Raises:
            AuthenticationError: A file is missing, unreadable or empty; code `SECRET_MISSING`.
        """
        try:
            seen = [_stamp(path) for path in self._paths]
            if self._keys is None or seen != self._seen:
                access, secret = (_text(path) for path in self._paths)
                self._keys, self._seen = Keys(access=access, secret=secret), seen
        except OSError as error:
            self.forget()
            # Its own text holds the whole path.
            raise _missing(f"{Path(error.filename or '').name}: {error.strerror}") from None
        except UnicodeDecodeError:
            self.forget()
            raise _missing("a file that is no text") from None
        return self._keys

    def forget(self) -> None:
        """Read the files again next time."""
        self._keys = None


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _text(path: Path) -> str:
    text = path.read_text().strip()
    if not text:
        raise _missing(f"{path.name} is empty")
    return text


def _missing(found: str) -> AuthenticationError:
    return AuthenticationError(
        f"expected the Secret's files access-key and secret-key, found {found}: put both keys into "
        "the Secret that the Allocation names",
        code=SECRET_MISSING,
    )
