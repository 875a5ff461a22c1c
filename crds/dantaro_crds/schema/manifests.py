"""CRD manifests: one plain dict per kind, ready to be written as YAML."""

from typing import Any

from dantaro_crds.schema.explained import explained
from dantaro_crds.schema.rules import rules_of
from dantaro_crds.schema.structural import Schema, structural_schema
from dantaro_crds.v1alpha1 import CATEGORY, GROUP, VERSION
from dantaro_crds.v1alpha1.resource import PrinterColumn, Resource, dump
from dantaro_crds.v1alpha1.rule import Rule
from dantaro_crds.values import NAME_PATTERN

__all__ = ["MAX_NAME_LENGTH", "build_crd", "build_schema"]

MAX_NAME_LENGTH = 49
"""A child is named `tb-NAME`, and a label of its pod holds that and a hash: 63 signs in all."""


def build_crd(kind: type[Resource]) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind."""
    info, name = kind.info, kind.__name__
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{info.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": name,
                "listKind": f"{name}List",
                "plural": info.plural,
                "singular": name.lower(),
                "shortNames": list(info.short_names),
                "categories": [CATEGORY],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in info.columns],
                    "schema": {"openAPIV3Schema": _documented(build_schema(kind))},
                }
            ],
        },
    }


def build_schema(kind: type[Resource]) -> Schema:
    """Return the structural schema of a kind, rules included.

    The name is bounded here and not by a root rule: a root rule is looked at on every write, so an
    object older than the rule could not even lose its finalizer.
    """
    parts = structural_schema(kind)["properties"]
    for rule in rules_of(kind):
        _node(parts, rule.at).setdefault("x-kubernetes-validations", []).append(_validation(rule))
    return {
        "description": " ".join((kind.__doc__ or "").split()),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {
                "type": "object",
                "properties": {
                    "name": {
                        "type": "string",
                        "maxLength": MAX_NAME_LENGTH,
                        "pattern": NAME_PATTERN,
                    }
                },
            },
            "spec": parts["spec"],
            "status": {**parts["status"], "default": _status_default(kind)},
        },
    }


def _documented(schema: Schema) -> Schema:
    """Return the schema with the fields that a person writes explained; its root stays."""
    properties = schema["properties"]
    return {**schema, "properties": {**properties, "spec": explained(properties["spec"])}}


def _status_default(kind: type[Resource]) -> dict[str, Any]:
    """Return what a status says before the operator's first look (kstatus: not done yet)."""
    status = kind.model_fields["status"].default
    return {key: value for key, value in dump(status).items() if value != []}


def _node(parts: dict[str, Schema], path: tuple[str, ...]) -> Schema:
    node = parts[path[0]]
    for name in path[1:]:
        node = node["properties"][name]
    return node


def _validation(rule: Rule) -> dict[str, str]:
    entry = {"rule": rule.cel, "message": rule.message}
    if rule.message_expression is not None:
        entry["messageExpression"] = rule.message_expression
    if rule.field:
        entry["fieldPath"] = f".{rule.field}"
    if rule.reason != "FieldValueInvalid":
        entry["reason"] = rule.reason
    return entry


def _column(column: PrinterColumn) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "type": column.type}
    if column.priority:
        entry["priority"] = column.priority
    return {**entry, "jsonPath": column.json_path, "description": column.description}
