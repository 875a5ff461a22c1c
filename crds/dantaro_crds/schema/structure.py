"""Holds a document against a structural schema, as an API server does, and finds all at once."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, TypeAlias

from dantaro_crds.schema.structural import Schema
from dantaro_crds.schema.wording import expected_text, found
from dantaro_crds.values import parse_utc

__all__ = ["Flaw", "Path", "check_structure", "unknown_fields", "with_defaults"]

Path: TypeAlias = tuple[str | int, ...]
"""Keys and positions from the root of a document to a value."""


_RFC_3339 = re.compile(r"[0-9-]{10}T[0-9:]{8}([.,][0-9]+)?(Z|[-+][0-9]{2}:[0-9]{2})")
"""The one form that Go reads of those that Python does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Something wrong with one value.

    Attributes:
        path: Where.
        message: What was expected, what was found, what to do.
        is_unknown: The field is not known: what is known beside it can still be judged.
    """

    path: Path
    message: str
    is_unknown: bool = False


def check_structure(value: Any, schema: Schema, path: Path = ()) -> Iterator[Flaw]:
    """Yield every flaw of a value, in the order of the document, what is missing last.

    Args:
        value: JSON types; any other object is a flaw, never an error.
        schema: Structural; `{}` lets everything pass. `null` counts as absent.
        path: Where the value lies.
    """
    if "enum" in schema:
        yield from _check_enum(value, schema, path)
        return
    match schema.get("type"):
        case "object":
            yield from _check_object(value, schema, path)
        case "array":
            yield from _check_array(value, schema, path)
        case "string":
            yield from _check_string(value, schema, path)
        case "integer":
            yield from _check_integer(value, schema, path)
        case "boolean" if not isinstance(value, bool):
            yield Flaw(path=path, message=f"expected true or false, was {found(value)}")
        case _:
            pass


def unknown_fields(value: Any, schema: Schema, path: Path = ()) -> Iterator[Flaw]:
    """Yield the fields that an API server would prune; types and bounds are not looked at."""
    if isinstance(value, list):
        for position, item in enumerate(value):
            yield from unknown_fields(item, schema.get("items", {}), (*path, position))
    if not isinstance(value, Mapping):
        return
    properties: Mapping[str, Schema] = schema.get("properties", {})
    for name, item in value.items():
        where = (*path, name if isinstance(name, str) else found(name))
        if name in properties:
            yield from unknown_fields(item, properties[name], where)
        else:
            yield Flaw(path=where, message=_unknown(name, list(properties)), is_unknown=True)


def with_defaults(value: Any, schema: Schema) -> Any:
    """Return a copy of a value as the API server would store it: defaults in, `null` out."""
    properties: Mapping[str, Schema] | None = schema.get("properties")
    if isinstance(value, Mapping) and properties is not None:
        filled = {
            name: with_defaults(item, properties.get(name, {}))
            for name, item in value.items()
            if item is not None
        }
        for name, child in properties.items():
            if name not in filled and "default" in child:
                filled[name] = with_defaults(child["default"], child)
        return filled
    if isinstance(value, list) and "items" in schema:
        return [with_defaults(item, schema["items"]) for item in value]
    return value


def _check_enum(value: Any, schema: Schema, path: Path) -> Iterator[Flaw]:
    allowed: list[str] = schema["enum"]
    if isinstance(value, str) and value in allowed:
        return
    one_of = "one of " if len(allowed) > 1 else ""
    hint = f", did you mean {_alike(value, allowed)}?" if _alike(value, allowed) else ""
    message = f"expected {one_of}{', '.join(allowed)}, was {found(value)}{hint}"
    yield Flaw(path=path, message=message)


def _check_object(value: Any, schema: Schema, path: Path) -> Iterator[Flaw]:
    if not isinstance(value, Mapping):
        yield Flaw(path=path, message=f"expected an object, was {found(value)}")
        return
    properties: Mapping[str, Schema] = schema.get("properties", {})
    values: Schema | None = schema.get("additionalProperties")
    for name, item in value.items():
        where = (*path, name if isinstance(name, str) else found(name))
        child = properties.get(name, values) if isinstance(name, str) else None
        if child is None:
            yield Flaw(path=where, message=_unknown(name, list(properties)), is_unknown=True)
        elif item is not None:
            yield from check_structure(item, child, where)
    for name in schema.get("required", ()):
        if value.get(name) is None:
            what = properties[name].get("description", "")
            yield Flaw(path=(*path, name), message=f"required and missing: {what}".rstrip(": "))


def _unknown(name: Any, known: list[str]) -> str:
    alike = _alike(name, known)
    if alike:
        return f"unknown field, did you mean {alike}?"
    return f"unknown field, expected one of {', '.join(known)}" if known else "unknown field"


def _alike(text: Any, known: list[str]) -> str:
    """Return the known word that a person most likely meant, or an empty text."""
    if not isinstance(text, str) or len(text) > 64:
        return ""
    plain = {_plain(word): word for word in known}
    return next((plain[word] for word in get_close_matches(_plain(text), plain, n=1)), "")


def _plain(word: str) -> str:
    return word.replace("_", "").replace("-", "").lower()


def _check_array(value: Any, schema: Schema, path: Path) -> Iterator[Flaw]:
    if not isinstance(value, list):
        yield Flaw(path=path, message=f"expected a list, was {found(value)}")
        return
    most = schema.get("maxItems")
    if most is not None and len(value) > most:
        yield Flaw(path=path, message=f"expected at most {most} items, were {len(value)}")
        return
    for position, item in enumerate(value):
        yield from check_structure(item, schema["items"], (*path, position))
    yield from _check_keys(value, schema.get("x-kubernetes-list-map-keys", ()), path)


def _check_keys(items: list[Any], names: list[str], path: Path) -> Iterator[Flaw]:
    seen = set()
    for position, item in enumerate(items):
        if not names or not isinstance(item, Mapping):
            continue
        key = tuple(item.get(name) for name in names)
        if not all(isinstance(part, str) for part in key):
            continue
        if key in seen:
            text = " ".join(found(part) for part in key)
            message = f"expected each {' and '.join(names)} once, was there before: {text}"
            yield Flaw(path=(*path, position), message=message)
        seen.add(key)


def _check_string(value: Any, schema: Schema, path: Path) -> Iterator[Flaw]:
    pattern = schema.get("pattern")
    wanted = expected_text(schema)
    if not isinstance(value, str):
        hint = ": put it in quotes" if isinstance(value, int | float) else ""
        yield Flaw(path=path, message=f"expected {wanted}, was {found(value)}{hint}")
        return
    longest, shortest = schema.get("maxLength"), schema.get("minLength", 0)
    if longest is not None and len(value) > longest:
        yield Flaw(path=path, message=f"expected at most {longest} signs, were {len(value)}")
    elif (
        len(value) < shortest
        or not _is_unicode(value)
        or (pattern and not re.fullmatch(pattern, value))
        or (schema.get("format") == "date-time" and not _is_time(value))
    ):
        yield Flaw(path=path, message=f"expected {wanted}, was {found(value)}")


def _is_unicode(text: str) -> bool:
    """Return whether a text can be sent: YAML's escapes can make halves of a sign."""
    return text.isascii() or text.encode(errors="replace").decode() == text


def _is_time(text: str) -> bool:
    if not _RFC_3339.fullmatch(text):
        return False
    try:
        parse_utc(text)
    except ValueError:
        return False
    return True


def _check_integer(value: Any, schema: Schema, path: Path) -> Iterator[Flaw]:
    lowest, highest = schema.get("minimum"), schema.get("maximum")
    whole = value.is_integer() if isinstance(value, float) else isinstance(value, int)
    if not whole or isinstance(value, bool):
        yield Flaw(path=path, message=f"expected a whole number, was {found(value)}")
        return
    amount = found(value).removeprefix("the number ")
    if lowest is not None and value < lowest:
        yield Flaw(path=path, message=f"must be >= {lowest}, was {amount}")
    elif highest is not None and value > highest:
        yield Flaw(path=path, message=f"must be <= {highest}, was {amount}")
