"""The operator under exactly its own roles: they are enough, and there is nothing else in them."""

import os
from pathlib import Path

import pytest

from dantaro_operator.core.cluster.access import OPERATOR, build_access
from tests.cluster.binaries import CONTROL_PLANE, find_binaries
from tests.cluster.control_plane import control_plane
from tests.support.access import apply_access, operator_kubeconfig
from tests.support.cluster import Cluster, open_cluster
from tests.support.documents import allocation_document, grid_bot_document
from tests.support.eventually import eventually
from tests.support.operator_process import OperatorProcess, operator_process

pytestmark = pytest.mark.apiserver


def phase_of(cluster: Cluster, namespace: str, name: str) -> str:
    answer = cluster.api.get(cluster.path("gridbots", namespace, name))
    return str(answer.json()["status"]["phase"]) if answer.is_success else ""


def is_gone(cluster: Cluster, namespace: str, plural: str, name: str) -> bool:
    return cluster.api.get(cluster.path(plural, namespace, name)).status_code == 404


def told(cluster: Cluster, namespace: str) -> set[str]:
    """Return the reasons of all Events."""
    events = cluster.api.get(f"/api/v1/namespaces/{namespace}/events").json()["items"]
    return {item["reason"] for item in events}


def live_through(cluster: Cluster, operator: OperatorProcess, namespace: str) -> None:
    """Create an account and a bot, change it, break it and its StatefulSet, let it go by force."""
    account = allocation_document(shares=[{"kind": "GridBot", "name": "grid", "percent": 100}])
    bot = grid_bot_document()
    name, plural = bot["metadata"]["name"], "gridbots"
    for kind, document in (("allocations", account), (plural, bot)):
        answer = cluster.api.post(cluster.path(kind, namespace), json=document)
        assert answer.status_code == 201, answer.text
    eventually(lambda: phase_of(cluster, namespace, name) == "Starting")
    path = cluster.path(plural, namespace, name)
    merge = {"Content-Type": "application/merge-patch+json"}
    pod = f"/api/v1/namespaces/{namespace}/pods/gb-{name}-0"
    eventually(lambda: cluster.api.get(pod).is_success)
    full = {"type": "PodScheduled", "status": "False", "message": "no room"}
    cluster.api.patch(f"{pod}/status", json={"status": {"conditions": [full]}}, headers=merge)
    eventually(lambda: "no room" in cluster.api.get(path).json()["status"]["message"])
    cluster.api.patch(path, json={"spec": {"state": "Stopped"}}, headers=merge).raise_for_status()
    config = f"/api/v1/namespaces/{namespace}/configmaps/gb-{name}"
    eventually(lambda: '"Stopped"' in cluster.api.get(config).json()["data"]["config.json"])
    eventually(lambda: "ConfigChanged" in told(cluster, namespace))
    child = f"/apis/apps/v1/namespaces/{namespace}/statefulsets/gb-{name}"
    cluster.api.patch(child, json={"spec": {"replicas": 0}}, headers=merge).raise_for_status()
    eventually(lambda: cluster.api.get(child).json()["spec"]["replicas"] == 1)
    force = {"metadata": {"annotations": {"dantaro.io/force-delete": "true"}}}
    cluster.api.patch(path, json=force, headers=merge).raise_for_status()
    cluster.api.delete(path).raise_for_status()
    eventually(lambda: is_gone(cluster, namespace, plural, name))
    cluster.api.delete(cluster.path("allocations", namespace, "main")).raise_for_status()
    eventually(lambda: is_gone(cluster, namespace, "allocations", "main"))
    assert {"Created", "DriftRepaired", "ForceDeleted"} <= told(cluster, namespace)
    assert operator.measured(CALLS, status="403") == 0, operator.run.tail()
    assert operator.measured(CALLS, status="401") == 0


CALLS = "dantaro_operator_kubernetes_call_duration_seconds_count"


def test_roles_of_one_namespace_are_enough(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    apply_access(cluster, namespace, watched=(namespace,))
    kubeconfig = operator_kubeconfig(cluster, namespace, tmp_path)
    with operator_process(
        kubeconfig, tmp_path / "op", namespace=namespace, resync_seconds=1
    ) as operator:
        live_through(cluster, operator, namespace)


def test_roles_of_a_whole_cluster_are_enough(kubeconfig: Path, tmp_path: Path) -> None:
    """On an API server of its own: on the shared one it would look after others' bots too."""
    if os.environ.get("DANTARO_TEST_KUBECONFIG"):
        pytest.skip(f"{kubeconfig.name} was named: an operator of all of it is too much")
    binaries = find_binaries(CONTROL_PLANE)
    with (
        control_plane(binaries, tmp_path / "plane") as plane,
        open_cluster(
            plane.kubeconfig, kubectl=binaries["kubectl"], cache=tmp_path / "kubectl"
        ) as cluster,
        cluster.namespace() as home,
        cluster.namespace() as namespace,
    ):
        cluster.install_crds()
        apply_access(cluster, home)
        login = operator_kubeconfig(cluster, home, tmp_path)
        with operator_process(login, tmp_path / "op", namespace=home, namespaces="") as operator:
            live_through(cluster, operator, namespace)


@pytest.mark.parametrize("watched", [(), ("one", "two")], ids=["cluster", "namespaces"])
def test_the_roles_reach_no_secret_and_use_no_wildcard(watched: tuple[str, ...]) -> None:
    rules = [
        rule for item in build_access("home", watched=watched) for rule in item.get("rules", ())
    ]
    assert rules
    words = [word for rule in rules for part in rule.values() for word in part]
    assert "*" not in words
    assert not {"secrets", "delete", "deletecollection", "escalate", "bind"} & set(words)


def can_i(cluster: Cluster, home: str, *question: str) -> str:
    user = f"--as=system:serviceaccount:{home}:{OPERATOR}"
    return cluster.kubectl("auth", "can-i", *question, user).stdout.strip()


def test_what_it_must_not_do_is_denied(cluster: Cluster, namespace: str) -> None:
    apply_access(cluster, namespace, watched=(namespace,))
    here = f"--namespace={namespace}"
    assert can_i(cluster, namespace, "patch", "statefulsets", here) == "yes"
    for question in (
        ("get", "secrets", here),
        ("list", "secrets", here),
        ("delete", "gridbots.dantaro.io", here),
        ("create", "gridbots.dantaro.io", here),
        ("create", "pods", here),
        ("list", "pods", here),
        ("delete", "pods", here),
        ("patch", "statefulsets", "--namespace=default"),
        ("patch", "gridbots.dantaro.io", "--namespace=default"),
        ("update", "leases/other", here),
    ):
        assert can_i(cluster, namespace, *question) == "no", question
