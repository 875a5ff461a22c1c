"""What the operator knows, kept by events."""

from typing import Any

import pytest

from dantaro_crds.v1alpha1.resource import dump
from dantaro_operator.core.cluster.names import child_metadata
from dantaro_operator.services.fleet import Fleet
from tests.support.bots import make_grid_bot

pytestmark = pytest.mark.unit

BOT = make_grid_bot()
METADATA: dict[str, Any] = child_metadata(BOT) | {"generation": 1, "resourceVersion": "7"}
STATEFUL_SET: dict[str, Any] = {"metadata": METADATA, "spec": {}}


def build_fleet() -> Fleet:
    fleet = Fleet()
    fleet.put(dump(BOT) | {"metadata": dump(BOT.metadata) | {"resourceVersion": "1"}})
    fleet.put_child(STATEFUL_SET)
    return fleet


def test_a_stateful_set_that_lost_a_watched_label_is_still_there_and_looked_at() -> None:
    fleet = build_fleet()
    labels = {**METADATA["labels"], "app.kubernetes.io/managed-by": "nobody"}
    changed = {**STATEFUL_SET, "metadata": {**METADATA, "labels": labels, "resourceVersion": "8"}}

    accounts = fleet.put_child(changed, gone=True)

    child = fleet.record_of(BOT.key).child
    assert child is not None
    assert child.live["metadata"]["labels"] == labels
    assert accounts == {("Allocation", "default", "main")}


def test_a_stateful_set_that_is_deleted_is_gone() -> None:
    fleet = build_fleet()

    accounts = fleet.put_child(STATEFUL_SET, gone=True)

    assert fleet.record_of(BOT.key).child is None
    assert accounts == {("Allocation", "default", "main")}
