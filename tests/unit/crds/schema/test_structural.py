"""The generated schemas keep to what an API server takes."""

import re
from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import Field

from dantaro_crds.schema.manifests import build_crd, build_schema
from dantaro_crds.schema.rules import rules_of
from dantaro_crds.schema.structural import structural_schema
from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.values import PositiveDecimalStr

pytestmark = pytest.mark.unit

ALLOWED_KEYS = {
    "additionalProperties",
    "default",
    "description",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-validations",
}

kinds = pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)


def nodes(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, child in schema.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}")
    if "items" in schema:
        yield from nodes(schema["items"], f"{path}[]")


def wrong(kind: type[Resource], is_wrong: Any, part: str = "") -> list[str]:
    return [
        path for path, node in nodes(build_schema(kind)) if path.startswith(part) and is_wrong(node)
    ]


@kinds
def test_only_keys_of_a_structural_schema_stand_in_it(kind: type[Resource]) -> None:
    assert wrong(kind, lambda node: set(node) - ALLOWED_KEYS) == []


@kinds
def test_every_node_has_one_type(kind: type[Resource]) -> None:
    types = {"object", "array", "string", "integer", "boolean"}
    assert wrong(kind, lambda node: node.get("type") not in types) == []


@kinds
def test_every_text_is_bounded(kind: type[Resource]) -> None:
    bounds = {"maxLength", "enum", "format"}
    free = wrong(kind, lambda node: node["type"] == "string" and not bounds & set(node))
    assert free == [".apiVersion", ".kind"]


@kinds
def test_every_list_is_bounded_and_merges_by_key(kind: type[Resource]) -> None:
    wanted = {"maxItems", "items", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"}
    assert wrong(kind, lambda node: node["type"] == "array" and not wanted <= set(node)) == []


@kinds
def test_keys_of_a_list_are_required_in_its_items(kind: type[Resource]) -> None:
    def is_wrong(node: dict[str, Any]) -> bool:
        keys = set(node.get("x-kubernetes-list-map-keys", ()))
        return bool(keys) and not keys <= set(node["items"]["required"])

    assert wrong(kind, is_wrong) == []


@kinds
def test_every_pattern_is_re2_and_anchored(kind: type[Resource]) -> None:
    def is_wrong(node: dict[str, Any]) -> bool:
        pattern = node.get("pattern", "^$")
        re.compile(pattern)
        return "(?" in pattern or not (pattern.startswith("^") and pattern.endswith("$"))

    assert wrong(kind, is_wrong) == []


@kinds
def test_every_field_says_what_it_is(kind: type[Resource]) -> None:
    for part in (".spec", ".status"):
        assert wrong(kind, lambda node: not node.get("description"), part) == []


@kinds
def test_a_default_is_no_null_and_passes_its_own_schema(kind: type[Resource]) -> None:
    def is_wrong(node: dict[str, Any]) -> bool:
        default = node.get("default", "")
        if isinstance(default, dict):
            return not set(default) <= set(node["properties"]) or None in default.values()
        if "enum" in node and "default" in node:
            return default not in node["enum"]
        return default is None

    assert wrong(kind, is_wrong) == []


@kinds
def test_no_choice_in_a_status_can_cost_a_whole_write(kind: type[Resource]) -> None:
    with_choice = wrong(kind, lambda node: "enum" in node, ".status")
    assert with_choice == [".status.conditions[].status"]


@kinds
def test_a_root_rule_is_never_written(kind: type[Resource]) -> None:
    assert "x-kubernetes-validations" not in build_schema(kind)
    assert build_schema(kind)["required"] == ["spec"]


@kinds
def test_fields_that_a_rule_names_exist(kind: type[Resource]) -> None:
    known = {path for path, _ in nodes(build_schema(kind))}
    for rule in rules_of(kind):
        place = "".join(f".{step}" for step in rule.at)
        assert place in known
        assert not rule.field or f"{place}.{rule.field}" in known
        assert all(f"{place}.{name}" in known for name in rule.reads)
        named = set(re.findall(r"(?:self|oldSelf)\.(\w+)", rule.cel))
        assert not rule.reads or named == set(rule.reads)


@kinds
def test_rules_and_messages_fit_into_their_quotes(kind: type[Resource]) -> None:
    for rule in rules_of(kind):
        assert "'" not in rule.message + rule.suffix
        assert rule.reason in {
            "FieldValueInvalid",
            "FieldValueForbidden",
            "FieldValueRequired",
        }
        assert rule.is_transition == ("oldSelf" in rule.cel)
        assert (rule.suffix == "") == (rule.details == ())


@kinds
def test_the_manifest_is_small(kind: type[Resource]) -> None:
    assert len(repr(build_crd(kind))) < 128 * 1024


@pytest.mark.parametrize(
    ("kind", "want"),
    [
        ("Allocation", {"observedGeneration": -1}),
        ("TradingBot", {"observedGeneration": -1, "phase": "Pending"}),
        ("GridBot", {"observedGeneration": -1, "phase": "Pending"}),
    ],
)
def test_a_fresh_object_counts_as_not_done(kind: str, want: dict[str, Any]) -> None:
    status = build_schema(KINDS[kind])["properties"]["status"]
    assert status["default"] == want
    assert {name: status["properties"][name]["default"] for name in want} == want


@pytest.mark.parametrize(
    ("kind", "plural", "short"),
    [
        ("Allocation", "allocations", ["alloc"]),
        ("TradingBot", "tradingbots", ["tb"]),
        ("GridBot", "gridbots", ["gb"]),
    ],
)
def test_a_kind_has_its_names(kind: str, plural: str, short: list[str]) -> None:
    crd = build_crd(KINDS[kind])
    assert crd["metadata"]["name"] == f"{plural}.dantaro.io"
    names = crd["spec"]["names"]
    assert (names["plural"], names["shortNames"], names["kind"]) == (plural, short, kind)
    assert names["categories"] == ["dantaro"]
    (version,) = crd["spec"]["versions"]
    assert (version["name"], version["subresources"]) == ("v1alpha1", {"status": {}})


@kinds
def test_every_column_shows_a_field_that_exists(kind: type[Resource]) -> None:
    known = {path for path, _ in nodes(build_schema(kind))} | {".metadata.creationTimestamp"}
    types = {path: node["type"] for path, node in nodes(build_schema(kind))}
    for column in kind.info.columns:
        path = re.sub(r"\[\?.*?\]", "[]", column.json_path)
        assert path in known
        if column.type == "integer":
            assert types[path] == "integer"


class Colour(StrEnum):
    """A choice."""

    RED = "Red"


class Inner(Model):
    """Inner words."""

    amount: PositiveDecimalStr = Field(default=Decimal(1), gt=0, lt=5)
    """An amount."""


class Outer(Model):
    """Outer
    words.
    """

    one: Literal["x"] = "x"
    """A constant."""
    colour: Colour | None = None
    """A choice that may be missing."""
    number: int | None = Field(default=None, gt=0, lt=9)
    """A number."""
    title: str = Field(max_length=5)
    """A field with the name of a key."""
    inner: Inner = Inner()
    """An object with a default."""
    items: list[Inner] = Field(default_factory=list, min_length=1, max_length=3)
    """A list."""
    words: dict[str, str] = Field(default_factory=dict)
    """A map."""


def test_what_pydantic_writes_becomes_structural() -> None:
    schema = structural_schema(Outer)
    assert schema["description"] == "Outer words."
    assert schema["required"] == ["title"]
    fields = schema["properties"]
    assert fields["one"] == {
        "description": "A constant.",
        "type": "string",
        "default": "x",
        "enum": ["x"],
    }
    assert fields["colour"] == {
        "description": "A choice that may be missing.",
        "type": "string",
        "enum": ["Red"],
    }
    assert fields["number"] == {
        "description": "A number.",
        "type": "integer",
        "minimum": 0,
        "exclusiveMinimum": True,
        "maximum": 9,
        "exclusiveMaximum": True,
    }
    assert fields["title"]["maxLength"] == 5
    assert fields["inner"]["default"] == {"amount": "1"}
    assert fields["inner"]["description"] == "An object with a default."
    assert fields["items"]["items"]["description"] == "Inner words."
    assert (fields["items"]["minItems"], fields["items"]["maxItems"]) == (1, 3)
    assert fields["words"]["additionalProperties"] == {"type": "string"}


def test_bounds_of_a_decimal_become_a_rule() -> None:
    rules = {rule.field: rule for rule in rules_of(KINDS["TradingBot"])}
    ratio = rules["geometricRatio"]
    assert ratio.at == ("spec", "strategy", "staged")
    whole = "int(self.geometricRatio.find('^[0-9]+'))"
    fraction = "self.geometricRatio.find('[.][0-9]*[1-9]')"
    assert ratio.cel == (
        f"!has(self.geometricRatio) || (!({whole} < 1)"
        f" && !(2 < {whole} || (2 == {whole} && '' < {fraction})))"
    )
    assert ratio.message_expression == (
        "'geometricRatio must be >= 1 and <= 2, was %s'.format([self.geometricRatio])"
    )
    assert ratio.holds({}, {})
    assert ratio.holds({"geometricRatio": "2"}, {})
    assert not ratio.holds({"geometricRatio": "2.0000000000000001"}, {})
