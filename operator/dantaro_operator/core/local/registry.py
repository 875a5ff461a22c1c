"""The part of an API server that local mode needs: what becomes of objects when files change.

Uid, generation and creation time are given here; a changed spec counts the generation up,
annotations do not. Objects that nobody wants any more get a deletion time first: they go when their
work is done. An Allocation only waits for its bots: back in a file, it is wanted again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.metadata import ObjectMeta
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_operator.core.bots import MARKET_START, Key

__all__ = ["SOURCE_FILE", "Desired", "RegistryChange", "merge_objects"]

SOURCE_FILE = "dantaro.io/source-file"
"""Annotation of local mode: the file that the object came from."""

_OURS = (MARKET_START,)
"""Annotations that no file may change once they are set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """An object as a file asks for it.

    Attributes:
        resource: Right by itself; without uid, times and status.
        file: Where it stands.
    """

    resource: Resource
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryChange:
    """The objects after a look at the files.

    Attributes:
        objects: All objects, by key.
        missing: Keys that no file names any more. Missing twice in a row is a deletion: an editor
            may have the file away for a moment.
    """

    objects: tuple[Resource, ...]
    missing: frozenset[Key]


def merge_objects(
    desired: Iterable[Desired],
    stored: Mapping[Key, Resource],
    *,
    kept: Collection[Key],
    missing_before: Collection[Key],
    now: datetime,
    new_uid: Callable[[], str],
) -> RegistryChange:
    """Return the objects that are stored from now on.

    Args:
        desired: What the files ask for, each key once.
        stored: What is stored, by key.
        kept: Keys whose file cannot be read or is refused: they stay as they are.
        missing_before: Keys that were missing at the last look.
        now: Wall time.
        new_uid: Gives an id that was never used.
    """
    created = now.replace(microsecond=0)
    objects: dict[Key, Resource] = {}
    for wish in desired:
        old = stored.get(wish.resource.key)
        objects[wish.resource.key] = (
            _update(old, wish) if old else _create(wish, created=created, uid=new_uid())
        )
    missing = frozenset(stored) - set(objects) - set(kept)
    for key, old in stored.items():
        if key not in objects:
            gone = key in missing and key in missing_before
            objects[key] = _delete(old, created) if gone else old
    return RegistryChange(objects=tuple(objects[key] for key in sorted(objects)), missing=missing)


def _create(wish: Desired, *, created: datetime, uid: str) -> Resource:
    metadata = _named(wish.resource.metadata, wish.file, {})
    fresh = metadata.model_copy(update={"uid": uid, "creation_timestamp": created})
    return wish.resource.model_copy(update={"metadata": fresh})


def _update(old: Resource, wish: Desired) -> Resource:
    wanted = wish.resource
    spec = getattr(wanted, "spec", None)
    is_changed = spec != getattr(old, "spec", None)
    kept = {
        name: old.metadata.annotations[name] for name in _OURS if name in old.metadata.annotations
    }
    metadata = _named(wanted.metadata, wish.file, kept).model_copy(
        update={
            "uid": old.metadata.uid,
            "generation": old.metadata.generation + int(is_changed),
            "creation_timestamp": old.metadata.creation_timestamp,
            "deletion_timestamp": _deletion_of(old),
        }
    )
    return old.model_copy(update={"metadata": metadata, "spec": spec})


def _deletion_of(old: Resource) -> datetime | None:
    """A bot's drain cannot be taken back: orders are cancelled, coin may be sold."""
    return None if isinstance(old, Allocation) else old.metadata.deletion_timestamp


def _named(metadata: ObjectMeta, file: str, kept: Mapping[str, str]) -> ObjectMeta:
    """Return only what an author may say of an object, and our own marks."""
    return ObjectMeta(
        name=metadata.name,
        namespace=metadata.namespace,
        labels=metadata.labels,
        annotations={**metadata.annotations, SOURCE_FILE: file, **kept},
    )


def _delete(old: Resource, now: datetime) -> Resource:
    if old.metadata.deletion_timestamp is not None:
        return old
    metadata = old.metadata.model_copy(update={"deletion_timestamp": now})
    return old.model_copy(update={"metadata": metadata})
