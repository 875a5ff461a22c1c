"""Contents of the configuration files of a node. Pure: values in, text or documents out."""

import json
from typing import Any

__all__ = [
    "CLUSTER_DOMAIN",
    "DNS_ADDRESS",
    "POD_RANGE",
    "build_cni",
    "build_containerd",
    "build_corefile",
    "build_kube_proxy",
    "build_kubelet",
]

POD_RANGE = "10.244.0.0/24"
"""Addresses of pods; only the cluster itself sees them."""

DNS_ADDRESS = "10.96.0.10"
"""Address of the Service `kube-dns`, in the range of Services."""

CLUSTER_DOMAIN = "cluster.local"
"""Domain of the names of Services."""


def build_containerd(*, socket: str, pause_image: str, cni_binaries: str, cni_configs: str) -> str:
    """Return containerd's configuration (TOML, version 2)."""
    # restrict_oom_score_adj: where root lacks CAP_SYS_RESOURCE (in a sandbox), runc cannot lower
    # the score of a pod, and without this every pod fails with an error that does not say so.
    # disable_apparmor: a profile would be loaded into the kernel of the machine and stay there.
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
disable_apparmor = true
sandbox_image = "{pause_image}"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{cni_binaries}"
conf_dir = "{cni_configs}"

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def build_cni() -> str:
    """Return the network configuration of pods (JSON): a bridge, and ports of the host."""
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": POD_RANGE}]],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return json.dumps({"cniVersion": "1.0.0", "name": "dantaro", "plugins": [bridge, portmap]})


def build_kubelet(*, socket: str, client_authority: str, max_pods: int) -> dict[str, Any]:
    """Return kubelet's configuration.

    Args:
        socket: Path of containerd's socket.
        client_authority: File that kubelet checks the API server's certificate with.
        max_pods: How many pods the node takes.
    """
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": client_authority},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "clusterDNS": [DNS_ADDRESS],
        "clusterDomain": CLUSTER_DOMAIN,
        "containerRuntimeEndpoint": f"unix://{socket}",
        "enforceNodeAllocatable": [],
        "evictionHard": {},
        "failCgroupV1": False,
        "failSwapOn": False,
        "imageGCHighThresholdPercent": 100,  # images come by hand: none may be thrown away
        "maxPods": max_pods,
        "nodeStatusUpdateFrequency": "5s",
        "resolvConf": "",  # names of the machine's own network are no business of a pod
        "shutdownGracePeriod": "0s",
        "syncFrequency": "10s",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
    }


def build_kube_proxy(*, kubeconfig: str) -> dict[str, Any]:
    """Return kube-proxy's configuration."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clusterCIDR": POD_RANGE,
        "clientConnection": {"kubeconfig": kubeconfig},
        # Both are settings of the whole machine.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
    }


def build_corefile(*, address: str, kubeconfig: str) -> str:
    """Return CoreDNS's configuration; it knows the cluster's names and denies all others."""
    return f"""\
{CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{
    bind {address}
    errors
    ready 127.0.0.1:8181
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig} dantaro
        ttl 5
    }}
}}

. {{
    bind {address}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""
