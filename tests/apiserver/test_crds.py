"""Our CRDs on a real API server: what kubectl shows, and what the server fills in and refuses."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from dantaro_crds.v1alpha1.kinds import KINDS, dump, parse
from tests.support.cluster import CRDS, Cluster

pytestmark = pytest.mark.apiserver

EXAMPLES = Path(__file__).parents[2] / "examples"
PLURALS = {name: kind.info.plural for name, kind in KINDS.items()}
CONDITION = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-31T09:00:00Z",
    "reason": "Trading",
    "message": "Everything is as declared.",
}
STATUS: dict[str, dict[str, Any]] = {
    "Allocation": {
        "observedGeneration": 1,
        "allocatedPercent": 60,
        "equity": "1000250",
        "realizedPnl": "300",
        "unrealizedPnl": "-50",
        "conditions": [CONDITION, {**CONDITION, "type": "Halted", "status": "False"}],
    },
    "TradingBot": {
        "observedGeneration": 1,
        "phase": "Running",
        "strategy": "staged",
        "symbol": "KRW-ETH",
        "mode": "Paper",
        "budget": "300000",
        "pnl": {"total": "-125.5", "realized": "0", "unrealized": "-125.5", "today": "12"},
        "orders": {"open": 4, "filled": 9, "rejected": 0},
        "conditions": [CONDITION],
    },
    "GridBot": {
        "observedGeneration": 1,
        "phase": "Running",
        "strategy": "grid",
        "symbol": "KRW-BTC",
        "mode": "Paper",
        "budget": "300000",
        "pnl": {"total": "375.5", "realized": "400", "unrealized": "-24.5", "today": "0"},
        "orders": {"open": 20, "filled": 3, "rejected": 0},
        "conditions": [CONDITION],
    },
}
ROWS = {
    "Allocation": "main Paper paper 1000000 60 1000250 300 -50 True False",
    "TradingBot": "main Paper KRW-ETH staged Running 300000 -125.5 4",
    "GridBot": "main Paper KRW-BTC grid Running 300000 375.5 20",
}


def manifest(kind: str) -> dict[str, Any]:
    """Return the least that is accepted."""
    specs: dict[str, Any] = {
        "Allocation": {"budget": "1000000"},
        "TradingBot": {
            "allocationRef": {"name": "main"},
            "symbol": "KRW-ETH",
            "strategy": {"staged": {}},
        },
        "GridBot": {
            "allocationRef": {"name": "main"},
            "symbol": "KRW-BTC",
            "lowerPrice": "90000000",
            "upperPrice": "110000000",
            "grids": 20,
        },
    }
    return {
        "apiVersion": "dantaro.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": "main"},
        "spec": specs[kind],
    }


def created(cluster: Cluster, namespace: str, kind: str) -> dict[str, Any]:
    """Create the least object of a kind and return it as the server keeps it."""
    answer = cluster.api.post(cluster.path(PLURALS[kind], namespace), json=manifest(kind))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def patched_status(
    cluster: Cluster, namespace: str, kind: str, status: dict[str, Any]
) -> httpx.Response:
    """Write a status by merge patch, as the operator does."""
    return cluster.api.patch(
        cluster.path(PLURALS[kind], namespace, "main") + "/status",
        headers={"Content-Type": "application/merge-patch+json"},
        content=json.dumps({"status": status}),
    )


def table(text: str) -> list[list[str]]:
    """Return the cells of one table of kubectl; empty cells are left out."""
    return [line.split() for line in text.splitlines()]


@pytest.mark.parametrize("file", CRDS, ids=[file.stem for file in CRDS])
def test_the_server_takes_schema_and_rule_cost_and_a_second_time_changes_nothing(
    cluster: Cluster, file: Path
) -> None:
    first = cluster.apply_crd(file.read_text())
    second = cluster.apply_crd(file.read_text())
    assert first.status_code == second.status_code == 200, first.text
    versions = [answer.json()["metadata"]["resourceVersion"] for answer in (first, second)]
    assert versions[0] == versions[1]


def test_the_server_counts_the_cost_of_rules(cluster: Cluster) -> None:
    crd = yaml.safe_load(next(f for f in CRDS if f.stem == "allocations").read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    pairs = "self.shares.all(a, self.shares.exists_one(b, a.name == b.name))"
    del spec["properties"]["shares"]["maxItems"]
    spec["x-kubernetes-validations"].append({"rule": pairs, "message": "twice"})
    answer = cluster.apply_crd(yaml.safe_dump(crd), dry_run=True)
    assert answer.status_code == 422
    assert "estimated rule cost exceeds budget" in answer.text


@pytest.mark.parametrize("kind", KINDS)
def test_get_shows_our_columns_before_any_status_and_after(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    created(cluster, namespace, kind)
    command = ("get", PLURALS[kind], "--namespace", namespace)
    before = cluster.kubectl(*command)
    shown = [c.name.upper() for c in KINDS[kind].info.columns if not c.priority]
    assert before.stdout.splitlines()[0].split() == ["NAME", *shown], before
    assert table(before.stdout)[1][0] == "main"
    assert ("Pending" in before.stdout) == (kind != "Allocation")

    answer = patched_status(cluster, namespace, kind, STATUS[kind])
    assert answer.status_code == 200, answer.text
    after = cluster.kubectl(*command)
    assert " ".join(table(after.stdout)[1][:-1]) == ROWS[kind]
    wide = cluster.kubectl(*command, "--output=wide").stdout.splitlines()[0]
    assert all(c.name.upper() in wide for c in KINDS[kind].info.columns)


def test_short_names_and_the_category_list_our_kinds(cluster: Cluster, namespace: str) -> None:
    for kind in KINDS:
        created(cluster, namespace, kind)
    names = {f"{kind.lower()}.dantaro.io/main" for kind in KINDS}
    for what in ("tb,gb,alloc", "dantaro"):
        answer = cluster.kubectl("get", what, "--namespace", namespace, "--output=name")
        assert set(answer.stdout.split()) == names, answer
    everything = cluster.kubectl("get", "all", "--namespace", namespace, "--output=name")
    assert everything.stdout == ""


def test_explain_reads_like_documentation(cluster: Cluster) -> None:
    text = cluster.kubectl("explain", "tradingbot.spec.strategy.staged").stdout
    for part in (
        "Buy in stages down to a support level",
        "takeProfitPercent\t<string>",
        "percent, both fees included",
        "enum: Aggressive, Moderate, Conservative",
        "1 to 20. Default: 5.",
    ):
        assert " ".join(part.split()) in " ".join(text.split())
    whole = cluster.kubectl("explain", "gridbots.dantaro.io", "--recursive").stdout
    assert all(name in whole for name in ("lowerPrice", "trailingUp", "initialStockGain"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_fills_in_the_defaults_of_our_models(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    kept = created(cluster, namespace, kind)
    ours = dump(parse(KINDS[kind], manifest(kind)))
    assert kept["spec"] == {k: v for k, v in ours["spec"].items() if v != []}
    assert kept["status"]["observedGeneration"] == -1


def test_kubectl_apply_refuses_an_unknown_field_and_other_ways_too(
    cluster: Cluster, namespace: str
) -> None:
    wrong = manifest("GridBot")
    wrong["spec"]["gridz"] = 3
    plain = ("apply", "--namespace", namespace, "--filename=-")
    answer = cluster.kubectl(*plain, stdin=yaml.safe_dump(wrong))
    assert answer.returncode == 1
    assert 'unknown field "spec.gridz"' in answer.stderr
    answer = cluster.kubectl(*plain, "--server-side", stdin=yaml.safe_dump(wrong))
    assert answer.returncode == 1
    assert ".spec.gridz: field not declared in schema" in answer.stderr
    assert "No resources found" in cluster.kubectl("get", "gb", "-n", namespace).stderr


def test_our_examples_are_accepted_and_applying_them_twice_changes_nothing(
    cluster: Cluster,
) -> None:
    folders = sorted(path for path in EXAMPLES.iterdir() if list(path.glob("*.yaml")))
    assert folders
    for folder in folders:
        with cluster.namespace() as namespace:
            command = ("apply", "--namespace", namespace, f"--filename={folder}")
            first = cluster.kubectl(*command)
            assert first.returncode == 0, first.stderr
            second = cluster.kubectl(*command)
            lines = second.stdout.splitlines()
            assert lines
            assert all(line.endswith(" unchanged") for line in lines)


def test_plain_kubectl_apply_takes_our_crds(cluster: Cluster) -> None:
    files = [f"--filename={file}" for file in CRDS]
    answer = cluster.kubectl("apply", "--dry-run=server", *files)
    assert answer.returncode == 0, answer.stderr


def test_wait_waits_until_the_status_says_ready(cluster: Cluster, namespace: str) -> None:
    created(cluster, namespace, "TradingBot")
    command = ("wait", "tb/main", "--for=condition=Ready", "--namespace", namespace)
    assert cluster.kubectl(*command, "--timeout=1s").returncode == 1
    patched_status(cluster, namespace, "TradingBot", STATUS["TradingBot"])
    assert cluster.kubectl(*command, "--timeout=10s").returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_status_write_moves_no_generation_and_the_same_again_writes_nothing(
    cluster: Cluster, namespace: str, kind: str
) -> None:
    before = created(cluster, namespace, kind)["metadata"]
    first = patched_status(cluster, namespace, kind, STATUS[kind]).json()["metadata"]
    second = patched_status(cluster, namespace, kind, STATUS[kind]).json()["metadata"]
    assert first["generation"] == before["generation"] == 1
    assert before["resourceVersion"] != first["resourceVersion"] == second["resourceVersion"]


def test_a_status_sent_at_creation_is_dropped(cluster: Cluster, namespace: str) -> None:
    early = {**manifest("TradingBot"), "status": STATUS["TradingBot"]}
    answer = cluster.api.post(cluster.path("tradingbots", namespace), json=early)
    assert answer.status_code == 201, answer.text
    assert answer.json()["status"] == {"observedGeneration": -1, "phase": "Pending"}


def test_a_condition_may_stand_once_only(cluster: Cluster, namespace: str) -> None:
    created(cluster, namespace, "TradingBot")
    twice = {**STATUS["TradingBot"], "conditions": [CONDITION, CONDITION]}
    answer = patched_status(cluster, namespace, "TradingBot", twice)
    assert answer.status_code == 422
    assert 'Duplicate value: {"type":"Ready"}' in answer.json()["message"]
