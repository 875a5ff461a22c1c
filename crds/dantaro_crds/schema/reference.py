"""The reference page of all kinds, as Markdown: type, default and meaning of every field."""

from collections.abc import Iterable, Iterator

from dantaro_crds.schema.manifests import build_schema
from dantaro_crds.schema.rules import rules_of
from dantaro_crds.schema.structural import Schema
from dantaro_crds.schema.wording import literal, short_type
from dantaro_crds.v1alpha1 import API_VERSION, CATEGORY
from dantaro_crds.v1alpha1.resource import Resource

__all__ = ["build_reference"]


def build_reference(kinds: Iterable[type[Resource]]) -> str:
    """Return the page; it ends with a line break."""
    head = (
        f"# The API `{API_VERSION}`\n\n"
        "Every object is namespaced. Amounts of money, prices and ratios are decimal numbers in\n"
        f"quotes. `kubectl get {CATEGORY}` lists all kinds.\n"
    )
    return "\n".join((head, *(_kind_section(kind) for kind in kinds)))


def _kind_section(kind: type[Resource]) -> str:
    info, schema = kind.info, build_schema(kind)
    names = ", ".join(f"`{name}`" for name in (info.plural, *info.short_names))
    columns = [
        (column.name.upper(), f"`{column.json_path}`", column.description, _wide(column.priority))
        for column in info.columns
    ]
    rules = "\n".join(_rule_lines(kind))
    return (
        f"## {kind.__name__}\n\n{schema['description']} For kubectl: {names}.\n\n"
        f"### {kind.__name__}: what you write (`spec`)\n\n{_fields(schema, 'spec')}\n"
        f"### {kind.__name__}: rules across fields\n\n{rules}\n\n"
        f"### {kind.__name__}: what you read (`status`)\n\n{_fields(schema, 'status')}\n"
        f"### {kind.__name__}: columns of `kubectl get`\n\n"
        f"{_table(('Column', 'Path', 'Meaning', 'Shown'), columns)}"
    )


def _wide(priority: int) -> str:
    return "with `-o wide`" if priority else "always"


def _rule_lines(kind: type[Resource]) -> Iterator[str]:
    for rule in rules_of(kind):
        place = ".".join(rule.at)
        yield f"- `{place}`: {rule.message}" + (" (on a change)" if rule.is_transition else "")


def _fields(schema: Schema, part: str) -> str:
    rows = list(_rows(schema["properties"][part], part))
    return _table(("Field", "Type", "Default", "Meaning"), rows)


def _rows(schema: Schema, path: str) -> Iterator[tuple[str, str, str, str]]:
    required = schema.get("required", ())
    for name, child in schema.get("properties", {}).items():
        where = f"{path}.{name}"
        default = "**required**" if name in required else _default(child)
        yield (f"`{where}`", _type(child), default, child.get("description", ""))
        yield from _rows(child, where)
        if "items" in child:
            yield from _rows(child["items"], f"{where}[]")


def _default(schema: Schema) -> str:
    if "default" not in schema or schema["type"] == "object":
        return ""
    return f"`{literal(schema['default'])}`"


def _type(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    match schema["type"]:
        case "array":
            return f"list, at most {schema['maxItems']}"
        case "integer":
            return f"whole number{_range(schema)}"
        case "string":
            return short_type(schema)
        case other:
            return str(other)


def _range(schema: Schema) -> str:
    bounds = (("minimum", ">="), ("maximum", "<="))
    return "".join(f", {sign} {schema[key]}" for key, sign in bounds if key in schema)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, tuple("---" for _ in head), *rows)
    cells = ([cell.replace("|", "&#124;") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)
