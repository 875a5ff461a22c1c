"""What strict validation says to the author of an object; tests/data/objects holds most cases."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from dantaro_crds.schema.validation import FieldError, validate
from tests.support.bots import share
from tests.support.documents import allocation_document, grid_bot_document

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("document", "want"),
    [
        pytest.param(None, ": expected an object, was nothing", id="nothing"),
        pytest.param([], ": expected an object, was a list of 0", id="a-list"),
        pytest.param("text", ': expected an object, was "text"', id="text"),
        pytest.param({}, "kind: required and missing: one of Allocation", id="empty-object"),
        pytest.param(grid_bot_document() | {"kind": 5}, "kind: expected one of", id="kind-no-text"),
        pytest.param(
            grid_bot_document() | {"spec": {**grid_bot_document()["spec"], 5: 1}},
            "spec[the number 5]: unknown field",
            id="field-name-is-a-number",
        ),
        pytest.param(
            grid_bot_document(grids=float("nan")),
            "spec.grids: expected a whole number, was the number nan",
            id="nan",
        ),
        pytest.param(
            grid_bot_document(image=datetime(2026, 1, 1, tzinfo=UTC)),
            "spec.image: expected text that is not empty, was a datetime",
            id="a-time",
        ),
        pytest.param(
            allocation_document(budget=10**5000),
            "was a huge number: put it in quotes",
            id="huge-number-for-text",
        ),
        pytest.param(
            grid_bot_document(grids=10**400),
            "spec.grids: must be <= 100, was a huge number",
            id="huge-number",
        ),
        pytest.param(
            grid_bot_document() | {"metadata": {"name": "g", "annotations": {"a": "x" * 262144}}},
            "metadata.annotations: expected at most 262144 bytes in all, were 262145",
            id="annotations-too-large",
        ),
    ],
)
def test_what_no_file_of_the_corpus_can_hold_gets_one_finding(document: object, want: str) -> None:
    findings = [f"{finding.field}: {finding.message}" for finding in validate(document)]
    assert len(findings) == 1
    assert want in findings[0]


def test_annotations_of_just_the_largest_size_are_right() -> None:
    metadata = {"name": "g", "annotations": {"a": "x" * 262138, "b": "\u00fc" * 2}}
    assert validate(grid_bot_document() | {"metadata": metadata}) == []


@pytest.mark.parametrize(
    "old",
    [
        pytest.param({"spec": 5}, id="old-object-is-nonsense"),
        pytest.param({}, id="old-object-is-empty"),
    ],
)
def test_an_old_object_that_cannot_be_read_forbids_no_change(old: Mapping[str, Any]) -> None:
    assert validate(grid_bot_document(), old=old) == []


def test_everything_is_found_at_once() -> None:
    document = grid_bot_document(
        lowerPrice="20", upperPrice="10", grids=1, gridz=1, state="stopped", stopLoss=5
    )
    fields = [finding.field for finding in validate(document)]
    assert fields == [
        "spec.grids",
        "spec.gridz",
        "spec.state",
        "spec.stopLoss",
        "spec.lowerPrice",
    ]


def test_an_unknown_field_does_not_hide_a_broken_rule_beside_it() -> None:
    shares = [share("GridBot", "a", 60), {**share("GridBot", "b", 50), "x": 1}]
    document = allocation_document(shares=shares)
    assert [finding.field for finding in validate(document)] == [
        "spec.shares[1].x",
        "spec.shares",
    ]


def test_a_rule_is_silent_while_what_it_reads_is_wrong() -> None:
    document = grid_bot_document(lowerPrice="20", upperPrice="ten", stopLoss="30")
    assert [finding.field for finding in validate(document)] == [
        "spec.upperPrice",
        "spec.stopLoss",
    ]


def test_a_finding_of_the_whole_object_has_no_field() -> None:
    assert str(FieldError(field="", message="m")) == "m"
    assert str(FieldError(field="spec", message="m")) == "spec: m"


def test_a_long_value_is_cut_in_the_message() -> None:
    (finding,) = validate(grid_bot_document(symbol="x" * 42 + "y" * 100))
    assert finding.message == "expected at most 42 signs, were 142"
    (finding,) = validate(grid_bot_document(state="z" * 1000))
    assert len(finding.message) < 200


def test_odd_signs_are_escaped_in_the_message() -> None:
    odd = 'a\x1b[31m\ud800"\n'
    (finding,) = validate(grid_bot_document(state=odd))
    assert '"a\\x1b[31m\\ud800"\\n"' in finding.message
    (finding,) = validate(grid_bot_document(**{odd: 1}))
    assert finding.field == 'spec[a\\x1b[31m\\ud800"\\n]'


def test_half_a_sign_is_no_text() -> None:
    (finding,) = validate(grid_bot_document(image="\ud800"))
    assert finding.message == 'expected text that is not empty, was "\\ud800"'


def test_an_object_that_holds_itself_ends() -> None:
    loop: dict[str, Any] = {}
    loop["risk"] = loop
    loop["shares"] = [loop]
    assert validate(allocation_document(**loop))
