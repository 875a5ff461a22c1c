"""Drift: told by intents and live objects that were captured from an API server (1.36)."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dantaro_operator.core.cluster.drift import differing_fields
from tests.support.bots import make_grid_bot
from tests.support.manifests import make_stateful_set

pytestmark = pytest.mark.unit

LIVE = Path(__file__).parents[4] / "data" / "manifests" / "live"
CAPTURED = {file.stem: yaml.safe_load(file.read_text()) for file in sorted(LIVE.glob("*.yaml"))}


def stateful_set() -> tuple[dict[str, Any], dict[str, Any]]:
    pair = copy.deepcopy(CAPTURED["StatefulSet"])
    return pair["intent"], pair["live"]


@pytest.mark.parametrize("kind", CAPTURED)
def test_what_the_server_adds_and_rewrites_is_no_drift(kind: str) -> None:
    assert differing_fields(CAPTURED[kind]["intent"], CAPTURED[kind]["live"]) == []


@pytest.mark.parametrize(
    ("path", "value", "want"),
    [
        pytest.param(("spec", "replicas"), 0, "spec.replicas", id="number"),
        pytest.param(
            ("metadata", "labels", "dantaro.io/bot"),
            None,
            "metadata.labels[dantaro.io/bot]",
            id="removed-label",
        ),
        pytest.param(
            ("spec", "template", "spec", "containers", 0, "image"),
            "other",
            "spec.template.spec.containers[bot].image",
            id="image",
        ),
        pytest.param(
            ("spec", "template", "spec", "containers", 0, "resources", "requests", "cpu"),
            "51m",
            "spec.template.spec.containers[bot].resources.requests.cpu",
            id="amount",
        ),
        pytest.param(
            ("spec", "template", "spec", "containers", 0, "args"),
            ["--config"],
            "spec.template.spec.containers[bot].args",
            id="shorter-list",
        ),
        pytest.param(
            ("spec", "template", "spec", "containers", 0, "args", 0),
            "--other",
            "spec.template.spec.containers[bot].args[0]",
            id="entry-of-a-list",
        ),
        pytest.param(
            ("spec", "template", "spec", "volumes"),
            [],
            "spec.template.spec.volumes[config]",
            id="missing-volume",
        ),
        pytest.param(
            ("spec", "template", "spec", "tolerations"),
            None,
            "spec.template.spec.tolerations",
            id="missing-list",
        ),
        pytest.param(
            ("metadata", "ownerReferences"),
            None,
            "metadata.ownerReferences",
            id="owner",
        ),
    ],
)
def test_a_changed_field_is_named(path: tuple[Any, ...], value: Any, want: str) -> None:
    intent, live = stateful_set()
    at: Any = live
    for key in path[:-1]:
        at = at[key]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    assert want in differing_fields(intent, live)
    assert len(differing_fields(intent, live)) == (3 if want.endswith("[config]") else 1)


@pytest.mark.parametrize(
    ("cpu", "memory"), [("0.05", "65536Ki"), ("50m", "67108864"), ("5e-2", "64Mi")]
)
def test_amounts_are_compared_by_value(cpu: str, memory: str) -> None:
    intent, live = stateful_set()
    (container,) = live["spec"]["template"]["spec"]["containers"]
    container["resources"]["requests"] = {"cpu": cpu, "memory": memory}
    assert differing_fields(intent, live) == []


def test_what_others_add_is_no_drift() -> None:
    intent, live = stateful_set()
    pod = live["spec"]["template"]["spec"]
    pod["containers"].insert(0, {"name": "sidecar", "image": "other", "args": ["-v"]})
    pod["volumes"].insert(0, {"name": "foreign", "emptyDir": {}})
    own = pod["containers"][1]
    own["env"] = [{"name": "FOREIGN", "value": "1"}]
    own["ports"].insert(0, {"containerPort": 9000, "protocol": "TCP"})
    own["volumeMounts"].insert(0, {"name": "foreign", "mountPath": "/foreign"})
    pod["hostAliases"] = [{"ip": "192.0.2.1", "hostnames": ["foreign"]}]
    live["metadata"]["labels"]["foreign"] = "1"
    live["metadata"].setdefault("annotations", {})["foreign"] = "1"
    live["metadata"]["ownerReferences"].insert(0, {"uid": "foreign", "kind": "Foreign"})
    assert differing_fields(intent, live) == []


def test_a_list_that_is_owned_as_a_whole_takes_no_foreign_entry() -> None:
    pair = copy.deepcopy(CAPTURED["NetworkPolicy"])
    pair["live"]["spec"]["egress"].append({"ports": [{"port": 22, "protocol": "TCP"}]})
    assert differing_fields(pair["intent"], pair["live"]) == ["spec.egress"]


def test_equal_texts_of_labels_are_texts_not_amounts() -> None:
    intent = {"metadata": {"labels": {"version": "1.0"}}}
    assert differing_fields(intent, {"metadata": {"labels": {"version": "1"}}}) == [
        "metadata.labels.version"
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "limits", "env", "a.b", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_nothing_differs_from_itself(document: dict[str, Any]) -> None:
    assert differing_fields(document, document) == []


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=4))
def test_every_field_that_is_missing_is_told(document: dict[str, Any]) -> None:
    present = [key for key, value in document.items() if value is not None]
    assert len(differing_fields(document, {})) == len(present)


def test_an_empty_cluster_lacks_everything() -> None:
    manifest = make_stateful_set(make_grid_bot())
    assert differing_fields(manifest, {}) == ["apiVersion", "kind", "metadata", "spec"]
