"""The reference page of the API, from its OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any

__all__ = ["build_api_reference"]

_Object = dict[str, Any]


def build_api_reference(document: _Object) -> str:
    """Return the page as Markdown.

    Args:
        document: OpenAPI 3.1, each answer with a body as FastAPI writes it.
    """
    return "\n".join(_lines(document)).rstrip() + "\n"


def _lines(document: _Object) -> Iterator[str]:
    yield "# API of central"
    yield ""
    yield document["info"]["description"].strip()
    yield ""
    yield "The guide is [Central](../guide/central.md); the same as data: `GET /openapi.json`."
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            yield from _operation(f"{method.upper()} {path}", operation)
    yield ""
    yield "# Shapes"
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _shape(name, schema)


def _operation(title: str, operation: _Object) -> Iterator[str]:
    yield ""
    yield f"## `{title}`"
    yield ""
    yield operation["description"]
    if parameters := operation.get("parameters"):
        yield ""
        yield "| Parameter | In | Type | Default |"
        yield "| --- | --- | --- | --- |"
        for item in parameters:
            default = "required" if item["required"] else item["schema"].get("default", "-")
            yield f"| `{item['name']}` | {item['in']} | {_type(item['schema'])} | {default} |"
    if body := operation.get("requestBody"):
        yield ""
        yield f"Body: {_type(body['content']['application/json']['schema'])}."
    yield ""
    yield "| Status | Answer | Body |"
    yield "| --- | --- | --- |"
    for status, answer in sorted(operation["responses"].items()):
        yield f"| {status} | {_cell(answer['description'])} | {_body(answer)} |"
    example = operation["responses"]["200"].get("content", {}).get("application/json", {})
    if "example" in example:
        yield ""
        yield "```json"
        yield json.dumps(example["example"], indent=1, ensure_ascii=False)
        yield "```"


def _body(answer: _Object) -> str:
    return ", ".join(
        f"{_type(content.get('schema', {}))} (`{kind}`)"
        for kind, content in answer.get("content", {}).items()
    )


def _shape(name: str, schema: _Object) -> Iterator[str]:
    yield ""
    yield f"## {name}"
    yield ""
    yield schema.get("description", "").split("\n\n")[0]
    if "enum" in schema:
        yield ""
        yield f"One of {', '.join(f'`{value}`' for value in schema['enum'])}."
    if properties := schema.get("properties"):
        needed = set(schema.get("required", ()))
        yield ""
        yield "| Field | Type | Meaning |"
        yield "| --- | --- | --- |"
        for field, shape in properties.items():
            optional = "" if field in needed else ", optional"
            meaning = _cell(shape.get("description", ""))
            yield f"| `{field}` | {_type(shape)}{optional} | {meaning} |"


def _type(schema: _Object) -> str:
    """Return the type of a value in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            kinds = [_type(part) for part in schema[key] if part.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema['items'])}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"object of {_type(schema['additionalProperties'])}"
        case str(kind):
            bounds = [
                f"{word} {schema[key]}"
                for key, word in (("minimum", "from"), ("maximum", "to"))
                if key in schema
            ]
            return " ".join([schema.get("format") or kind, *bounds])
        case _:
            return "any"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
