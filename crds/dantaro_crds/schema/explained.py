"""Descriptions for `kubectl explain`, which shows neither bounds nor forms nor defaults."""

from collections.abc import Iterator

from dantaro_crds.schema.structural import Schema
from dantaro_crds.schema.wording import expected_text, literal

__all__ = ["explained"]


def explained(schema: Schema) -> Schema:
    """Return the schema with what kubectl leaves out at the end of each description.

    Args:
        schema: Structural; not changed.
    """
    result = dict(schema)
    if "description" in schema:
        result["description"] = " ".join((schema["description"], *_facts(schema)))
    if "properties" in schema:
        result["properties"] = {k: explained(child) for k, child in schema["properties"].items()}
    if "items" in schema:
        result["items"] = explained(schema["items"])
    return result


def _facts(schema: Schema) -> Iterator[str]:
    kind = schema["type"]
    if kind == "string" and "pattern" in schema:
        expected = expected_text(schema)
        if "default" in schema:  # an example already
            expected, *_ = expected.split(", such as ")
        yield f"Expected: {expected}."
    if kind == "integer" and (bounds := _bounds(schema)):
        yield f"{bounds}."
    if kind == "array":
        yield f"At most {schema['maxItems']}."
    if "default" in schema and kind != "object":
        yield f"Default: {literal(schema['default'])}."


def _bounds(schema: Schema) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"At least {low}"
    return f"At most {high}" if high is not None else ""
