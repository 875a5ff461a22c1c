"""What an API server's answer means: an object, or one of our errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    DantaroError,
    NotFoundError,
    RateLimitedError,
    SpecError,
    TransientError,
)
from dantaro_operator.errors import NamespaceEndsError

__all__ = ["EXPIRED", "Refusal", "describe", "read_refusal", "to_error"]

EXPIRED = "Expired"
"""Code of an error: the version that a list goes on from is gone; list again."""

CONTENDED = "Contended"
"""Code of an error: others wrote all the time and the server gave up."""

_LONGEST_MESSAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An answer that is not a success.

    Attributes:
        status: HTTP status, 400 or more.
        message: The server's words.
        reason: Kubernetes' own code, such as AlreadyExists; empty if something else spoke.
        causes: Codes of the causes.
        kind: Plural of the object that it speaks of; empty if the server does not know that kind.
        retry_after: Pause that it asks for.
    """

    status: int
    message: str
    reason: str = ""
    causes: frozenset[str] = frozenset()
    kind: str = ""
    retry_after: timedelta | None = None


def read_refusal(status: int, headers: Mapping[str, str], body: bytes) -> Refusal:
    """Return what a refusal says, whoever sent it."""
    content = _mapping(body)
    details = _mapping_in(content, "details")
    causes = details.get("causes")
    text = content.get("message") or body.decode("utf-8", "replace").strip() or "no message"
    return Refusal(
        status=status,
        message=str(text)[:_LONGEST_MESSAGE],
        reason=str(content.get("reason") or ""),
        causes=frozenset(
            str(cause.get("reason"))
            for cause in (causes if isinstance(causes, list) else [])
            if isinstance(cause, dict)
        ),
        kind=str(details.get("kind") or ""),
        retry_after=_retry_after(headers.get("Retry-After")),
    )


def to_error(verb: str, path: str, refusal: Refusal, *, compares: bool) -> DantaroError:
    """Return our error for a refusal.

    Args:
        verb: What we did, such as `apply`.
        path: What we did it to.
        refusal: What the server said.
        compares: Whether the call holds only for one version or for an absent object.
    """
    text = f"{verb} {describe(path)}: {refusal.message} (HTTP {refusal.status})"
    if refusal.status >= 500:
        return _server_error(text, refusal)
    match refusal.status:
        case 401 | 403:
            return _login_error(text, refusal)
        case 404:
            return NotFoundError(text)
        case 409:
            return _conflict(text, refusal, compares=compares)
        case 410:
            return TransientError(text, code=EXPIRED)
        case 429:
            return RateLimitedError(text, retry_after=refusal.retry_after)
        case _:
            return _content_error(text, refusal, compares=compares)


def _conflict(text: str, refusal: Refusal, *, compares: bool) -> DantaroError:
    if "uid mismatch" in refusal.message:
        return NotFoundError(text)  # what has the name by now is another object, or none has it
    if compares:
        return ConflictError(text)
    return TransientError(text, code=CONTENDED, retry_after=refusal.retry_after)


def _login_error(text: str, refusal: Refusal) -> DantaroError:
    # So says the server of anything new in a namespace that is on its way out.
    leaving = "NamespaceTerminating" in refusal.causes
    return NamespaceEndsError(text) if leaving else AuthenticationError(text)


def _content_error(text: str, refusal: Refusal, *, compares: bool) -> DantaroError:
    # A JSON patch that does not fit the object; every other refusal of content names the kind.
    misfit = compares and refusal.status == 422 and not refusal.kind
    return ConflictError(text) if misfit else SpecError(text)


def _server_error(text: str, refusal: Refusal) -> DantaroError:
    # So says the server to an apply of what its schema lacks; it will say so again.
    if "field not declared in schema" in refusal.message:
        return SpecError(f"{text}: install the CRDs of this version")
    if "failed to create typed patch object" in refusal.message:
        return SpecError(text)
    return TransientError(text, retry_after=refusal.retry_after)


def describe(path: str) -> str:
    """Return the object that a path of the API means, as a person would name it."""
    parts = path.partition("?")[0].strip("/").split("/")
    # /api/VERSION/... or /apis/GROUP/VERSION/...
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace = f" in {rest[1]}"
        rest = rest[2:]
    return f"{'/'.join(rest) or path}{namespace}"


def _mapping(body: bytes) -> Mapping[str, Any]:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _mapping_in(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = content.get(key)
    return found if isinstance(found, dict) else {}


def _retry_after(text: str | None) -> timedelta | None:
    """Read seconds; API servers send no dates."""
    return timedelta(seconds=int(text)) if text is not None and text.isdigit() else None
