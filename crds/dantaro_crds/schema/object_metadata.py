"""What an API server wants of an object's metadata, whatever its kind.

A schema says the shapes; labels, annotations, finalizers and owners also have rules that no schema
can say.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dantaro_crds.schema.manifests import MAX_NAME_LENGTH
from dantaro_crds.schema.structural import Schema
from dantaro_crds.schema.structure import Flaw, Path, check_structure
from dantaro_crds.schema.wording import found
from dantaro_crds.v1alpha1.references import NAMESPACE_PATTERN
from dantaro_crds.values import NAME_PATTERN

__all__ = ["METADATA", "check_metadata"]

MAX_ANNOTATIONS_BYTES = 1 << 18
"""Most bytes of all annotations together, keys and values, in UTF-8."""

_LONGEST_MARK = 63
_LONGEST_PREFIX = 253
_MARK_TEXT = "at most 63 letters, digits and -_. between them"

_MARK = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_BOOLEAN: Schema = {"type": "boolean"}
_INT64: Schema = {"type": "integer", "minimum": -(1 << 63), "maximum": (1 << 63) - 1}
_TEXTS: Schema = {"type": "object", "additionalProperties": _TEXT}
_FILLED: Schema = {"type": "string", "minLength": 1}


def _object(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    return {"type": "object", "required": list(required), "properties": properties}


_OWNER = _object(
    ("apiVersion", "kind", "name", "uid"),
    apiVersion={**_FILLED, "description": "Version of the owner."},
    kind={**_FILLED, "description": "Kind of the owner."},
    name={**_FILLED, "description": "Name of the owner."},
    uid={**_FILLED, "description": "Uid of the owner."},
    controller=_BOOLEAN,
    blockOwnerDeletion=_BOOLEAN,
)

_WRITER = _object(
    manager=_TEXT,
    operation=_TEXT,
    apiVersion=_TEXT,
    time=_TIME,
    fieldsType=_TEXT,
    fieldsV1={},
    subresource=_TEXT,
)

METADATA: Schema = _object(
    ("name",),
    name={
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_NAME_LENGTH,
        "pattern": NAME_PATTERN,
        "description": "Name of the object.",
    },
    namespace={"type": "string", "maxLength": 63, "pattern": NAMESPACE_PATTERN},
    labels=_TEXTS,
    annotations=_TEXTS,
    finalizers={"type": "array", "items": _TEXT},
    ownerReferences={"type": "array", "items": _OWNER},
    uid=_TEXT,
    generation=_INT64,
    creationTimestamp=_TIME,
    deletionTimestamp=_TIME,
    # Of no meaning to us; they stand in what `kubectl get -o yaml` writes.
    deletionGracePeriodSeconds=_INT64,
    generateName=_TEXT,
    managedFields={"type": "array", "items": _WRITER},
    resourceVersion=_TEXT,
    selfLink=_TEXT,
)
METADATA["description"] = "Who the object is."


def check_metadata(value: Any, path: Path) -> Iterator[Flaw]:
    """Yield every flaw of a `metadata`; what has the wrong shape gets no second finding."""
    yield from check_structure(value, METADATA, path)
    if not isinstance(value, Mapping):
        return
    for name, check in _CHECKS.items():
        yield from check(value.get(name), (*path, name))


def _check_generate_name(prefix: Any, path: Path) -> Iterator[Flaw]:
    """A name is made of it: a hyphen at its end is no flaw."""
    if not isinstance(prefix, str) or not prefix:
        return
    name = f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix
    if len(name) > _LONGEST_PREFIX or not _SUBDOMAIN.fullmatch(name):
        message = f"expected the start of a name in small letters, was {found(prefix)}"
        yield Flaw(path=path, message=message)


def _check_labels(labels: Any, path: Path) -> Iterator[Flaw]:
    for key, value in _texts(labels).items():
        if _is_no_key(key):
            yield Flaw(path=(*path, key), message=_no_key("a label", key))
        if value and (len(value) > _LONGEST_MARK or not _MARK.fullmatch(value)):
            message = f"expected a value of {_MARK_TEXT}, or an empty one, was {found(value)}"
            yield Flaw(path=(*path, key), message=message)


def _check_annotations(annotations: Any, path: Path) -> Iterator[Flaw]:
    texts = _texts(annotations)
    for key in texts:
        if _is_no_key(key.lower()):
            yield Flaw(path=(*path, key), message=_no_key("an annotation", key))
    size = sum(_bytes(key) + _bytes(value) for key, value in texts.items())
    if size > MAX_ANNOTATIONS_BYTES:
        message = f"expected at most {MAX_ANNOTATIONS_BYTES} bytes in all, were {size}"
        yield Flaw(path=path, message=message)


def _check_finalizers(finalizers: Any, path: Path) -> Iterator[Flaw]:
    names = finalizers if isinstance(finalizers, list) else []
    for position, name in enumerate(names):
        if isinstance(name, str) and _is_no_key(name):
            yield Flaw(path=(*path, position), message=_no_key("a finalizer", name))
    if "orphan" in names and "foregroundDeletion" in names:
        yield Flaw(path=path, message="expected orphan or foregroundDeletion, were both")


def _check_owners(references: Any, path: Path) -> Iterator[Flaw]:
    owners = references if isinstance(references, list) else []
    owners = [owner if isinstance(owner, Mapping) else {} for owner in owners]
    for position, owner in enumerate(owners):
        version = owner.get("apiVersion")
        if isinstance(version, str) and version and not _is_version(version):
            message = f"expected a version such as apps/v1, was {found(version)}"
            yield Flaw(path=(*path, position, "apiVersion"), message=message)
        if owner.get("kind") == "Event" and version in ("v1", "/v1"):
            yield Flaw(path=(*path, position), message="expected an owner that stays, was an Event")
    controllers = sum(owner.get("controller") is True for owner in owners)
    if controllers > 1:
        message = f"expected one owner with controller: true at most, were {controllers}"
        yield Flaw(path=path, message=message)


_CHECKS: Mapping[str, Callable[[Any, Path], Iterator[Flaw]]] = {
    "generateName": _check_generate_name,
    "labels": _check_labels,
    "annotations": _check_annotations,
    "finalizers": _check_finalizers,
    "ownerReferences": _check_owners,
}
"""By field, what is looked at besides its shape."""


def _texts(value: Any) -> dict[str, str]:
    """Return the texts by key of a mapping, `null` as empty text, and no others."""
    items = value.items() if isinstance(value, Mapping) else ()
    return {
        key: text or ""
        for key, text in items
        if isinstance(key, str) and (text is None or isinstance(text, str))
    }


def _is_no_key(key: str) -> bool:
    """Return whether a text is no qualified name: `name` or `example.com/name`."""
    prefix, slash, name = key.rpartition("/")
    if slash and (len(prefix) > _LONGEST_PREFIX or not _SUBDOMAIN.fullmatch(prefix)):
        return True
    return len(name) > _LONGEST_MARK or not _MARK.fullmatch(name)


def _no_key(what: str, key: str) -> str:
    return f"expected {what} such as team or example.com/team, its name {_MARK_TEXT}, was " + (
        found(key)
    )


def _is_version(text: str) -> bool:
    group, slash, version = text.partition("/")
    return "/" not in version and bool(version if slash else group)


def _bytes(text: str) -> int:
    return len(text.encode(errors="replace"))
