"""Models that are kept by the thousands, with what they have in common held once."""

from collections.abc import Iterable
from typing import TypeVar

from pydantic import BaseModel

__all__ = ["compact"]

M = TypeVar("M", bound=BaseModel)

_NAMES: dict[frozenset[str], set[str]] = {}
"""Sets of field names, one of each: they depend on what was written, not on values."""


def compact(model: M) -> M:
    """Return the model itself, with one set of field names for all models that were set alike.

    pydantic gives each model a set of its own: more memory than the fields of most of ours. Ours
    are frozen, so nobody changes such a set; a copy of a model gets a set of its own again.
    """
    names = model.__pydantic_fields_set__
    shared = _NAMES.setdefault(frozenset(names), names)
    if shared is not names:
        object.__setattr__(model, "__pydantic_fields_set__", shared)
    _compact_all(model.__dict__.values())
    return model


def _compact_all(values: Iterable[object]) -> None:
    for value in values:
        if isinstance(value, BaseModel):
            compact(value)
        elif isinstance(value, list | tuple):
            _compact_all(value)
        elif isinstance(value, dict):
            _compact_all(value.values())
