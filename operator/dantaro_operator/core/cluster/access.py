"""What the operator may do in a cluster: everything that it does and nothing else.

It never reads Secrets. It sets annotations on the pods of bots, and reads one where its bot does
not answer. The tests run it under these rules.
"""

from typing import Any

from dantaro_crds.v1alpha1 import GROUP
from dantaro_crds.v1alpha1.kinds import KINDS

__all__ = ["OPERATOR", "build_access"]

OPERATOR = "dantaro-operator"
"""Name of the operator's ServiceAccount, roles and Lease."""

_RBAC = "rbac.authorization.k8s.io"

Manifest = dict[str, Any]


def build_access(namespace: str, *, watched: tuple[str, ...] = ()) -> list[Manifest]:
    """Return ServiceAccount, roles and bindings.

    Args:
        namespace: Where the operator and its Lease are.
        watched: Namespaces whose bots it looks after; empty: all of the cluster.
    """
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": OPERATOR, "namespace": namespace},
    }
    leases = _role(namespace, f"{OPERATOR}-lease", _lease_rules())
    manifests = [account, leases, _binding(leases, namespace)]
    if not watched:
        role = {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": OPERATOR},
            "rules": _rules(),
        }
        return [*manifests, role, _binding(role, namespace)]
    for name in watched:
        role = _role(name, OPERATOR, _rules())
        manifests += [role, _binding(role, namespace)]
    return manifests


def _rules() -> list[Manifest]:
    kinds = sorted(kind.info.plural for kind in KINDS.values())
    return [
        # get and list: a fresh look when a watch stands still or an object may be gone.
        _rule(GROUP, kinds, "get", "list", "watch", "patch"),
        _rule(GROUP, [f"{kind}/status" for kind in kinds], "patch"),
        # An owner reference that blocks deletion needs this where admission checks it (OpenShift).
        _rule(GROUP, [f"{kind}/finalizers" for kind in kinds], "update"),
        _rule("apps", ["statefulsets"], "get", "list", "watch", "create", "patch"),
        _rule("", ["configmaps"], "get", "list", "create", "patch"),
        # Server-side apply of a new object needs both.
        _rule("", ["serviceaccounts", "services"], "create", "patch"),
        _rule("networking.k8s.io", ["networkpolicies"], "create", "patch"),
        _rule("", ["pods"], "get", "patch"),
        _rule("", ["events"], "create"),
    ]


def _lease_rules() -> list[Manifest]:
    group = "coordination.k8s.io"
    named = _rule(group, ["leases"], "get", "update") | {"resourceNames": [OPERATOR]}
    # The creation of an object cannot be limited to a name.
    return [_rule(group, ["leases"], "create"), named]


def _rule(group: str, resources: list[str], *verbs: str) -> Manifest:
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}


def _role(namespace: str, name: str, rules: list[Manifest]) -> Manifest:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": name, "namespace": namespace},
        "rules": rules,
    }


def _binding(role: Manifest, account_namespace: str) -> Manifest:
    kind, metadata = role["kind"], role["metadata"]
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": dict(metadata),
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": metadata["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": OPERATOR, "namespace": account_namespace}],
    }
