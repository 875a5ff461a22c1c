"""Validation against anything that a document may hold, and against the models themselves."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dantaro_crds.errors import SpecError
from dantaro_crds.schema.manifests import build_schema
from dantaro_crds.schema.structural import Schema
from dantaro_crds.schema.validation import validate
from dantaro_crds.v1alpha1.kinds import KINDS, dump, parse
from tests.support.documents import (
    allocation_document,
    grid_bot_document,
    trading_bot_document,
)

pytestmark = pytest.mark.unit

DOCUMENTS = [
    allocation_document(
        shares=[{"kind": "GridBot", "name": "a", "percent": 40}],
        risk={"maxDailyLoss": "5"},
        rateLimit={"ordersPerSecond": 4},
    ),
    grid_bot_document(
        stopLoss="1", trailingUp={"limitPrice": "200000000"}, resources={"limits": {"cpu": "1"}}
    ),
    trading_bot_document(strategy={"staged": {"stages": 3}}, risk={"maxOrderValue": "10"}),
]

odd_values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**4000)
    | st.floats()
    | st.text(max_size=70)
    | st.text(st.characters(), max_size=5)
    | st.binary(max_size=5)
    | st.just(date(2026, 1, 1))
    | st.sampled_from(["0", "1", "-1", "1e5", "Live", "auto", "KRW-BTC", "100", "0.5"])
)
odd_keys = st.text(max_size=10) | st.integers() | st.none() | st.booleans()
anything = st.recursive(
    odd_values,
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(odd_keys, inner, max_size=5),
    max_leaves=12,
)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a document."""
    children = node.items() if isinstance(node, dict) else enumerate(node)
    found = [path] if path else []
    if isinstance(node, dict | list):
        for key, child in children:
            found += (
                places(child, (*path, key)) if isinstance(child, dict | list) else [(*path, key)]
            )
    return found


def replaced(document: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = deepcopy(document)
    node: Any = copy
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return copy


@st.composite
def damaged_documents(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        path = draw(st.sampled_from(places(document)))
        document = replaced(document, path, draw(anything))
    return document


def values_of(schema: Schema) -> st.SearchStrategy[Any]:
    """Return what a schema lets pass, rules aside."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return objects_of(schema)
        case "array":
            return st.lists(values_of(schema["items"]), max_size=3)
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "boolean":
            return st.booleans()
        case _ if "pattern" in schema:
            texts = st.from_regex(schema["pattern"], fullmatch=True)
            return texts.filter(lambda text: len(text) <= schema["maxLength"])
        case _ if schema.get("format") == "date-time":
            return st.just("2026-01-31T09:00:00Z")
        case _:
            return st.text(min_size=schema.get("minLength", 0), max_size=20)


def objects_of(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    required = schema.get("required", ())
    fields = {name: values_of(child) for name, child in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )


@st.composite
def whole_documents(draw: st.DrawFn) -> dict[str, Any]:
    """Return a document that fits its schema; rules may be broken."""
    name = draw(st.sampled_from(sorted(KINDS)))
    return {
        "apiVersion": "dantaro.io/v1alpha1",
        "kind": name,
        "metadata": {"name": "bot"},
        "spec": draw(values_of(build_schema(KINDS[name])["properties"]["spec"])),
    }


def is_read(document: dict[str, Any]) -> bool:
    try:
        parse(KINDS[document["kind"]], document)
    except SpecError:
        return False
    return True


@given(anything)
def test_nothing_that_yaml_can_hold_breaks_validation(document: Any) -> None:
    validate(document)


@given(anything, st.sampled_from(sorted(KINDS)))
def test_no_spec_breaks_validation(spec: Any, kind: str) -> None:
    document = {"apiVersion": "dantaro.io/v1alpha1", "kind": kind, "metadata": spec, "spec": spec}
    assert validate(document)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(damaged_documents())
def test_what_validation_passes_the_models_read(document: dict[str, Any]) -> None:
    kind = document["kind"]
    read = isinstance(kind, str) and kind in KINDS and is_read(document)
    assert read or validate(document)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(damaged_documents(), damaged_documents())
def test_no_old_object_breaks_validation(old: dict[str, Any], new: dict[str, Any]) -> None:
    validate(new, old=old)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(whole_documents())
def test_what_fits_the_schema_the_models_read_but_for_bounds(document: dict[str, Any]) -> None:
    findings = validate(document)
    # `uniqueness` and rules are all that is left to be wrong.
    allowed = ("must be", "must sum", "must be set", "needs", "once", "at most as many")
    assert all(any(word in str(finding) for word in allowed) for finding in findings), findings
    if not findings:
        assert is_read(document)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=30)
@given(whole_documents())
def test_an_object_survives_writing_and_reading(document: dict[str, Any]) -> None:
    if validate(document):
        return
    kind = KINDS[document["kind"]]
    once = parse(kind, document)
    assert parse(kind, dump(once)) == once
    assert validate(dump(once) | {"metadata": document["metadata"]}) == []
