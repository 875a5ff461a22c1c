"""What is added to descriptions because `kubectl explain` does not show it."""

from typing import Any

import pytest

from dantaro_crds.schema.explained import explained
from dantaro_crds.schema.manifests import build_crd
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.values import POSITIVE_DECIMAL_PATTERN

pytestmark = pytest.mark.unit

DECIMAL = {"type": "string", "pattern": POSITIVE_DECIMAL_PATTERN}


@pytest.mark.parametrize(
    ("schema", "want"),
    [
        pytest.param({"type": "boolean", "default": False}, "It. Default: false.", id="a default"),
        pytest.param({"type": "integer", "minimum": 2, "maximum": 9}, "It. 2 to 9.", id="a range"),
        pytest.param({"type": "integer", "minimum": 2}, "It. At least 2.", id="a lower bound"),
        pytest.param({"type": "integer", "maximum": 9}, "It. At most 9.", id="an upper bound"),
        pytest.param({"type": "array", "maxItems": 9}, "It. At most 9.", id="a list"),
        pytest.param(
            DECIMAL,
            'It. Expected: a decimal number > 0 in quotes, such as "0.5".',
            id="a form, with an example",
        ),
        pytest.param(
            {**DECIMAL, "default": "2"},
            'It. Expected: a decimal number > 0 in quotes. Default: "2".',
            id="a form whose default is the example",
        ),
        pytest.param({"type": "string", "enum": ["A"]}, "It.", id="values that kubectl lists"),
        pytest.param({"type": "object", "default": {}}, "It.", id="an object"),
    ],
)
def test_a_description_ends_with_what_kubectl_leaves_out(schema: dict[str, Any], want: str) -> None:
    assert explained({**schema, "description": "It."})["description"] == want


def test_fields_below_are_explained_too_and_the_source_stays() -> None:
    leaf = {"type": "integer", "minimum": 1, "description": "It."}
    source = {"type": "object", "properties": {"list": {"type": "array", "maxItems": 3}}}
    source["properties"]["list"]["items"] = {"type": "object", "properties": {"a": leaf}}  # type: ignore[index]
    items = explained(source)["properties"]["list"]["items"]
    assert items["properties"]["a"]["description"] == "It. At least 1."
    assert leaf["description"] == "It."


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_field_has_a_description(kind: Any) -> None:
    version = build_crd(kind)["spec"]["versions"][0]
    bare: list[str] = []

    def visit(schema: dict[str, Any], path: str) -> None:
        if "description" not in schema:
            bare.append(path)
        for name, child in schema.get("properties", {}).items():
            visit(child, f"{path}.{name}")
        for name, child in schema.get("items", {}).get("properties", {}).items():
            visit(child, f"{path}[].{name}")

    for part in ("spec", "status"):
        visit(version["schema"]["openAPIV3Schema"]["properties"][part], part)
    assert bare == []
