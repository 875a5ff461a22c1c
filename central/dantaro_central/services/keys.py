"""Who may read: bearer keys, kept as SHA-256 only."""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from dantaro_central.ports import KeyRecord, KeyStore
from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    NotFoundError,
    SpecError,
    TransientError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import utc_text

__all__ = ["KEY_FILE_NAME", "SCOPES", "Caller", "KeyAdmin", "KeyService", "hash_of"]

KEY_FILE_NAME = "key-file"
"""Name of the stored key of `--key-file`; nobody creates, rotates or revokes it by hand."""

SCOPES = ("read",)
"""What a key may be allowed. The API only reads."""

_KEY_BYTES = 32
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

_EAGER_SECONDS = 1.0
"""How long an unknown key is refused without looking at the store again."""


def hash_of(key: str) -> str:
    """Return what is stored of a key. Keys are random, so a plain hash is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request.

    Attributes:
        sha256: Of the key, hexadecimal.
        unlimited: Whether its requests are not counted.
    """

    sha256: str
    unlimited: bool


class KeyService:
    """Checks keys against a copy in memory.

    A key is looked up by its hash: how long that takes says nothing of a key that is not known.
    """

    def __init__(self, store: KeyStore, clock: Clock, *, own_hash: str | None = None) -> None:
        """Choose the keys that count.

        Args:
            store: The stored keys.
            clock: Decides when they are read again for a key that is not known.
            own_hash: One more that counts, unlimited, of the key file of this process.
        """
        self._store = store
        self._clock = clock
        self._own = {own_hash: Caller(sha256=own_hash, unlimited=True)} if own_hash else {}
        self._callers: dict[str, Caller] = dict(self._own)
        self._revoked: frozenset[str] = frozenset()
        self._read_at: float | None = None
        self._reading = asyncio.Lock()

    def find(self, authorization: bytes) -> Caller | None:
        """Return who sends an `Authorization` header; None if the key is not in memory.

        Raises:
            AuthenticationError: There is no bearer key, or it is revoked.
        """
        scheme, _, key = authorization.partition(b" ")
        key = key.strip()
        if not key or (scheme != b"Bearer" and scheme.lower() != b"bearer"):
            raise AuthenticationError(
                "expected the header Authorization: Bearer KEY", code="Unauthenticated"
            )
        sha256 = hashlib.sha256(key).hexdigest()
        found = self._callers.get(sha256)
        if found is None and sha256 in self._revoked:
            raise AuthenticationError("the key was revoked: ask for a new one", code="KeyRevoked")
        return found

    async def check(self, authorization: bytes) -> Caller:
        """Return who sends an `Authorization` header; a new key counts at once.

        Raises:
            AuthenticationError: There is no bearer key, or it is not known, or revoked.
        """
        if (found := self.find(authorization)) is not None:
            return found
        asked = self._clock.monotonic()
        async with self._reading:
            if self._read_at is None or asked - self._read_at > _EAGER_SECONDS:
                with suppress(TransientError):
                    await self.refresh()
        if (found := self.find(authorization)) is not None:
            return found
        raise AuthenticationError("the key is not known: check the key file", code="KeyUnknown")

    async def refresh(self) -> None:
        """Read the keys again; the event loop goes on meanwhile.

        Raises:
            TransientError: The store does not answer; the keys of before count on.
        """
        self._read_at = self._clock.monotonic()
        records = await asyncio.to_thread(self._store.load_keys)
        self._callers = {
            record.sha256: Caller(sha256=record.sha256, unlimited=record.unlimited)
            for record in records
            if record.revoked is None and "read" in record.scopes
        } | self._own
        self._revoked = frozenset(r.sha256 for r in records if r.revoked is not None)


class KeyAdmin:
    """Makes and withdraws keys."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def create(self, name: str, *, scopes: Sequence[str], unlimited: bool) -> str:
        """Store a new random key and return it; it can never be read again.

        Raises:
            SpecError: The name or a scope is wrong.
            ConflictError: There is a key of that name.
            TransientError: The database does not answer, or is not prepared.
        """
        if not _NAME.fullmatch(name) or name == KEY_FILE_NAME:
            raise SpecError(
                "NAME: expected 1 to 64 letters, digits, dots, dashes or underscores and not "
                f"{KEY_FILE_NAME}, found {name!r}"
            )
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise SpecError(f"scope: expected {', '.join(SCOPES)}, found {', '.join(unknown)}")
        key = secrets.token_urlsafe(_KEY_BYTES)
        record = KeyRecord(
            name=name,
            sha256=hash_of(key),
            scopes=tuple(scopes),
            unlimited=unlimited,
            created=utc_text(self._clock.now()),
        )
        if not self._store.save_key(record, replaces=False):
            raise ConflictError(f"a key {name} exists: rotate it, or choose another name")
        return key

    def rotate(self, name: str) -> str:
        """Put a new random key in place of one, and return it; the old one no longer counts.

        Raises:
            NotFoundError: There is no such key.
            TransientError: The database does not answer, or is not prepared.
        """
        key = secrets.token_urlsafe(_KEY_BYTES)
        self._change(name, sha256=hash_of(key), created=utc_text(self._clock.now()), revoked=None)
        return key

    def revoke(self, name: str) -> None:
        """Withdraw a key; its row is kept. Twice changes nothing.

        Raises:
            NotFoundError: There is no such key.
            TransientError: The database does not answer, or is not prepared.
        """
        found = self._find(name)
        if found.revoked is None:
            self._change(name, revoked=utc_text(self._clock.now()))

    def records(self) -> list[KeyRecord]:
        """Return all keys by name.

        Raises:
            TransientError: The database does not answer.
        """
        return self._store.load_keys()

    def _find(self, name: str) -> KeyRecord:
        records = {record.name: record for record in self._store.load_keys()}
        if name not in records or name == KEY_FILE_NAME:
            known = ", ".join(sorted(records.keys() - {KEY_FILE_NAME})) or "none"
            raise NotFoundError(f"expected the name of a key ({known}), found {name}")
        return records[name]

    def _change(self, name: str, **fields: str | None) -> None:
        record = replace(self._find(name), **fields)  # type: ignore[arg-type]  # all are text
        if not self._store.save_key(record, replaces=True):
            raise NotFoundError(f"the key {name} is gone")
