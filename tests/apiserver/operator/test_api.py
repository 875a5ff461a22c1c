"""Our client against the real API server."""

import dataclasses
import ssl
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dantaro_crds.errors import AuthenticationError, ConflictError, NotFoundError, SpecError
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.credentials import (
    REREAD_SECONDS,
    Credentials,
    ServiceAccount,
    TokenFile,
    load_credentials,
)
from dantaro_operator.adapters.kubernetes.kubeconfig import read_kubeconfig
from dantaro_operator.errors import NotLeadingError
from tests.support.clock import StepClock
from tests.support.cluster import Cluster

pytestmark = pytest.mark.apiserver

REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
SPEC = {
    "allocationRef": {"name": "main"},
    "symbol": "KRW-BTC",
    "lowerPrice": "90",
    "upperPrice": "110",
    "grids": 2,
}


def config_map(name: str = "a", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"name": name}},
        "data": data,
    }


def grid_bot(**spec: object) -> dict[str, Any]:
    return {
        "apiVersion": "dantaro.io/v1alpha1",
        "kind": "GridBot",
        "metadata": {"name": "a"},
        "spec": {**SPEC, **spec},
    }


@pytest.fixture
def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def new_account(cluster: Cluster, namespace: str, name: str) -> str:
    """Make a service account and return a token of it."""
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    manifest = {"metadata": {"name": name}}
    cluster.api.post(accounts, json=manifest).raise_for_status()
    answer = cluster.api.post(f"{accounts}/{name}/token", json={"spec": {}}).raise_for_status()
    return str(answer.json()["status"]["token"])


async def whoami(api: KubernetesApi) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    return str((await api.create(REVIEWS, review))["status"]["userInfo"]["username"])


async def test_an_absent_object_is_none(api: KubernetesApi, config_maps: str) -> None:
    assert await api.get(f"{config_maps}/a") is None


async def test_a_kind_that_is_not_installed_is_no_absent_object(
    api: KubernetesApi, namespace: str
) -> None:
    path = f"/apis/dantaro.io/v1alpha1/namespaces/{namespace}/others/a"
    with pytest.raises(NotFoundError, match=f"get others/a in {namespace}: 404 page not found"):
        await api.get(path)
    with pytest.raises(NotFoundError, match="delete others/a"):
        await api.delete(path)


async def test_the_same_manifest_again_changes_nothing(
    api: KubernetesApi, config_maps: str
) -> None:
    first = await api.apply(f"{config_maps}/a", config_map(x="1"))
    again = await api.apply(f"{config_maps}/a", config_map(x="1"))
    assert first["metadata"]["resourceVersion"] == again["metadata"]["resourceVersion"]
    assert await api.get(f"{config_maps}/a") == again


async def test_apply_takes_fields_back_and_leaves_others_alone(
    api: KubernetesApi, config_maps: str, cluster: Cluster
) -> None:
    await api.apply(f"{config_maps}/a", config_map(x="1", gone="1"))
    cluster.api.patch(
        f"{config_maps}/a",
        json={"data": {"x": "2", "theirs": "2"}},
        headers={"Content-Type": "application/merge-patch+json"},
    ).raise_for_status()
    repaired = await api.apply(f"{config_maps}/a", config_map(x="1"))
    assert repaired["data"] == {"x": "1", "theirs": "2"}


async def test_a_status_is_written_beside_the_spec(
    api: KubernetesApi, cluster: Cluster, namespace: str
) -> None:
    path = cluster.path("gridbots", namespace, "a")
    await api.apply(path, grid_bot())
    written = await api.merge_patch(path, {"status": {"phase": "Running"}}, subresource="status")
    assert (written["status"]["phase"], written["metadata"]["generation"]) == ("Running", 1)


async def test_a_refused_spec_tells_the_servers_words(
    api: KubernetesApi, cluster: Cluster, namespace: str
) -> None:
    with pytest.raises(SpecError, match="lowerPrice must be < upperPrice, were 120 and 110"):
        await api.apply(cluster.path("gridbots", namespace, "a"), grid_bot(lowerPrice="120"))


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({"newField": "x"}, "install the CRDs", id="unknown-field"),
        pytest.param({"symbol": {"name": "x"}}, r"\(HTTP 500\)$", id="wrong-type"),
    ],
)
async def test_what_the_schema_lacks_is_not_tried_again(
    credentials: Credentials, cluster: Cluster, namespace: str, spec: dict[str, Any], want: str
) -> None:
    seen = []
    async with KubernetesApi(
        credentials, may_write=lambda: True, observed=lambda *what: seen.append(what[:2])
    ) as api:
        with pytest.raises(SpecError, match=want):
            await api.apply(cluster.path("gridbots", namespace, "a"), grid_bot(**spec))
    assert seen == [("apply", 500)]


async def test_writes_of_an_old_version_conflict(api: KubernetesApi, config_maps: str) -> None:
    old = await api.create(config_maps, config_map(x="1"))
    await api.replace(f"{config_maps}/a", old | {"data": {"x": "2"}})
    version = {"metadata": {"resourceVersion": old["metadata"]["resourceVersion"]}}
    test = {"op": "test", "path": "/data/x", "value": "1"}
    with pytest.raises(ConflictError, match="replace configmaps/a in test-"):
        await api.replace(f"{config_maps}/a", old)
    with pytest.raises(ConflictError):
        await api.merge_patch(f"{config_maps}/a", version | {"data": {"x": "3"}})
    with pytest.raises(ConflictError):
        await api.json_patch(f"{config_maps}/a", [test, {"op": "remove", "path": "/data/x"}])
    with pytest.raises(ConflictError, match="already exists"):
        await api.create(config_maps, config_map())


async def test_a_json_patch_is_carried_out(api: KubernetesApi, config_maps: str) -> None:
    await api.apply(f"{config_maps}/a", config_map(x="1"))
    patched = await api.json_patch(
        f"{config_maps}/a", [{"op": "add", "path": "/data/y", "value": "2"}]
    )
    assert patched["data"] == {"x": "1", "y": "2"}


async def test_deleting_twice_is_as_once_and_spares_a_newer_object(
    api: KubernetesApi, config_maps: str
) -> None:
    made = await api.apply(f"{config_maps}/a", config_map())
    with pytest.raises(ConflictError, match="UID"):
        await api.delete(f"{config_maps}/a", uid="that-of-an-older-one")
    assert await api.delete(f"{config_maps}/a", uid=made["metadata"]["uid"]) is True
    assert await api.delete(f"{config_maps}/a", uid=made["metadata"]["uid"]) is False


async def test_a_list_comes_in_pages_with_one_version(api: KubernetesApi, config_maps: str) -> None:
    for name in "abcde":
        await api.apply(f"{config_maps}/{name}", config_map(name))
    listing = api.list(config_maps, selector="name in (a,b,c,d)", page=3)
    assert [item["metadata"]["name"] async for item in listing] == ["a", "b", "c", "d"]
    newest = await api.get(f"{config_maps}/e")
    assert newest is not None
    assert int(listing.resource_version) >= int(newest["metadata"]["resourceVersion"])


async def test_a_list_of_metadata_leaves_the_content_out(
    api: KubernetesApi, config_maps: str
) -> None:
    found = [item async for item in api.list(config_maps, selector="name=a", metadata_only=True)]
    assert found == []
    await api.apply(f"{config_maps}/a", config_map(key="value"))
    found = [item async for item in api.list(config_maps, selector="name=a", metadata_only=True)]
    assert [item["metadata"]["name"] for item in found] == ["a"]
    assert "data" not in found[0]


async def test_in_a_namespace_that_goes_nothing_is_forbidden_only_gone(
    api: KubernetesApi, cluster: Cluster
) -> None:
    with cluster.namespace() as leaving:
        path = f"/api/v1/namespaces/{leaving}/configmaps/a"
        kept = config_map()
        kept["metadata"]["finalizers"] = ["dantaro.io/test"]
        await api.apply(path, kept)
        await api.delete(f"/api/v1/namespaces/{leaving}")
        with pytest.raises(NotFoundError, match="being terminated"):
            await api.apply(f"/api/v1/namespaces/{leaving}/configmaps/b", config_map("b"))
        await api.merge_patch(path, {"metadata": {"finalizers": None}})


async def test_an_operator_that_does_not_lead_reads_and_writes_nothing(
    credentials: Credentials, config_maps: str
) -> None:
    seen = []
    async with KubernetesApi(
        credentials, may_write=lambda: False, observed=lambda *what: seen.append(what[:2])
    ) as api:
        for write in (
            api.apply(f"{config_maps}/a", config_map()),
            api.create(config_maps, config_map()),
            api.delete(f"{config_maps}/a"),
        ):
            with pytest.raises(NotLeadingError, match="was not sent"):
                await write
        assert await api.get(f"{config_maps}/a") is None
    assert seen == [("get", 404)]


async def test_rights_that_are_missing_and_unknown_tokens_are_told_apart_from_trouble(
    credentials: Credentials, cluster: Cluster, namespace: str, config_maps: str
) -> None:
    token = new_account(cluster, namespace, "nobody")
    for header, want in ((f"Bearer {token}", "cannot list resource"), ("Bearer x", "HTTP 401")):
        other = dataclasses.replace(credentials, authorization=partial(str, header))
        async with KubernetesApi(other, may_write=lambda: True) as api:
            with pytest.raises(AuthenticationError, match=want):
                [item async for item in api.list(config_maps)]


async def test_a_server_of_another_authority_gets_no_token(credentials: Credentials) -> None:
    other = dataclasses.replace(credentials, trust=ssl.create_default_context())
    async with KubernetesApi(other, may_write=lambda: True) as api:
        with pytest.raises(AuthenticationError, match="not of the expected authority"):
            await api.get("/api/v1/namespaces/default")


async def test_a_pod_logs_in_with_its_files_and_follows_a_renewed_token(
    kubeconfig: Path, credentials: Credentials, cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text(new_account(cluster, namespace, "first"))
    (tmp_path / "namespace").write_text(namespace)
    (tmp_path / "ca.crt").write_text(read_kubeconfig(kubeconfig, None).authority or "")
    pod = load_credentials(
        None, service_account=ServiceAccount(folder=tmp_path, server=credentials.server)
    )
    clock = StepClock()
    pod = dataclasses.replace(pod, authorization=TokenFile(token, clock=clock).authorization)
    async with KubernetesApi(pod, may_write=lambda: True) as api:
        first = await whoami(api)
        token.write_text(new_account(cluster, namespace, "second"))
        clock.seconds += REREAD_SECONDS
        second = await whoami(api)
    prefix = f"system:serviceaccount:{namespace}"
    assert (pod.namespace, first, second) == (namespace, f"{prefix}:first", f"{prefix}:second")
