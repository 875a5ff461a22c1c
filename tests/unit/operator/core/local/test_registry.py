from datetime import timedelta

import pytest

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_operator.core.bots import MARKET_START, Key
from dantaro_operator.core.local.registry import (
    SOURCE_FILE,
    Desired,
    RegistryChange,
    merge_objects,
)
from tests.support.bots import NOW, make_allocation, make_grid_bot, make_trading_bot

pytestmark = pytest.mark.unit

GRID: Key = ("GridBot", "default", "grid")


def merge(
    *desired: Resource,
    stored: tuple[Resource, ...] = (),
    kept: frozenset[Key] = frozenset(),
    missing: frozenset[Key] = frozenset(),
) -> RegistryChange:
    return merge_objects(
        [Desired(resource=item, file="bots.yaml") for item in desired],
        {item.key: item for item in stored},
        kept=kept,
        missing_before=missing,
        now=NOW + timedelta(microseconds=7),
        new_uid=lambda: "fresh-uid",
    )


def test_a_new_object_gets_what_an_api_server_gives() -> None:
    wanted = make_grid_bot(metadata={"uid": "mine", "generation": 9, "annotations": {"a": "b"}})
    (made,) = merge(wanted).objects
    metadata = made.metadata
    assert (metadata.uid, metadata.generation, metadata.creation_timestamp) == ("fresh-uid", 1, NOW)
    assert metadata.annotations == {"a": "b", SOURCE_FILE: "bots.yaml"}


def test_the_same_again_changes_nothing() -> None:
    first = merge(make_grid_bot()).objects
    assert merge(make_grid_bot(), stored=first).objects == first


def test_a_changed_spec_counts_the_generation_up() -> None:
    (old,) = merge(make_grid_bot()).objects
    (new,) = merge(make_grid_bot(state="Stopped"), stored=(old,)).objects
    assert (new.metadata.generation, new.metadata.uid) == (2, old.metadata.uid)
    assert new.metadata.creation_timestamp == old.metadata.creation_timestamp


def test_an_annotation_does_not() -> None:
    (old,) = merge(make_grid_bot()).objects
    wanted = make_grid_bot(metadata={"annotations": {"dantaro.io/reset": "now"}})
    (new,) = merge(wanted, stored=(old,)).objects
    assert (new.metadata.generation, new.metadata.reset) == (1, "now")


def test_the_market_start_is_written_once() -> None:
    old = make_grid_bot(metadata={"annotations": {MARKET_START: "first"}})
    wanted = make_grid_bot(metadata={"annotations": {MARKET_START: "2030-01-01T00:00:00Z"}})
    (new,) = merge(wanted, stored=(old,)).objects
    assert new.metadata.annotations[MARKET_START] == "first"


def test_missing_once_is_not_gone_missing_twice_is() -> None:
    stored = (make_grid_bot(), make_trading_bot())
    once = merge(make_trading_bot(), stored=stored)
    twice = merge(make_trading_bot(), stored=once.objects, missing=once.missing)
    assert once.missing == {GRID}
    assert [item.metadata.deletion_timestamp for item in once.objects] == [None, None]
    assert {i.key: i.metadata.deletion_timestamp for i in twice.objects}[GRID] == NOW


def test_what_is_kept_never_goes() -> None:
    stored = (make_grid_bot(),)
    change = merge(stored=stored, kept=frozenset({GRID}), missing=frozenset({GRID}))
    assert (change.objects, change.missing) == (stored, frozenset())


def test_the_deletion_of_a_bot_is_not_taken_back() -> None:
    old = make_grid_bot(metadata={"deletionTimestamp": "2026-01-02T00:00:00Z"})
    (new,) = merge(make_grid_bot(state="Stopped"), stored=(old,)).objects
    assert new.metadata.deletion_timestamp == old.metadata.deletion_timestamp
    assert new.metadata.generation == 2
    (same,) = merge(stored=(old,), missing=frozenset({GRID})).objects
    assert same == old


def test_an_allocation_that_is_back_is_wanted_again() -> None:
    old = make_allocation(metadata={"deletionTimestamp": "2026-01-02T00:00:00Z"})
    (new,) = merge(make_allocation(), stored=(old,)).objects
    assert new.metadata.deletion_timestamp is None
    assert (new.metadata.uid, new.metadata.generation) == (old.metadata.uid, 1)
