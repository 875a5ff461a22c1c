"""Strict validation of one object: what an API server and kubectl would refuse, all of it at once.

Local mode and `dantaro validate` use this alone. The verdict is that of an API server that is told
to be strict, as kubectl tells it; tests/data/objects holds both to one corpus. Differences, on
purpose: a name is required, since with generateName no second look finds the object again; a time
of the metadata must be RFC 3339 and between the years 1 and 9999; half a sign (`\ud800`) is no
text. A rule is looked at as soon as the fields that it reads are right, even when others are not,
so more may be found at once. Numbers are as kubectl sends them: `10.0` is the whole number 10.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from dantaro_crds.schema.object_metadata import METADATA, check_metadata
from dantaro_crds.schema.rules import rules_of
from dantaro_crds.schema.structural import Schema, structural_schema
from dantaro_crds.schema.structure import (
    Flaw,
    Path,
    check_structure,
    unknown_fields,
    with_defaults,
)
from dantaro_crds.schema.wording import dotted
from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.v1alpha1.rule import Node, Rule

__all__ = ["FieldError", "validate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldError:
    """One thing that is wrong with an object.

    Attributes:
        field: Path of the field as the API server writes it, such as `spec.shares[1].percent`;
            empty for the object as a whole.
        message: What was expected, what was found, what to do.
    """

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


_ANY_KIND: Schema = {
    "type": "object",
    "required": ["kind"],
    "properties": {
        "apiVersion": {"enum": [API_VERSION]},
        "kind": {"enum": list(KINDS), "description": f"one of {', '.join(KINDS)}"},
        "metadata": {},
        "spec": {},
        "status": {},
    },
}
"""What can be said of an object whose kind is not known."""


def validate(document: object, *, old: Mapping[str, Any] | None = None) -> list[FieldError]:
    """Return everything that is wrong with an object.

    When that is nothing, `parse` can read it but for its status, which an author does not write.

    Args:
        document: One object with JSON types. Anything else is reported, never raised.
        old: The object that it replaces, if any, for rules on what may change.

    Returns:
        Findings about single fields in the order of the document, then broken rules.
    """
    name = document.get("kind") if isinstance(document, Mapping) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        return [_error(flaw) for flaw in check_structure(document, _ANY_KIND)]
    schema = _schema_of(kind)
    flaws = _in_order(document, [*check_structure(document, schema), *_check_parts(kind, document)])
    before = _Judged(old, schema) if old is not None else None
    rules = _broken_rules(rules_of(kind), _Judged(document, schema, flaws), before)
    return [*(_error(flaw) for flaw in flaws), *rules]


class _Judged:
    """A document with its defaults and the places where it is wrong."""

    def __init__(
        self, document: object, schema: Schema, flaws: Iterable[Flaw] | None = None
    ) -> None:
        self._root = with_defaults(document, schema)
        found = check_structure(document, schema) if flaws is None else flaws
        self._wrong = [flaw.path for flaw in found if not flaw.is_unknown]

    def node(self, rule: Rule) -> Node | None:
        """Return the object that a rule stands on; None when what the rule reads is not right."""
        node = self._root
        for step in rule.at:
            node = node.get(step) if isinstance(node, Mapping) else None
        if not isinstance(node, Mapping) or any(self._touches(rule, path) for path in self._wrong):
            return None
        return node

    def _touches(self, rule: Rule, path: Path) -> bool:
        depth = len(rule.at)
        return path == rule.at[: len(path)] or (
            path[:depth] == rule.at and path[depth] in rule.reads
        )


def _broken_rules(rules: Iterable[Rule], new: _Judged, old: _Judged | None) -> Iterator[FieldError]:
    for rule in rules:
        node, before = new.node(rule), old.node(rule) if old and rule.is_transition else None
        if node is None or (rule.is_transition and before is None):
            continue
        if not rule.holds(node, before or {}):
            field = ".".join((*rule.at, rule.field)) if rule.field else ".".join(rule.at)
            yield FieldError(field=field, message=rule.text(node))


@cache
def _parts_of(kind: type[Resource]) -> dict[str, Schema]:
    parts: dict[str, Schema] = structural_schema(kind)["properties"]
    return parts


@cache
def _schema_of(kind: type[Resource]) -> Schema:
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"enum": [API_VERSION], "description": API_VERSION},
            "kind": {"enum": [kind.__name__]},
            "metadata": {"description": METADATA["description"]},
            "spec": _parts_of(kind)["spec"],
            "status": {},
        },
    }


def _check_parts(kind: type[Resource], document: object) -> Iterator[Flaw]:
    """Yield the flaws of what is not looked at like a spec.

    Of a status only the names count: an author's status is dropped before anything else is looked
    at.
    """
    if not isinstance(document, Mapping):
        return
    if document.get("metadata") is not None:
        yield from check_metadata(document["metadata"], ("metadata",))
    yield from unknown_fields(document.get("status"), _parts_of(kind)["status"], ("status",))


def _in_order(document: object, flaws: list[Flaw]) -> list[Flaw]:
    """Return flaws by the order of the fields of a document; what is missing stands last."""
    names = list(document) if isinstance(document, Mapping) else []
    at = {name: position for position, name in enumerate(names)}
    return sorted(flaws, key=lambda flaw: at.get(flaw.path[0] if flaw.path else "", len(at)))


def _error(flaw: Flaw) -> FieldError:
    return FieldError(field=dotted(flaw.path), message=flaw.message)
