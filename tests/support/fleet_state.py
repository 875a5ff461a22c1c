"""What a fleet has come to: every object, without what two runs cannot have in common."""

import json
from collections.abc import Iterator
from typing import Any

import yaml

from dantaro_operator.core.cluster.names import MANAGED_SELECTOR
from tests.support.cluster import Cluster
from tests.support.fleet_script import PLURALS, FleetScript

__all__ = ["FleetState", "check_wishes", "differences", "find_orphans", "fleet_state"]

FleetState = dict[str, Any]
"""Objects by `namespace kind name`, each without uids, versions, times and names of the run."""

_CHILDREN = {
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}

_PASSING = frozenset(
    {
        "clusterIP",
        "clusterIPs",
        "creationTimestamp",
        "dantaro.io/config-hash",
        "dantaro.io/input-hash",
        "lastHeartbeatTime",
        "lastTransitionTime",
        "managedFields",
        "resourceVersion",
    }
)
"""Times, versions, addresses, and hashes of what holds a uid."""


def fleet_state(cluster: Cluster, namespaces: tuple[str, ...]) -> FleetState:
    """Return the state of some namespaces as one comparable value."""
    found = [item for namespace in namespaces for item in _objects(cluster, namespace)]
    names = {namespace: f"place-{number}" for number, namespace in enumerate(namespaces)}
    uids = {item["metadata"]["uid"]: f"uid of {_name(item)}" for item in found}
    text = json.dumps({_name(item): _without_passing(item) for item in found})
    for known, given in (uids | names).items():
        text = text.replace(known, given)
    state: FleetState = json.loads(text)
    return state


def differences(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield the places where two states differ, and how."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            yield from differences(one.get(key), other.get(key), f"{path}/{key}")
    elif one != other:
        yield f"{path}: {one!r} and {other!r}"


def find_orphans(cluster: Cluster, namespaces: tuple[str, ...]) -> list[str]:
    """Return the StatefulSets and ConfigMaps that no living bot owns, or a bot owns twice."""
    found = [item for namespace in namespaces for item in _objects(cluster, namespace)]
    bots = {item["metadata"]["uid"] for item in found if item["kind"].endswith("Bot")}
    wrong = []
    taken = set()
    for item in found:
        if item["kind"] not in {"StatefulSet", "ConfigMap"}:
            continue
        owners = [owner["uid"] for owner in item["metadata"].get("ownerReferences", ())]
        claim = (item["kind"], *owners)
        if len(owners) != 1 or owners[0] not in bots or claim in taken:
            wrong.append(_name(item))
        taken.add(claim)
    return wrong


def check_wishes(script: FleetScript, state: FleetState) -> None:
    """Fail unless a state is what the script asks for."""
    want = {f"place-{bot.place} {bot.kind} {bot.name}": bot for bot in script.left}
    found = {name for name in state if "Bot " in name}
    assert found == set(want), found ^ set(want)
    for kind in ("StatefulSet", "ConfigMap"):
        found = {name for name in state if f" {kind} " in name}
        children = {f"place-{bot.place} {kind} {bot.child}" for bot in script.left}
        assert found == children, found ^ children
    for name, bot in want.items():
        child = f"place-{bot.place} ConfigMap {bot.child}"
        config = yaml.safe_load(state[child]["data"]["config.json"])
        told = (config["budget"], config["state"], config["halt"], config.get("drain"))
        assert told == (format(bot.budget, "f"), bot.state, bot.halt, None), (name, told)
        if bot.kind == "GridBot":
            lower = config["strategy"]["grid"]["lowerPrice"]
            assert lower == bot.lower, (name, lower, bot.lower)
        status, generation = state[name]["status"], state[name]["metadata"]["generation"]
        assert (status["observedGeneration"], status.get("budget")) == (generation, told[0]), name
        ready = next(c for c in status["conditions"] if c["type"] == "Ready")
        assert (ready["status"], ready["observedGeneration"]) == ("True", generation), ready
        assert state[f"place-{bot.place} StatefulSet {bot.child}"]["spec"]["replicas"] == 1, name


def _objects(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    own = {kind: cluster.path(plural, namespace) for kind, plural in PLURALS.items()}
    found = [item for kind, path in own.items() for item in _list(cluster, kind, path, "")]
    for kind, path in _CHILDREN.items():
        found += _list(cluster, kind, path.format(namespace), MANAGED_SELECTOR)
    return found


def _list(cluster: Cluster, kind: str, path: str, selector: str) -> list[dict[str, Any]]:
    answer = cluster.api.get(path, params={"labelSelector": selector})
    assert answer.is_success, answer.text
    return [item | {"kind": kind} for item in answer.json()["items"]]


def _name(item: dict[str, Any]) -> str:
    return f"{item['metadata']['namespace']} {item['kind']} {item['metadata']['name']}"


def _without_passing(item: dict[str, Any]) -> dict[str, Any]:
    kept = dict(item)
    if item["kind"] in {"StatefulSet", "NetworkPolicy"}:
        # Its controller's, and how often it was put right.
        kept.pop("status", None)
        kept["metadata"] = {k: v for k, v in item["metadata"].items() if k != "generation"}
    cleaned: dict[str, Any] = _clean(kept)
    return cleaned


def _clean(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _clean(value) for key, value in node.items() if key not in _PASSING}
    if isinstance(node, list):
        return [_clean(value) for value in node]
    return node
