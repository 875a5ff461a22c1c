"""What the operator knows, kept by events and by the answers to its own writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.resource import Resource, dump
from dantaro_operator.core.cluster.names import FINALIZER, child_metadata
from dantaro_operator.services.fleet import Fleet
from tests.support.bots import make_allocation, make_grid_bot

pytestmark = pytest.mark.unit

BOT = make_grid_bot()
ACCOUNT = ("Allocation", "default", "main")
METADATA: dict[str, Any] = child_metadata(BOT) | {
    "uid": "child-1",
    "generation": 1,
    "resourceVersion": "7",
}
STATEFUL_SET: dict[str, Any] = {"metadata": METADATA, "spec": {}}


def document(resource: Resource, version: int, **metadata: Any) -> dict[str, Any]:
    """Return an object as the API server has it at a version."""
    known = dump(resource.metadata) | {"resourceVersion": str(version)}
    return dump(resource) | {"metadata": known | metadata}


def stateful_set(version: int, **metadata: Any) -> dict[str, Any]:
    return STATEFUL_SET | {"metadata": METADATA | {"resourceVersion": str(version)} | metadata}


def build_fleet() -> Fleet:
    fleet = Fleet()
    fleet.put(document(BOT, 10))
    fleet.put_child(STATEFUL_SET)
    return fleet


def bot_of(fleet: Fleet) -> Resource:
    (bot,) = fleet.bots()
    return bot


def test_a_stateful_set_that_lost_a_watched_label_is_still_there_and_looked_at() -> None:
    fleet = build_fleet()
    labels = {**METADATA["labels"], "app.kubernetes.io/managed-by": "nobody"}

    accounts = fleet.put_child(stateful_set(8, labels=labels), gone=True)

    child = fleet.record_of(BOT.key).child
    assert child is not None
    assert child.live["metadata"]["labels"] == labels
    assert accounts == {ACCOUNT}


def test_a_stateful_set_that_is_deleted_is_gone() -> None:
    fleet = build_fleet()

    accounts = fleet.put_child(stateful_set(8), gone=True)

    assert fleet.record_of(BOT.key).child is None
    assert accounts == {ACCOUNT}


def test_a_stateful_set_that_is_gone_without_a_word_is_gone() -> None:
    fleet = build_fleet()

    assert fleet.forget_child(BOT.key) == {ACCOUNT}

    assert fleet.record_of(BOT.key).child is None
    assert fleet.forget_child(BOT.key) == set()


def test_the_end_of_an_older_stateful_set_of_that_name_is_not_that_of_the_new_one() -> None:
    fleet = build_fleet()
    fleet.wrote_child(BOT.key, stateful_set(9, uid="child-2"))

    assert fleet.put_child(stateful_set(8), gone=True) == set()

    child = fleet.record_of(BOT.key).child
    assert child is not None
    assert child.version == 9


@pytest.mark.parametrize("gone", [False, True])
def test_an_old_answer_to_an_apply_undoes_nothing_that_a_watch_told(*, gone: bool) -> None:
    fleet = build_fleet()
    told = stateful_set(9, generation=2)
    fleet.put_child(told, gone=gone)

    fleet.wrote_child(BOT.key, stateful_set(8))

    child = fleet.record_of(BOT.key).child
    assert (child is None) is gone
    assert child is None or (child.version, child.is_proven) == (9, False)


@pytest.mark.parametrize("version", [9, 10])
def test_an_event_that_is_not_newer_changes_nothing(version: int) -> None:
    fleet = build_fleet()

    accounts = fleet.put(document(make_grid_bot(state="Stopped"), version))

    assert accounts == set()
    assert bot_of(fleet) == BOT


def test_an_event_of_an_older_namesake_changes_nothing() -> None:
    fleet = build_fleet()

    assert fleet.put(document(make_grid_bot(metadata={"uid": "older"}), 9)) == set()

    assert bot_of(fleet) == BOT


def test_a_new_bot_of_that_name_takes_over() -> None:
    fleet = build_fleet()

    assert fleet.put(document(make_grid_bot(metadata={"uid": "newer"}), 11)) == {ACCOUNT}

    assert bot_of(fleet).metadata.uid == "newer"


@pytest.mark.parametrize("version", [11, 12])
def test_an_answer_that_is_not_newer_than_an_event_changes_nothing(version: int) -> None:
    fleet = build_fleet()
    changed = make_grid_bot(state="Stopped", metadata={"generation": 2})
    fleet.put(document(changed, 12))

    assert fleet.wrote(BOT, document(BOT, version)) == set()

    assert bot_of(fleet) == changed


def test_the_echo_of_our_write_names_no_account_and_a_change_after_it_does() -> None:
    fleet = build_fleet()

    assert fleet.wrote(BOT, document(BOT, 12, finalizers=[FINALIZER])) == set()
    assert fleet.put(document(BOT, 12, finalizers=[FINALIZER])) == set()
    assert bot_of(fleet).metadata.finalizers == [FINALIZER]
    assert fleet.put(document(BOT, 13, generation=2)) == {ACCOUNT}


def test_an_answer_that_holds_what_others_wrote_names_the_account() -> None:
    fleet = build_fleet()

    assert fleet.wrote(BOT, document(BOT, 12, generation=2)) == {ACCOUNT}

    assert bot_of(fleet).metadata.generation == 2


def test_an_answer_for_a_bot_that_is_gone_or_has_a_namesake_by_now_is_left() -> None:
    fleet = build_fleet()
    newer = make_grid_bot(metadata={"uid": "newer"})
    fleet.put(document(newer, 11))

    assert fleet.wrote(BOT, document(BOT, 12)) == set()
    assert bot_of(fleet) == newer
    fleet.forget(newer.key, uid="newer")
    assert fleet.wrote(newer, document(newer, 13)) == set()
    assert list(fleet.bots()) == []


def test_what_we_let_go_is_gone_at_once_and_no_late_event_brings_it_back() -> None:
    fleet = build_fleet()
    held = {"finalizers": [FINALIZER], "deletionTimestamp": "2026-01-31T09:00:00Z"}
    fleet.put(document(BOT, 11, **held))

    assert fleet.released(BOT) == {ACCOUNT}

    assert list(fleet.bots()) == []
    assert fleet.put(document(BOT, 12, **held)) == set()
    assert fleet.drop(document(BOT, 13, **held)) == set()
    assert list(fleet.bots()) == []
    newer = make_grid_bot(metadata={"uid": "newer"})
    assert fleet.put(document(newer, 14, finalizers=[FINALIZER])) == {ACCOUNT}


def test_what_others_still_hold_after_we_let_it_go_comes_back() -> None:
    fleet = build_fleet()
    fleet.released(BOT)
    theirs = {"finalizers": ["other/one"], "deletionTimestamp": "2026-01-31T09:00:00Z"}

    assert fleet.put(document(BOT, 12, **theirs)) == {ACCOUNT}

    assert bot_of(fleet).metadata.finalizers == ["other/one"]


def test_an_allocation_that_we_let_go_names_its_neighbours() -> None:
    fleet = build_fleet()
    main, other = make_allocation(), make_allocation("other")
    fleet.put(document(main, 11))
    fleet.put(document(other, 12))

    assert fleet.released(main) == {main.key, other.key}


def test_the_end_of_an_older_namesake_is_not_that_of_the_bot() -> None:
    fleet = build_fleet()

    assert fleet.drop(document(make_grid_bot(metadata={"uid": "older"}), 9)) == set()

    assert bot_of(fleet) == BOT
    assert fleet.drop(document(BOT, 11)) == {ACCOUNT}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("put", "drop", "child", "child gone", "forget child", "wrote child")),
            st.sampled_from((BOT.metadata.uid, "newer")),
            st.sampled_from((ACCOUNT[2], "other")),
        ),
        max_size=12,
    )
)
def test_its_shape_changes_with_the_bots_that_have_a_stateful_set(
    events: list[tuple[str, str, str]],
) -> None:
    fleet = Fleet()
    for version, (event, uid, account) in enumerate(events, start=1):
        bot = make_grid_bot(metadata={"uid": uid}, allocationRef={"name": account})
        before, shape = {b.metadata.uid for b in fleet.bots_with_child()}, fleet.shape
        match event:
            case "put":
                fleet.put(document(bot, version))
            case "drop":
                fleet.drop(document(bot, version))
            case "forget child":
                fleet.forget_child(BOT.key)
            case "wrote child":
                fleet.wrote_child(BOT.key, stateful_set(version))
            case _:
                fleet.put_child(stateful_set(version), gone=event == "child gone")
        after = {b.metadata.uid for b in fleet.bots_with_child()}
        assert before == after or fleet.shape != shape
        assert all(fleet.bot(b.key) is b for b in fleet.bots_with_child())
