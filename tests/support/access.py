"""A kubeconfig of the operator's own ServiceAccount, with exactly its roles."""

from pathlib import Path

import yaml

from dantaro_operator.core.cluster.access import OPERATOR, build_access
from tests.cluster.keys import write_private
from tests.support.cluster import Cluster

__all__ = ["apply_access", "operator_kubeconfig"]


def apply_access(cluster: Cluster, namespace: str, *, watched: tuple[str, ...] = ()) -> None:
    """Make ServiceAccount, roles and bindings as an installation does."""
    text = yaml.safe_dump_all(build_access(namespace, watched=watched))
    answer = cluster.kubectl("apply", "--filename=-", stdin=text)
    assert answer.returncode == 0, answer.stderr


def operator_kubeconfig(cluster: Cluster, namespace: str, folder: Path) -> Path:
    """Write a kubeconfig that logs in as the operator's ServiceAccount of a namespace."""
    answer = cluster.kubectl("create", "token", OPERATOR, f"--namespace={namespace}")
    assert answer.returncode == 0, answer.stderr
    content = yaml.safe_load(cluster.kubeconfig.read_text())
    for user in content["users"]:
        user["user"] = {"token": answer.stdout.strip()}
    path = folder / "operator.kubeconfig"
    folder.mkdir(parents=True, exist_ok=True)
    return write_private(path, yaml.safe_dump(content).encode())
