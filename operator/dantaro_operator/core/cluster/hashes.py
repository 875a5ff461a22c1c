"""Canonical text of JSON, and hashes of it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from dantaro_operator.core.cluster.names import INPUT_HASH

__all__ = ["canonical_json", "input_hash", "text_hash", "with_input_hash"]

_LENGTH = 16
"""Signs of a hash: 64 bits, to notice changes, not to resist an attack."""


def canonical_json(value: Any) -> str:
    """Return the one text of a JSON value: keys sorted, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def text_hash(text: str) -> str:
    """Return the first 16 hex digits of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def input_hash(manifest: Mapping[str, Any]) -> str:
    """Return the hash of a manifest, whatever its own annotation of that says."""
    return text_hash(canonical_json(_with_mark(manifest, None)))


def with_input_hash(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return a manifest that carries its hash."""
    return _with_mark(manifest, input_hash(manifest))


def _with_mark(manifest: Mapping[str, Any], mark: str | None) -> dict[str, Any]:
    metadata = manifest.get("metadata", {})
    annotations = {k: v for k, v in metadata.get("annotations", {}).items() if k != INPUT_HASH}
    if mark is not None:
        annotations[INPUT_HASH] = mark
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}
