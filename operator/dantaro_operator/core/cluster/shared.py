"""What all bots of a namespace share. Nothing here is owned by a bot: it would go with that one."""

from typing import Any

from dantaro_operator.core.cluster.names import (
    NETWORK_POLICY,
    SERVICE,
    SERVICE_ACCOUNT,
    shared_labels,
)
from dantaro_operator.core.cluster.settings import HTTP_PORT, ClusterSettings, PodPeer

__all__ = ["build_network_policy", "build_service", "build_service_account"]

_PRIVATE_V4 = ("10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
"""RFC 1918, shared (RFC 6598) and link-local addresses: pods, Services, nodes, the API server and
the clouds' metadata servers."""

_PRIVATE_V6 = ("fc00::/7", "fe80::/10")
"""Unique local (RFC 4193) and link-local addresses."""


def build_service_account(namespace: str) -> dict[str, Any]:
    """Return the account of bots: no token, no rights."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": _metadata(SERVICE_ACCOUNT, namespace),
        "automountServiceAccountToken": False,
    }


def build_service(namespace: str) -> dict[str, Any]:
    """Return the headless Service that gives pods names in DNS, also before they are ready."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(SERVICE, namespace),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": _pods_of_bots(),
            "ports": [{"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def build_network_policy(namespace: str, settings: ClusterSettings) -> dict[str, Any]:
    """Return what bots may reach and who may reach them.

    In: the operator and the collector of metrics. Out: name servers, central, and port 443 of
    public addresses, where exchanges are. The API server is not reachable, unless the cluster has
    it on a public address; a bot holds no token for it anyway.
    """
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": _metadata(NETWORK_POLICY, namespace),
        "spec": {
            "podSelector": {"matchLabels": _pods_of_bots()},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [_ingress(settings)],
            "egress": _egress(settings),
        },
    }


def _metadata(name: str, namespace: str) -> dict[str, Any]:
    return {"name": name, "namespace": namespace, "labels": shared_labels()}


def _pods_of_bots() -> dict[str, str]:
    return {
        name: value
        for name, value in shared_labels().items()
        if name in {"app.kubernetes.io/name", "app.kubernetes.io/component"}
    }


def _ingress(settings: ClusterSettings) -> dict[str, Any]:
    visitors = [peer for peer in (settings.operator, settings.scraper) if peer is not None]
    return {"from": [_peer(visitor) for visitor in visitors], "ports": [_port(HTTP_PORT)]}


def _egress(settings: ClusterSettings) -> list[dict[str, Any]]:
    # To any address: a name server on the node itself has one that no selector matches.
    names = {"ports": [_port(53, "UDP"), _port(53)]}
    exchanges = {
        "to": [
            {"ipBlock": {"cidr": "0.0.0.0/0", "except": list(_PRIVATE_V4)}},
            {"ipBlock": {"cidr": "::/0", "except": list(_PRIVATE_V6)}},
        ],
        "ports": [_port(443)],
    }
    if settings.central is None:
        return [names, exchanges]
    central = {"to": [_peer(settings.central)], "ports": [_port(settings.central_port)]}
    return [names, central, exchanges]


def _peer(pods: PodPeer) -> dict[str, Any]:
    return {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": pods.namespace}},
        "podSelector": {"matchLabels": dict(pods.labels)},
    }


def _port(number: int, protocol: str = "TCP") -> dict[str, Any]:
    return {"port": number, "protocol": protocol}
