"""From a pydantic model to the structural schema that an API server takes.

Pydantic writes references, null branches and numbers as exclusive bounds; a structural schema has
none of them. A field that may be null becomes optional: the API server drops `null` by itself.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

from pydantic import BaseModel

__all__ = ["Schema", "structural_schema"]

Schema: TypeAlias = dict[str, Any]
"""A JSON schema."""

_KEPT = (
    "description",
    "type",
    "enum",
    "format",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "exclusiveMinimum",
    "maximum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "default",
    "required",
)
"""Keys that are taken over as they are, in the order in which they are written."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the schema of a model by its wire names, with every reference inlined.

    Args:
        model: Its fields hold constrained texts, whole numbers, booleans, enums, lists and models;
            no unions but with None, no bare `Decimal` or `float`.
    """
    schema = model.model_json_schema(by_alias=True)
    return _structural(schema, schema.get("$defs", {}))


def _structural(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    source = _exclusive(_one_branch(schema, definitions))
    result = {key: source[key] for key in _KEPT if source.get(key) is not None}
    if "const" in source:
        result["enum"] = [source["const"]]
    if "description" in result:
        result["description"] = " ".join(result["description"].split())
    if "default" in result:
        result["default"] = _without_null(result["default"])
    if "properties" in source:
        result["properties"] = {
            name: _structural(child, definitions) for name, child in source["properties"].items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(source.get(key), dict):
            result[key] = _structural(source[key], definitions)
    return result


def _one_branch(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Put what a reference or the only branch beside null says under the keys beside it."""
    own = {key: value for key, value in schema.items() if key not in {"$ref", "anyOf"}}
    if "$ref" in schema:
        return {**definitions[schema["$ref"].rsplit("/", 1)[1]], **own}
    if "anyOf" in schema:
        branch = next(item for item in schema["anyOf"] if item.get("type") != "null")
        return {**_one_branch(branch, definitions), **own}
    return schema


def _exclusive(schema: Schema) -> Schema:
    """Write an exclusive bound as OpenAPI 3.0 does: the bound, and a flag beside it."""
    result = dict(schema)
    for bound, flag in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if flag in schema:
            result |= {bound: schema[flag], flag: True}
    return result


def _without_null(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_null(item) for key, item in value.items() if item is not None}
    return value
