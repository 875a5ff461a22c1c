"""Configuration files and objects of a node."""

import json
import tomllib

import pytest

from tests.cluster.node.configs import (
    DNS_ADDRESS,
    build_cni,
    build_containerd,
    build_corefile,
    build_kube_proxy,
    build_kubelet,
)
from tests.cluster.node.manifests import COREDNS_USER, STORAGE_CLASS, build_all

pytestmark = pytest.mark.unit


def test_containerd_takes_its_paths_and_leaves_the_oom_score_alone() -> None:
    text = build_containerd(
        socket="/run/c.sock", pause_image="pause:v1", cni_binaries="/bin/cni", cni_configs="/etc/c"
    )
    config = tomllib.loads(text)
    interface = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert config["grpc"]["address"] == "/run/c.sock"
    assert interface["restrict_oom_score_adj"] is True
    assert interface["sandbox_image"] == "pause:v1"
    assert interface["cni"] == {"bin_dir": "/bin/cni", "conf_dir": "/etc/c"}


def test_pods_get_a_bridge_and_ports_of_the_host() -> None:
    plugins = json.loads(build_cni())["plugins"]
    assert [plugin["type"] for plugin in plugins] == ["bridge", "portmap"]


def test_kubelet_asks_the_api_server_who_may_do_what() -> None:
    config = build_kubelet(socket="/run/c.sock", client_authority="/ca.crt", max_pods=7)
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authentication"]["x509"] == {"clientCAFile": "/ca.crt"}
    assert config["authorization"] == {"mode": "Webhook"}
    assert (config["maxPods"], config["clusterDNS"]) == (7, [DNS_ADDRESS])
    assert config["containerRuntimeEndpoint"] == "unix:///run/c.sock"


def test_kube_proxy_leaves_the_connection_table_of_the_machine_alone() -> None:
    assert build_kube_proxy(kubeconfig="/k")["conntrack"] == {"maxPerCore": 0, "min": 0}


def test_names_outside_of_the_cluster_are_denied_in_a_block_of_their_own() -> None:
    blocks = build_corefile(address="10.0.0.2", kubeconfig="/k").split("\n\n")
    assert [block.split(" {")[0] for block in blocks] == [
        "cluster.local in-addr.arpa ip6.arpa",
        ".",
    ]
    assert ["kubernetes" in block for block in blocks] == [True, False]
    assert ["NXDOMAIN" in block for block in blocks] == [False, True]
    assert all("bind 10.0.0.2" in block for block in blocks)


def test_the_dns_service_leads_to_the_process_on_the_node() -> None:
    objects = {o["kind"]: o for o in build_all(address="10.0.0.2", volumes={})}
    service, endpoints = objects["Service"], objects["EndpointSlice"]
    assert service["spec"]["clusterIP"] == DNS_ADDRESS
    assert "selector" not in service["spec"]
    assert endpoints["metadata"]["labels"]["kubernetes.io/service-name"] == "kube-dns"
    assert endpoints["endpoints"][0]["addresses"] == ["10.0.0.2"]
    assert objects["ClusterRoleBinding"]["subjects"][0]["name"] == COREDNS_USER


def test_each_volume_is_a_folder_of_the_default_class() -> None:
    objects = build_all(address="10.0.0.2", volumes={"a": "/v/a", "b": "/v/b"})
    volumes = [o["spec"] for o in objects if o["kind"] == "PersistentVolume"]
    assert [v["hostPath"]["path"] for v in volumes] == ["/v/a", "/v/b"]
    assert {v["storageClassName"] for v in volumes} == {STORAGE_CLASS}
    (storage,) = [o for o in objects if o["kind"] == "StorageClass"]
    annotations = storage["metadata"]["annotations"]
    assert annotations == {"storageclass.kubernetes.io/is-default-class": "true"}
