"""What the operator makes of a bot, on a real API server with its controllers."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest

from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_crds.v1alpha1.resource import parse
from dantaro_operator.core.cluster.config_map import build_config_map
from dantaro_operator.core.cluster.drift import differing_fields
from dantaro_operator.core.cluster.names import CONFIG_HASH, FIELD_MANAGER, child_name, pod_name
from dantaro_operator.core.cluster.rollout import (
    ImageRollout,
    build_wanted,
    decide_rollout,
    read_live,
)
from dantaro_operator.core.cluster.settings import PodPeer
from dantaro_operator.core.cluster.shared import (
    build_network_policy,
    build_service,
    build_service_account,
)
from dantaro_operator.core.cluster.stateful_set import build_stateful_set
from tests.support.cluster import Cluster
from tests.support.documents import grid_bot_document
from tests.support.eventually import eventually
from tests.support.manifests import make_cluster_settings, make_stateful_set, make_workload

pytestmark = pytest.mark.apiserver

PATHS = {
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "Pod": "/api/v1/namespaces/{}/pods",
}
FULL = make_cluster_settings(
    storage_class="fast",
    requests={"cpu": "0.05", "memory": "67108864"},
    limits={"cpu": "1", "memory": "0.25Gi"},
    scraper=PodPeer(namespace="monitoring", labels={"app": "prometheus"}),
    node_selector={"disk": "ssd"},
    tolerations=({"key": "bots", "operator": "Exists", "effect": "NoSchedule"},),
    image_pull_secrets=("registry",),
)


def path_of(manifest: dict[str, Any]) -> str:
    metadata = manifest["metadata"]
    return f"{PATHS[manifest['kind']].format(metadata['namespace'])}/{metadata['name']}"


def apply(cluster: Cluster, manifest: dict[str, Any]) -> httpx.Response:
    return cluster.api.patch(
        path_of(manifest),
        params={"fieldManager": FIELD_MANAGER, "force": "true"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        content=json.dumps(manifest),
    )


def applied(cluster: Cluster, manifest: dict[str, Any]) -> dict[str, Any]:
    answer = apply(cluster, manifest)
    assert answer.is_success, answer.text
    found: dict[str, Any] = answer.json()
    return found


def read(cluster: Cluster, manifest: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = cluster.api.get(path_of(manifest)).raise_for_status().json()
    return found


@pytest.fixture(scope="module")
def space(cluster: Cluster) -> Iterator[str]:
    """A namespace for the tests that look at one bot each."""
    with cluster.namespace() as name:
        yield name


@pytest.fixture
def make_bot(cluster: Cluster, space: str) -> Callable[..., GridBot]:
    """Makes a bot that the API server knows: an owner that does not exist takes its objects."""

    def make(name: str, **spec: Any) -> GridBot:
        document = grid_bot_document(name, **spec)
        answer = cluster.api.post(cluster.path("gridbots", space), json=document)
        assert answer.is_success, answer.text
        return parse(GridBot, answer.json())

    return make


def all_manifests(bot: GridBot) -> list[dict[str, Any]]:
    namespace = bot.metadata.namespace
    return [
        build_service_account(namespace),
        build_service(namespace),
        build_network_policy(namespace, FULL),
        build_config_map(make_workload(bot), bot),
        make_stateful_set(bot, FULL),
    ]


def test_applying_again_changes_nothing_and_no_field_differs(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    for manifest in all_manifests(make_bot("twice", storage={"size": "1024Mi"})):
        first = applied(cluster, manifest)
        eventually(partial(is_settled, cluster, manifest))
        before = read(cluster, manifest)
        after = applied(cluster, manifest)
        kind = manifest["kind"]
        assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"], kind
        assert (differing_fields(manifest, first), differing_fields(manifest, after)) == ([], [])


def is_settled(cluster: Cluster, manifest: dict[str, Any]) -> bool:
    """Whether the controllers have had their look at an object."""
    live = read(cluster, manifest)
    status = live.get("status", {})
    return live["kind"] != "StatefulSet" or bool(status.get("currentReplicas"))


def test_a_namespace_that_enforces_restricted_takes_the_pod(
    cluster: Cluster, make_bot: Callable[..., GridBot], namespace: str
) -> None:
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.api.patch(
        f"/api/v1/namespaces/{namespace}",
        json={"metadata": {"labels": label}},
        headers={"Content-Type": "application/merge-patch+json"},
    ).raise_for_status()
    template = make_stateful_set(make_bot("restricted"), FULL)["spec"]["template"]
    template["spec"]["volumes"].append({"name": "data", "emptyDir": {}})
    account = build_service_account(namespace)
    applied(cluster, account)
    pod = {"apiVersion": "v1", "kind": "Pod", **template}
    pod["metadata"]["name"] = "bot"
    pods = PATHS["Pod"].format(namespace)
    answer = cluster.api.post(pods, params={"dryRun": "All"}, json=pod)
    assert answer.status_code == 201, answer.text
    assert "warning" not in answer.headers
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    refused = cluster.api.post(pods, params={"dryRun": "All"}, json=pod)
    assert refused.status_code == 403, refused.text


def test_edits_of_our_fields_are_named_and_repaired(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("edited")
    manifest = make_stateful_set(bot)
    applied(cluster, manifest)
    name = child_name(bot)
    on = ["--namespace", bot.metadata.namespace]
    for edit in (
        ["scale", f"statefulset/{name}", "--replicas=0"],
        ["set", "image", f"statefulset/{name}", "bot=registry.example/other:9"],
        ["set", "resources", f"statefulset/{name}", "--requests=memory=65Mi"],
        ["label", f"statefulset/{name}", "dantaro.io/bot-"],
        ["annotate", f"statefulset/{name}", "dantaro.io/input-hash=0", "--overwrite"],
    ):
        answer = cluster.kubectl(*edit, *on)
        assert answer.returncode == 0, answer.stderr
    assert differing_fields(manifest, read(cluster, manifest)) == [
        "metadata.labels[dantaro.io/bot]",
        "metadata.annotations[dantaro.io/input-hash]",
        "spec.replicas",
        "spec.template.spec.containers[bot].image",
        "spec.template.spec.containers[bot].resources.requests.memory",
    ]
    assert differing_fields(manifest, applied(cluster, manifest)) == []


def test_an_edit_of_the_configuration_is_named_and_repaired(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("config-edited")
    manifest = build_config_map(make_workload(bot), bot)
    applied(cluster, manifest)
    patch = {"data": {"config.json": "{}", "foreign": "stays"}}
    answer = cluster.api.patch(
        path_of(manifest), json=patch, headers={"Content-Type": "application/merge-patch+json"}
    )
    assert answer.is_success, answer.text
    assert differing_fields(manifest, answer.json()) == ["data[config.json]"]
    repaired = applied(cluster, manifest)
    assert differing_fields(manifest, repaired) == []
    assert repaired["data"]["foreign"] == "stays"


def test_what_others_add_is_left_alone(cluster: Cluster, make_bot: Callable[..., GridBot]) -> None:
    manifest = make_stateful_set(make_bot("shared-with-others"))
    live = applied(cluster, manifest)
    live["metadata"]["annotations"]["example.com/note"] = "foreign"
    pod = live["spec"]["template"]
    pod["metadata"]["annotations"] = {"kubectl.kubernetes.io/restartedAt": "2026-01-31T09:00:00Z"}
    sidecar = {"name": "sidecar", "image": "registry.example/sidecar:1"}
    pod["spec"]["containers"].insert(0, sidecar)
    bot = pod["spec"]["containers"][1]
    bot["env"] = [{"name": "FOREIGN", "value": "1"}]
    bot["ports"].insert(0, {"containerPort": 9000, "protocol": "TCP"})
    pod["spec"]["tolerations"] = [{"key": "gpu", "operator": "Exists"}]
    del live["metadata"]["resourceVersion"], live["metadata"]["managedFields"]
    changed = cluster.api.put(path_of(manifest), json=live, params={"fieldManager": "person"})
    assert changed.is_success, changed.text
    assert differing_fields(manifest, changed.json()) == []
    after = applied(cluster, manifest)
    assert after["spec"] == changed.json()["spec"]
    assert after["metadata"]["annotations"]["example.com/note"] == "foreign"


def test_a_new_storage_class_leaves_the_claims_of_a_running_bot(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("claims", storage={"size": "1024Mi"})
    live = applied(cluster, make_stateful_set(bot))
    for settings in (FULL, make_cluster_settings()):
        refused = apply(cluster, make_stateful_set(bot, FULL))
        assert refused.status_code == 422, refused.text
        manifest = make_stateful_set(bot, settings, live=live)
        first = applied(cluster, manifest)
        again = applied(cluster, make_stateful_set(bot, settings, live=first))
        assert "storageClassName" not in again["spec"]["volumeClaimTemplates"][0]["spec"]
        assert make_stateful_set(bot, settings, live=first) == manifest
        assert differing_fields(manifest, again) == []


def test_an_upgrade_that_is_held_back_writes_nothing(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("held")
    manifest = make_stateful_set(bot)
    applied(cluster, manifest)
    eventually(partial(is_settled, cluster, manifest))
    document = read(cluster, manifest)
    newer = replace(FULL, image="registry.example/dantaro-runtime:2")
    workload = replace(make_workload(bot), image=None)
    guess = build_wanted(workload, bot, newer, None).template
    live = read_live(document, guess)
    wanted = build_wanted(workload, bot, newer, live)
    for policy in ImageRollout:
        rollout = decide_rollout(wanted, live, policy=policy)
        intent = build_stateful_set(
            workload,
            bot,
            newer,
            image=rollout.image,
            template_version=rollout.template_version,
            template=rollout.template,
            live=document,
        )
        after = applied(cluster, intent)
        same = after["metadata"]["resourceVersion"] == document["metadata"]["resourceVersion"]
        assert same is (policy is ImageRollout.HELD)


def test_claims_stay_when_the_setting_is_removed(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("claims-of-a-class")
    live = applied(cluster, make_stateful_set(bot, FULL))
    assert apply(cluster, make_stateful_set(bot)).status_code == 422
    kept = applied(cluster, make_stateful_set(bot, live=live))
    assert kept["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"] == "fast"


def test_the_volume_may_be_given_up_just_before_the_end(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("given-up")
    live = applied(cluster, make_stateful_set(bot))
    after = applied(cluster, make_stateful_set(bot, keep_volume=False, live=live))
    policy = after["spec"]["persistentVolumeClaimRetentionPolicy"]
    assert policy == {"whenDeleted": "Delete", "whenScaled": "Retain"}


def test_a_pod_that_never_gets_ready_is_replaced_when_the_image_is_mended(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("broken")
    applied(cluster, build_service_account(bot.metadata.namespace))
    pod = f"{PATHS['Pod'].format(bot.metadata.namespace)}/{pod_name(bot)}"
    broken = make_stateful_set(bot, image="registry.example/broken:1")
    applied(cluster, broken)
    eventually(lambda: cluster.api.get(pod).is_success)
    mended = make_stateful_set(bot, image="registry.example/mended:1")
    assert read_live(applied(cluster, mended), mended["spec"]["template"]).is_rolling

    def replaced() -> bool:
        found = cluster.api.get(pod)  # missing for a moment
        return found.is_success and "mended:1" in found.text

    eventually(replaced)


def test_a_mark_on_the_pod_restarts_nothing(
    cluster: Cluster, make_bot: Callable[..., GridBot]
) -> None:
    bot = make_bot("marked")
    applied(cluster, build_service_account(bot.metadata.namespace))
    manifest = make_stateful_set(bot)
    applied(cluster, manifest)
    pod = f"{PATHS['Pod'].format(bot.metadata.namespace)}/{pod_name(bot)}"
    eventually(lambda: cluster.api.get(pod).is_success)
    mark = {"metadata": {"annotations": {CONFIG_HASH: "0123456789abcdef"}}}
    before = cluster.api.get(pod).json()
    cluster.api.patch(
        pod, json=mark, headers={"Content-Type": "application/merge-patch+json"}
    ).raise_for_status()
    applied(cluster, manifest)
    labelled = cluster.kubectl(
        "label", f"statefulset/{child_name(bot)}", "foreign=1", "-n", bot.metadata.namespace
    )
    assert labelled.returncode == 0, labelled.stderr
    eventually(lambda: is_settled(cluster, manifest))
    after = cluster.api.get(pod).json()
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["annotations"][CONFIG_HASH] == "0123456789abcdef"
