"""Checks a request's JWT as the venue does, with the standard library only."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from uuid import UUID

from tests.support.exchange.config import KeyConfig, KeyState, Scope
from tests.support.exchange.orders import Refusal

__all__ = ["Gate", "body_query", "raw_query", "read_claims"]

_HASHES = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}


@dataclass(kw_only=True)
class OpenKey:
    """A key and the pocket it opens."""

    pocket: str
    key: KeyConfig


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def read_claims(authorization: str) -> tuple[str, Mapping[str, Any], bytes, bytes]:
    """Return algorithm, claims, signed bytes and signature of a bearer token; nothing is checked.

    Raises:
        Refusal: It is no bearer JWT.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme != "Bearer" or not token:
        raise Refusal(401, "no_authorization_token", "no bearer token")
    try:
        header, payload, signature = token.split(".")
        algorithm = json.loads(_decode(header))["alg"]
        claims = dict(json.loads(_decode(payload)))
        return algorithm, claims, f"{header}.{payload}".encode(), _decode(signature)
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Refusal(401, "jwt_verification", "the token is no JWT") from error


def body_query(body: Mapping[str, Any]) -> str:
    """Return the query string of a JSON body: its pairs in order, numbers as they were written."""
    pairs = []
    for name, value in body.items():
        if isinstance(value, list):
            pairs += [f"{name}[]={item}" for item in value]
        else:
            pairs.append(f"{name}={value}")
    return "&".join(pairs)


class Gate:
    """Knows the keys and the nonces that were used."""

    def __init__(self) -> None:
        self._keys: dict[str, OpenKey] = {}
        self._nonces: set[tuple[str, str]] = set()

    def add(self, pocket: str, key: KeyConfig) -> None:
        """Let a key in, or change what it may do."""
        self._keys[key.access] = OpenKey(pocket=pocket, key=key)

    def change(self, access: str, **changes: object) -> None:
        """Change a key, such as its state."""
        if access not in self._keys:
            raise Refusal(404, "no_such_key", f"no key {access}")
        entry = self._keys[access]
        entry.key = KeyConfig.model_validate(entry.key.model_dump() | changes)

    def pocket_of(self, authorization: str) -> str | None:
        """Return whose request this claims to be; nothing is checked."""
        try:
            entry = self._keys.get(read_claims(authorization)[1].get("access_key", ""))
        except Refusal:
            return None
        return entry.pocket if entry else None

    def check(self, authorization: str | None, query: str, scope: Scope) -> str:
        """Return the pocket that a request may act on.

        Args:
            authorization: The header's value.
            query: What the hash must stand for, not percent-encoded; empty without parameters.
            scope: What the key has to permit.

        Raises:
            Refusal: 401 or 403 with the venue's name.
        """
        if authorization is None:
            raise Refusal(401, "no_authorization_token", "no Authorization header")
        algorithm, claims, signed, signature = read_claims(authorization)
        entry = self._keys.get(str(claims.get("access_key")))
        if entry is None:
            raise Refusal(401, "invalid_access_key", "the access key is not known")
        digest = _HASHES.get(algorithm)
        if digest is None or not hmac.compare_digest(
            hmac.digest(entry.key.secret.encode(), signed, digest), signature
        ):
            raise Refusal(401, "jwt_verification", f"{algorithm}: the signature does not fit")
        self._check_state(entry.key)
        self._use_nonce(entry.key.access, claims.get("nonce"))
        _check_hash(claims, query)
        if scope not in entry.key.scopes:
            raise Refusal(403, "out_of_scope", f"the key does not permit {scope}")
        return entry.pocket

    def _check_state(self, key: KeyConfig) -> None:
        if key.state is KeyState.EXPIRED:
            raise Refusal(401, "expired_access_key", "the key has expired")
        if key.state is KeyState.WRONG_IP:
            raise Refusal(401, "no_authorization_ip", "this address may not use the key")

    def _use_nonce(self, access: str, nonce: object) -> None:
        try:
            UUID(str(nonce))
        except ValueError as error:
            raise Refusal(401, "jwt_verification", f"nonce {nonce!r} is no UUID") from error
        if (access, str(nonce)) in self._nonces:
            raise Refusal(401, "nonce_used", "the nonce was used before")
        self._nonces.add((access, str(nonce)))


def _check_hash(claims: Mapping[str, Any], query: str) -> None:
    given = claims.get("query_hash")
    if not query and given is None:
        return
    wanted = hashlib.sha512(query.encode("utf-8", "surrogatepass")).hexdigest()
    if given != wanted or claims.get("query_hash_alg", "SHA512") != "SHA512":
        raise Refusal(401, "invalid_query_payload", "query_hash does not fit the parameters")


def raw_query(query: str) -> str:
    """Return a query as it is hashed: percent-decoded, `+` left alone."""
    return unquote(query)
