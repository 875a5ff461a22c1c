"""Strict validation of one object: what an API server and kubectl would refuse, all of it at once.

Local mode and `dantaro validate` use this alone. Differences to an API server, on purpose: unknown
fields are always refused, and a rule is looked at as soon as the fields that it reads are right,
even when others are not.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from dantaro_crds.schema.manifests import MAX_NAME_LENGTH
from dantaro_crds.schema.rules import rules_of
from dantaro_crds.schema.structural import Schema, structural_schema
from dantaro_crds.schema.structure import Flaw, Path, check_structure, with_defaults
from dantaro_crds.schema.wording import dotted
from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.v1alpha1.rule import Node, Rule
from dantaro_crds.values import NAME_PATTERN

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


_TEXT: Schema = {"type": "string"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_NAME: Schema = {"type": "string", "minLength": 1, "pattern": NAME_PATTERN}

_METADATA: Schema = {
    "type": "object",
    "description": "Who the object is.",
    "required": ["name"],
    "properties": {
        "name": {**_NAME, "maxLength": MAX_NAME_LENGTH, "description": "Name of the object."},
        "namespace": {**_NAME, "maxLength": 63},
        "labels": {"type": "object", "additionalProperties": {**_TEXT, "maxLength": 63}},
        "annotations": {"type": "object", "additionalProperties": _TEXT},
        "finalizers": {"type": "array", "items": _TEXT},
        "uid": _TEXT,
        "generation": {"type": "integer"},
        "creationTimestamp": _TIME,
        "deletionTimestamp": _TIME,
        # Of no meaning to us; they stand in what `kubectl get -o yaml` writes.
        "deletionGracePeriodSeconds": {},
        "generateName": {},
        "managedFields": {},
        "ownerReferences": {},
        "resourceVersion": {},
        "selfLink": {},
    },
}


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
    """Return everything that is wrong with an object; when that is nothing, `parse` can read it.

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
    flaws = list(check_structure(document, schema))
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
def _schema_of(kind: type[Resource]) -> Schema:
    parts = structural_schema(kind)["properties"]
    return {
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "properties": {
            "apiVersion": {"enum": [API_VERSION], "description": API_VERSION},
            "kind": {"enum": [kind.__name__]},
            "metadata": _METADATA,
            "spec": parts["spec"],
            "status": parts["status"],
        },
    }


def _error(flaw: Flaw) -> FieldError:
    return FieldError(field=dotted(flaw.path), message=flaw.message)
