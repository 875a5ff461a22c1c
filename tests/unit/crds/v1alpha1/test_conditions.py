"""Conditions over time."""

from datetime import UTC, datetime, timedelta

import pytest

from dantaro_crds.v1alpha1.common import Condition
from dantaro_crds.v1alpha1.conditions import (
    AllocationConditionType,
    ConditionType,
    Phase,
    Reason,
    condition_of,
    make_condition,
    merge_conditions,
)

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 31, 9, 0, 0, 123_456, tzinfo=UTC)


def ready(
    *, status: bool | None = True, after: timedelta = timedelta(0), reason: str = "Running"
) -> Condition:
    return make_condition(
        ConditionType.READY,
        status=status,
        reason=reason,
        message="m",
        generation=3,
        now=NOW + after,
    )


@pytest.mark.parametrize(("status", "want"), [(True, "True"), (False, "False"), (None, "Unknown")])
def test_a_condition_is_true_false_or_unknown(status: bool | None, want: str) -> None:
    condition = ready(status=status)
    assert (condition.type, condition.status) == ("Ready", want)
    assert condition.observed_generation == 3
    assert condition.last_transition_time == NOW.replace(microsecond=0)


def test_a_time_stays_while_the_status_stays() -> None:
    later = ready(after=timedelta(hours=1), reason="CatchingUp")
    (merged,) = merge_conditions([ready()], [later])
    assert merged.last_transition_time == NOW.replace(microsecond=0)
    assert merged.reason == "CatchingUp"


def test_a_time_moves_with_the_status() -> None:
    later = ready(status=False, after=timedelta(hours=1))
    (merged,) = merge_conditions([ready()], [later])
    assert merged == later


def test_a_condition_that_is_no_longer_said_goes_and_a_new_one_comes() -> None:
    halted = make_condition(
        ConditionType.TRADING_HALTED,
        status=True,
        reason=Reason.HALTED,
        message="m",
        generation=3,
        now=NOW,
    )
    assert merge_conditions([halted], [ready()]) == [ready()]


def test_merging_twice_changes_nothing() -> None:
    once = merge_conditions([ready()], [ready(status=False, after=timedelta(hours=1))])
    assert merge_conditions(once, once) == once


def test_a_condition_is_found_by_its_type() -> None:
    assert condition_of([ready()], ConditionType.READY) == ready()
    assert condition_of([ready()], AllocationConditionType.HALTED) is None


@pytest.mark.parametrize("words", [Reason, Phase, ConditionType, AllocationConditionType])
def test_every_word_is_pascal_case_and_fits(words: type[Reason]) -> None:
    for word in words:
        assert word.value.isalpha()
        assert word.value[0].isupper()
        assert len(word.value) <= 32
