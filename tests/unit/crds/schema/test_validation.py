"""What strict validation says to the author of an object."""

from collections.abc import Mapping
from typing import Any

import pytest

from dantaro_crds.schema.rules import rules_of
from dantaro_crds.schema.validation import FieldError, validate
from dantaro_crds.v1alpha1.kinds import KINDS
from tests.support.documents import allocation_document, grid_bot_document
from tests.unit.crds.schema.validation_cases import CHANGES, LIVE, RIGHT, WRONG, shares

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("document", RIGHT)
def test_a_right_object_gets_no_finding(document: Mapping[str, Any]) -> None:
    assert validate(document) == []


@pytest.mark.parametrize(("document", "want"), WRONG)
def test_a_wrong_object_gets_one_finding_that_says_what_to_do(document: object, want: str) -> None:
    findings = [f"{finding.field}: {finding.message}" for finding in validate(document)]
    assert len(findings) == 1
    assert want in findings[0]


@pytest.mark.parametrize(("old", "new", "want"), CHANGES)
def test_a_forbidden_change_is_named(
    old: Mapping[str, Any], new: Mapping[str, Any], want: str
) -> None:
    assert [str(finding) for finding in validate(new, old=old)] == [want]
    assert validate(new) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(grid_bot_document(), grid_bot_document(), id="nothing-changed"),
        pytest.param(grid_bot_document(), grid_bot_document(grids=20), id="more-grids"),
        pytest.param(
            grid_bot_document(), grid_bot_document(storage={"size": "1Gi"}), id="default-written"
        ),
        pytest.param(
            allocation_document(exchange={"name": "upbit"}),
            allocation_document(**LIVE),
            id="paper-to-live",
        ),
        pytest.param(
            allocation_document(**LIVE),
            allocation_document(exchange={"name": "upbit"}),
            id="live-to-paper-without-shares",
        ),
        pytest.param({"spec": 5}, grid_bot_document(), id="old-object-is-nonsense"),
        pytest.param({}, grid_bot_document(), id="old-object-is-empty"),
    ],
)
def test_an_allowed_change_gets_no_finding(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    assert validate(new, old=old) == []


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
    document = allocation_document(shares=[*shares(60), shares(50)[0] | {"name": "b", "x": 1}])
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


def test_every_rule_is_broken_by_some_case() -> None:
    """A rule without a case could be wrong in Python without anybody seeing it."""
    said = {want for case in WRONG for want in [str(case.values[1])]}
    said |= {str(case.values[2]) for case in CHANGES}
    declared = [rule for kind in KINDS.values() for rule in kind.info.rules]
    missing = [rule.message for rule in declared if not any(rule.message in t for t in said)]
    assert missing == []
    assert all(len(rules_of(kind)) > len(kind.info.rules) for kind in KINDS.values())
