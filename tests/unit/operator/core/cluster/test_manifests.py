"""The manifests as a whole, and what never depends on chance or on the configuration."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.common import BotState, Mode
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.config_map import build_config_map, config_hash
from dantaro_operator.core.cluster.drift import differing_fields
from dantaro_operator.core.cluster.hashes import input_hash
from dantaro_operator.core.cluster.names import (
    CONFIG_HASH,
    INPUT_HASH,
    bot_labels,
    bot_of_child,
    child_name,
    is_owned_by,
    pod_name,
    selector_labels,
)
from dantaro_operator.core.cluster.settings import ClusterSettings, PodPeer, cluster_places
from dantaro_operator.core.cluster.shared import (
    build_network_policy,
    build_service,
    build_service_account,
)
from dantaro_operator.core.cluster.stateful_set import build_stateful_set
from tests.support.bots import make_allocation, make_grid_bot, make_trading_bot, share
from tests.support.golden import Golden
from tests.support.manifests import (
    IMAGE,
    make_cluster_settings,
    make_stateful_set,
    make_workload,
)

pytestmark = pytest.mark.unit

FULL = make_cluster_settings(
    image_pull_policy="Always",
    image_pull_secrets=("registry",),
    storage_class="fast",
    scraper=PodPeer(namespace="monitoring", labels={"app.kubernetes.io/name": "prometheus"}),
    node_selector={"disk": "ssd"},
    tolerations=({"key": "bots", "operator": "Exists", "effect": "NoSchedule"},),
    priority_class="bots",
    termination_grace_seconds=20,
)
NAMES = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,47}[a-z0-9])?", fullmatch=True)
SETTINGS = st.sampled_from(
    [
        make_cluster_settings(),
        FULL,
        make_cluster_settings(central=None, central_secret=None),
    ]
)


def live_workload(bot: Bot) -> Any:
    account = make_allocation(shares=[share(bot.kind, bot.metadata.name)])
    workload = make_workload(bot, account)
    config = workload.config.model_copy(update={"mode": Mode.LIVE})
    return replace(workload, config=config, secret_name="upbit-keys")


def stateful_set_of(workload: Any, bot: Bot, settings: ClusterSettings) -> dict[str, Any]:
    return build_stateful_set(workload, bot, settings, image=IMAGE, template_version=1)


def all_of(bot: Bot, settings: ClusterSettings) -> list[dict[str, Any]]:
    namespace = bot.metadata.namespace
    return [
        build_service_account(namespace),
        build_service(namespace),
        build_network_policy(namespace, settings),
        build_config_map(make_workload(bot), bot),
        make_stateful_set(bot, settings),
    ]


def test_manifests_of_a_bot_on_paper(golden: Golden) -> None:
    bot = make_grid_bot()
    golden.check("manifests/stateful_set_paper.yaml", make_stateful_set(bot))
    golden.check("manifests/config_map.yaml", build_config_map(make_workload(bot), bot))


def test_manifests_of_a_live_bot_with_every_setting(golden: Golden) -> None:
    bot = make_trading_bot(
        metadata={"namespace": "alice"},
        resources={"requests": {"memory": "128Mi"}},
        storage={"size": "2Gi"},
    )
    golden.check("manifests/stateful_set_live.yaml", stateful_set_of(live_workload(bot), bot, FULL))


def test_manifests_of_a_namespace(golden: Golden) -> None:
    golden.check("manifests/service_account.yaml", build_service_account("alice"))
    golden.check("manifests/service.yaml", build_service("alice"))
    golden.check(
        "manifests/network_policy.yaml", build_network_policy("alice", make_cluster_settings())
    )
    golden.check("manifests/network_policy_full.yaml", build_network_policy("alice", FULL))


def test_without_central_in_the_cluster_only_names_and_exchanges_are_reached() -> None:
    policy = build_network_policy("alice", make_cluster_settings(central=None))
    ports = [[p["port"] for p in rule["ports"]] for rule in policy["spec"]["egress"]]
    assert ports == [[53, 53], [443]]


@given(NAMES, SETTINGS)
def test_the_same_inputs_give_the_same_json(name: str, chosen: ClusterSettings) -> None:
    once, twice = (all_of(make_grid_bot(name), chosen) for _ in range(2))
    for manifest, other in zip(once, twice, strict=True):
        assert json.loads(json.dumps(manifest)) == manifest
        assert json.dumps(manifest) == json.dumps(other)
        assert differing_fields(manifest, manifest) == []


@given(NAMES)
def test_names_fit_and_kinds_never_meet(name: str) -> None:
    grid, trading = make_grid_bot(name), make_trading_bot(name)
    assert len(child_name(grid)) <= 52
    assert pod_name(grid) == f"{child_name(grid)}-0"
    assert child_name(grid) != child_name(trading)
    assert selector_labels(grid) != selector_labels(trading)
    labels = bot_labels(grid)
    assert all(len(value) <= 63 for value in labels.values())
    assert labels.items() >= selector_labels(grid).items()


def test_marks_on_the_bot_are_not_handed_down() -> None:
    marks = {"argocd.argoproj.io/instance": "mine", "app.kubernetes.io/instance": "mine"}
    marked = make_grid_bot(metadata={"labels": marks, "annotations": marks})
    assert all_of(marked, FULL) == all_of(make_grid_bot(), FULL)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"state": BotState.STOPPED}, id="state"),
        pytest.param({"halt": True}, id="halt"),
        pytest.param({"generation": 2}, id="generation"),
        pytest.param({"start_time": datetime(2026, 1, 1, tzinfo=UTC)}, id="start"),
        pytest.param({"symbol": "KRW-XRP"}, id="symbol"),
    ],
)
def test_a_change_of_the_configuration_touches_the_config_map_only(change: dict[str, Any]) -> None:
    bot = make_grid_bot()
    workload = make_workload(bot)
    changed = replace(workload, config=workload.config.model_copy(update=change))
    usual = make_cluster_settings()
    assert stateful_set_of(changed, bot, usual) == stateful_set_of(workload, bot, usual)
    assert build_config_map(changed, bot) != build_config_map(workload, bot)
    assert config_hash(changed) != config_hash(workload)


def test_the_mounted_file_is_what_the_bot_reads() -> None:
    workload = make_workload(make_trading_bot())
    text = build_config_map(workload, make_trading_bot())["data"]["config.json"]
    assert BotConfig.model_validate_json(text) == workload.config


def test_the_store_is_of_this_very_bot_and_mode() -> None:
    older, newer = (make_grid_bot(metadata={"uid": f"uid-of-bot-{n}"}) for n in (1, 2))
    urls = {cluster_places(bot, Mode.PAPER).store_url for bot in (older, newer)}
    urls.add(cluster_places(newer, Mode.LIVE).store_url)
    assert urls == {
        "sqlite:////data/paper-uid-of-bot-1.db",
        "sqlite:////data/paper-uid-of-bot-2.db",
        "sqlite:////data/live-uid-of-bot-2.db",
    }


@given(st.sampled_from(["replicas", "serviceName", "template", "metadata", "kind"]), st.integers())
def test_the_hash_moves_with_every_field_but_its_own_mark(field: str, value: int) -> None:
    manifest = make_stateful_set(make_grid_bot())
    mark = manifest["metadata"]["annotations"][INPUT_HASH]
    assert mark == input_hash(manifest)
    manifest["metadata"]["annotations"][INPUT_HASH] = str(value)
    assert input_hash(manifest) == mark
    part = manifest["spec"] if field in manifest["spec"] else manifest
    was, part[field] = part[field], value
    if field != "metadata" and was != value:
        assert input_hash(manifest) != mark


def test_the_hash_tells_a_changed_image_volume_and_version() -> None:
    bot = make_grid_bot()
    hashes = {
        input_hash(manifest)
        for manifest in (
            make_stateful_set(bot),
            make_stateful_set(bot, image="other"),
            make_stateful_set(bot, template_version=2),
            make_stateful_set(bot, keep_volume=False),
            make_stateful_set(bot, FULL),
            make_stateful_set(make_grid_bot(storage={"size": "2Gi"})),
        )
    }
    assert len(hashes) == 6


@pytest.mark.parametrize(
    ("own", "want_requests", "want_limits"),
    [
        pytest.param(None, {"cpu": "10m", "memory": "64Mi"}, {"memory": "192Mi"}, id="defaults"),
        pytest.param(
            {"requests": {"cpu": "1"}},
            {"cpu": "1", "memory": "64Mi"},
            {"memory": "192Mi"},
            id="one-of-its-own",
        ),
        pytest.param(
            {"requests": {"memory": "1Gi"}},
            {"cpu": "10m", "memory": "1Gi"},
            {"memory": "1Gi"},
            id="more-than-the-default-limit",
        ),
        pytest.param(
            {"limits": {"memory": "32Mi", "cpu": "5m"}},
            {"cpu": "5m", "memory": "32Mi"},
            {"memory": "32Mi", "cpu": "5m"},
            id="less-than-the-default-request",
        ),
    ],
)
def test_amounts_of_the_bot_win(
    own: dict[str, Any] | None, want_requests: dict[str, str], want_limits: dict[str, str]
) -> None:
    bot = make_grid_bot(**({"resources": own} if own else {}))
    (container,) = make_stateful_set(bot)["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == {"requests": want_requests, "limits": want_limits}


def test_an_object_of_an_older_namesake_is_not_ours() -> None:
    older, newer = (make_grid_bot(metadata={"uid": f"uid-of-bot-{n}"}) for n in (1, 2))
    live = make_stateful_set(older)
    assert is_owned_by(live, older)
    assert not is_owned_by(live, newer)
    assert not is_owned_by({"metadata": {"name": "gb-grid"}}, newer)


def test_an_object_leads_to_its_bot_by_its_name_whatever_its_labels_say() -> None:
    bot = make_trading_bot()
    metadata = make_stateful_set(bot)["metadata"]
    assert bot_of_child(metadata) == bot.key
    assert bot_of_child(metadata | {"labels": {}}) == bot.key
    assert bot_of_child(metadata | {"ownerReferences": []}) == bot.key
    assert bot_of_child(metadata | {"name": "copy"}) is None
    assert bot_of_child(build_service("default")["metadata"]) is None


def test_the_hash_of_the_configuration_is_a_mark_and_never_in_the_pod() -> None:
    manifest = make_stateful_set(make_grid_bot(), config_hash="0123456789abcdef")
    assert manifest["metadata"]["annotations"][CONFIG_HASH] == "0123456789abcdef"
    assert "0123456789abcdef" not in json.dumps(manifest["spec"])
    assert CONFIG_HASH not in make_stateful_set(make_grid_bot())["metadata"]["annotations"]


@pytest.mark.parametrize(
    ("made_with", "now", "want"),
    [
        pytest.param(None, "fast", None, id="named-later"),
        pytest.param("fast", None, "fast", id="no-longer-named"),
        pytest.param("fast", "slow", "fast", id="another"),
        pytest.param("fast", "fast", "fast", id="the-same"),
    ],
)
def test_claims_stay_as_they_were_made(
    made_with: str | None, now: str | None, want: str | None
) -> None:
    bot = make_grid_bot()
    live = make_stateful_set(bot, make_cluster_settings(storage_class=made_with))
    claims = live["spec"]["volumeClaimTemplates"]
    claims[0]["status"] = {"phase": "Pending"}  # as the API server adds it
    usual = make_cluster_settings(storage_class=now)
    kept = make_stateful_set(bot, usual, live=live)["spec"]["volumeClaimTemplates"]
    assert kept[0]["spec"].get("storageClassName") == want
    again = make_stateful_set(bot, usual, live={"spec": {"volumeClaimTemplates": kept}})
    assert again["spec"]["volumeClaimTemplates"] == kept
