from datetime import UTC, datetime
from typing import Any

import pytest

from dantaro_crds.errors import SpecError
from dantaro_operator.adapters.kubernetes.lease_record import LeaseTimes, Observation, build_lease

pytestmark = pytest.mark.unit

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)


def held(by: str = "other", renewed: str = "1", duration: int = 15) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": "7", "labels": {"x": "y"}},
        "spec": {
            "holderIdentity": by,
            "renewTime": renewed,
            "leaseDurationSeconds": duration,
            "leaseTransitions": 4,
        },
    }


def observation() -> Observation:
    return Observation(identity="me", duration=15)


def looks(lease: dict[str, Any] | None, *moments: float) -> list[bool]:
    """Look at an unchanged Lease several times; each look takes half a second."""
    seen = observation()
    return [seen.may_take(lease, asked=at, answered=at + 0.5) for at in moments]


def test_an_unchanged_lease_may_be_taken_when_it_was_unchanged_for_its_whole_duration() -> None:
    assert looks(held(), 100, 115, 115.4, 115.5) == [False, False, False, True]


def test_the_longer_of_the_holders_and_our_duration_counts() -> None:
    assert looks(held(duration=40), 0, 20, 40, 40.5) == [False, False, False, True]
    assert looks(held(duration=1), 0, 2, 15.5) == [False, False, True]


def test_a_renewal_starts_the_wait_again_but_a_label_does_not() -> None:
    seen = observation()
    assert not seen.may_take(held(), asked=0, answered=0)
    assert not seen.may_take(held(renewed="2"), asked=14, answered=14)
    labelled = held(renewed="2") | {"metadata": {"resourceVersion": "8"}}
    assert not seen.may_take(labelled, asked=28, answered=28)
    assert seen.may_take(labelled, asked=29, answered=29)


@pytest.mark.parametrize(
    "lease",
    [
        pytest.param(None, id="there-never-was-one"),
        pytest.param(held(by=""), id="released"),
        pytest.param({"metadata": {}, "spec": {}}, id="never-held"),
        pytest.param({"metadata": {}}, id="empty"),
        pytest.param(held(by="me"), id="ours-from-a-write-whose-answer-got-lost"),
    ],
)
def test_what_nobody_else_holds_may_be_taken_at_once(lease: dict[str, Any] | None) -> None:
    assert looks(lease, 0) == [True]


def test_a_lease_that_was_deleted_may_still_have_a_leader() -> None:
    seen = observation()
    seen.may_take(held(), asked=0, answered=0)
    assert not seen.may_take(None, asked=3, answered=3)
    assert not seen.may_take(None, asked=17, answered=17)
    assert seen.may_take(None, asked=18, answered=18)


def build(before: dict[str, Any] | None, identity: str) -> dict[str, Any]:
    return build_lease(
        before, namespace="ns", name="lease", identity=identity, duration=1.5, now=NOW
    )


def test_the_first_holder_makes_a_lease() -> None:
    time = "2026-01-31T09:00:00.000000Z"
    assert build(None, "me") == {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": "ns", "name": "lease"},
        "spec": {
            "holderIdentity": "me",
            "leaseDurationSeconds": 2,
            "acquireTime": time,
            "renewTime": time,
            "leaseTransitions": 0,
        },
    }


@pytest.mark.parametrize(
    ("before", "identity", "transitions", "acquired"),
    [
        pytest.param(held(), "me", 5, True, id="taken-over"),
        pytest.param(held(by=""), "me", 5, True, id="taken-when-free"),
        pytest.param(held(by="me"), "me", 4, False, id="renewed"),
        pytest.param(held(by="me"), "", 4, False, id="released"),
    ],
)
def test_a_change_of_the_holder_is_counted(
    before: dict[str, Any], identity: str, transitions: int, acquired: bool
) -> None:
    lease = build(before, identity)
    assert lease["metadata"] == before["metadata"]
    assert lease["spec"]["holderIdentity"] == identity
    assert lease["spec"]["leaseTransitions"] == transitions
    assert ("acquireTime" in lease["spec"]) is acquired
    assert before["spec"]["leaseTransitions"] == 4


@pytest.mark.parametrize("times", [(15, 15, 2), (15, 10, 10), (15, 10, 0)])
def test_times_that_would_let_two_lead_are_refused(times: tuple[float, float, float]) -> None:
    duration, deadline, retry = times
    with pytest.raises(SpecError, match="retry < renew deadline < duration"):
        LeaseTimes(duration=duration, renew_deadline=deadline, retry=retry)
