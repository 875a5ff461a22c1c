"""What others do with StatefulSets of their own is no work for the operator."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import Cluster
from tests.support.documents import allocation_document, grid_bot_document
from tests.support.eventually import eventually
from tests.support.fleet_pods import fleet_pods
from tests.support.operator_process import OperatorProcess, operator_process

pytestmark = pytest.mark.apiserver

LOOKS = "dantaro_operator_reconcile_duration_seconds_count"
REST_SECONDS = 1.0
STRANGERS = 20
CHANGES = 10


@pytest.fixture
def operator(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[OperatorProcess]:
    with (
        fleet_pods(cluster.kubeconfig) as pods,
        operator_process(
            cluster.kubeconfig,
            tmp_path / "op",
            namespace=namespace,
            bot_status_url=pods.status_url,
        ) as started,
    ):
        yield started


def stranger(name: str) -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "app", "image": "example/app:1"}
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    }


def test_a_storm_on_foreign_stateful_sets_is_no_work(
    cluster: Cluster, namespace: str, operator: OperatorProcess
) -> None:
    """Nor is one whose name is that of a bot's own: without our label it is nobody's."""
    path = f"/apis/apps/v1/namespaces/{namespace}/statefulsets"
    kind = {"Content-Type": "application/merge-patch+json"}
    names = ["gb-nobody", *(f"app-{number}" for number in range(STRANGERS - 1))]
    share = {"kind": "GridBot", "name": "grid", "percent": 100}
    for plural, document in (
        ("allocations", allocation_document(shares=[share])),
        ("gridbots", grid_bot_document()),
    ):
        cluster.api.post(cluster.path(plural, namespace), json=document).raise_for_status()
    eventually(lambda: phase(cluster, namespace) == "Running")
    before = eventually(lambda: looks_at_rest(operator))

    for name in names:
        cluster.api.post(path, json=stranger(name)).raise_for_status()
    for number in range(CHANGES):
        content = {"metadata": {"annotations": {"number": str(number)}}}
        for name in names:
            cluster.api.patch(f"{path}/{name}", json=content, headers=kind).raise_for_status()
    for name in names:
        cluster.api.delete(f"{path}/{name}").raise_for_status()

    # An event of ours, behind all of theirs, was handled: so theirs were, if they came at all.
    cluster.api.patch(
        f"{path}/gb-grid", json={"spec": {"replicas": 0}}, headers=kind
    ).raise_for_status()
    eventually(lambda: cluster.api.get(f"{path}/gb-grid").json()["spec"]["replicas"] == 1)
    assert 1 <= operator.measured(LOOKS) - before <= 4


def phase(cluster: Cluster, namespace: str) -> str:
    found = cluster.api.get(cluster.path("gridbots", namespace, "grid")).json()
    return str(found["status"]["phase"])


def looks_at_rest(operator: OperatorProcess) -> float:
    """Return how many there were, once nobody asks for more."""
    looks = operator.measured(LOOKS)
    time.sleep(REST_SECONDS)
    return looks if operator.measured(LOOKS) == looks else 0
