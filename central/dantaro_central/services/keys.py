"""Who may read: bearer keys, kept as SHA-256 only."""

import hashlib
import hmac

from dantaro_central.ports import KeyStore
from dantaro_crds.errors import AuthenticationError
from dantaro_crds.kit.clock import Clock

__all__ = ["KeyService", "hash_of"]

_FRESH_SECONDS = 10.0
"""How long the stored hashes are kept, so that a new or a withdrawn key counts soon."""


def hash_of(key: str) -> str:
    """Return what is stored of a key. Keys are random, so a plain hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyService:
    """Checks keys."""

    def __init__(self, store: KeyStore, clock: Clock, *, own_hash: str | None = None) -> None:
        """Choose the keys that count.

        Args:
            store: The stored hashes.
            clock: Decides when they are read again.
            own_hash: One more that counts, of the key file of this process.
        """
        self._store = store
        self._clock = clock
        self._own = [own_hash] if own_hash else []
        self._hashes: list[str] = []
        self._read_at: float | None = None

    def check(self, authorization: str) -> None:
        """Accept an `Authorization` header.

        Raises:
            AuthenticationError: There is no bearer key, or it is not known.
        """
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise AuthenticationError(
                "expected the header Authorization: Bearer KEY", code="Unauthenticated"
            )
        found = hash_of(key.strip())
        matches = [hmac.compare_digest(found, known) for known in self._known()]
        if not any(matches):
            raise AuthenticationError("the key is not known: check the key file", code="KeyUnknown")

    def _known(self) -> list[str]:
        now = self._clock.monotonic()
        if self._read_at is None or now - self._read_at > _FRESH_SECONDS:
            self._hashes = self._own + self._store.load_hashes()
            self._read_at = now
        return self._hashes
