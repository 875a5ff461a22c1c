"""Objects that a new cluster gets. Pure: values in, documents out."""

from typing import Any

from tests.cluster.node.configs import DNS_ADDRESS

__all__ = ["COREDNS_USER", "STORAGE_CLASS", "build_all", "build_volume"]

COREDNS_USER = "dantaro:coredns"
"""The user that CoreDNS reads Services as."""

STORAGE_CLASS = "dantaro-local"
"""Name of the default storage class."""


def build_all(*, address: str, volumes: dict[str, str]) -> list[dict[str, Any]]:
    """Return every object.

    Args:
        address: Where CoreDNS listens.
        volumes: Name of a volume to its folder on the node.
    """
    return [
        *_build_dns(address),
        *_build_dns_access(),
        _build_storage_class(),
        *(build_volume(name, folder) for name, folder in volumes.items()),
    ]


def _build_dns(address: str) -> list[dict[str, Any]]:
    ports = [
        {"name": name, "protocol": protocol, "port": 53}
        for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    metadata = {"name": "kube-dns", "namespace": "kube-system"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"clusterIP": DNS_ADDRESS, "ports": ports},  # no selector: it runs outside of pods
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": metadata | {"labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        "ports": ports,
    }
    return [service, endpoints]


def _build_dns_access() -> list[dict[str, Any]]:
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": COREDNS_USER},
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["services", "pods", "namespaces"],
                "verbs": ["list", "watch"],
            },
            {
                "apiGroups": ["discovery.k8s.io"],
                "resources": ["endpointslices"],
                "verbs": ["list", "watch"],
            },
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": COREDNS_USER},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": COREDNS_USER,
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": COREDNS_USER}
        ],
    }
    return [role, binding]


def _build_storage_class() -> dict[str, Any]:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "kubernetes.io/no-provisioner",
        "reclaimPolicy": "Retain",
        "volumeBindingMode": "Immediate",
    }


def build_volume(name: str, folder: str) -> dict[str, Any]:
    """Return a volume of 1 GiB that is a folder of the node."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "storageClassName": STORAGE_CLASS,
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": folder, "type": "Directory"},
        },
    }
