"""All of it on a real node: central, the operator under its roles, bots that trade on paper."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from dantaro_operator.core.cluster.access import OPERATOR, build_access
from tests.support.cluster import Cluster
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "01-quickstart"
BOTS = {"gridbots": ["btc-grid"], "tradingbots": ["eth-stages", "xrp-stages"]}
HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
POD = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "fsGroup": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def deployment(name: str, namespace: str, image: str, **content: Any) -> dict[str, Any]:
    """Return a Deployment of one hardened pod; `content` adds to its container."""
    labels = {"app.kubernetes.io/name": name}
    container = {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": HARDENED,
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    mounts = container["volumeMounts"] + content.pop("volumeMounts", [])
    volumes = [{"name": "tmp", "emptyDir": {}}, *content.pop("volumes", [])]
    account = content.pop("serviceAccountName", "default")
    spec = {
        "serviceAccountName": account,
        # A Service named dantaro-central would else put DANTARO_CENTRAL_PORT into the environment.
        "enableServiceLinks": False,
        "securityContext": POD,
        "containers": [container | content | {"volumeMounts": mounts}],
        "volumes": volumes,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": spec},
        },
    }


def central_objects(home: str, image: str) -> list[dict[str, Any]]:
    """Return central on a simulated market that runs an hour a minute."""
    settings = {"HOST": "0.0.0.0", "KEY_FILE": "/key/key"}
    settings |= {"DATABASE_URL": "sqlite:////tmp/central.db", "SYMBOLS": "KRW-BTC,KRW-ETH,KRW-XRP"}
    return [
        deployment(
            "dantaro-central",
            home,
            image,
            env=[{"name": f"DANTARO_CENTRAL_{k}", "value": v} for k, v in settings.items()],
            readinessProbe={"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1},
            volumes=[{"name": "key", "secret": {"secretName": "dantaro-central-key"}}],
            volumeMounts=[{"name": "key", "mountPath": "/key", "readOnly": True}],
        ),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "dantaro-central", "namespace": home},
            "spec": {
                "selector": {"app.kubernetes.io/name": "dantaro-central"},
                "ports": [{"port": 8000}],
            },
        },
    ]


def operator_objects(home: str, image: str, bot_image: str) -> list[dict[str, Any]]:
    """Return the operator of the whole cluster, under exactly its roles."""
    settings = {
        "BOT_IMAGE": bot_image,
        "NAMESPACE": home,
        "CENTRAL_URL": f"http://dantaro-central.{home}.svc:8000",
        "CENTRAL_NAMESPACE": home,
        "COLLECT_SECONDS": "2",
    }
    return [
        *build_access(home),
        deployment(
            "dantaro-operator",
            home,
            image,
            serviceAccountName=OPERATOR,
            env=[{"name": f"DANTARO_OPERATOR_{k}", "value": v} for k, v in settings.items()],
            readinessProbe={"httpGet": {"path": "/readyz", "port": 8081}, "periodSeconds": 1},
            livenessProbe={"httpGet": {"path": "/healthz", "port": 8081}},
        ),
    ]


def key(namespace: str) -> dict[str, Any]:
    """Return the Secret that opens central."""
    metadata = {"name": "dantaro-central-key", "namespace": namespace}
    content = {"key": "a key for these tests only"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": content}


@pytest.fixture(scope="module")
def home(
    cluster: Cluster, central_image: str, operator_image: str, runtime_image: str
) -> Iterator[str]:
    """The namespace of central and the operator, both ready."""
    cluster.install_crds()
    with cluster.namespace() as name:
        restrict(cluster, name)
        apply(
            cluster,
            key(name),
            *central_objects(name, central_image),
            *operator_objects(name, operator_image, runtime_image),
        )
        for what in ("central", "operator"):
            answer = cluster.kubectl(
                "-n", name, "rollout", "status", f"deploy/dantaro-{what}", "--timeout=50s"
            )
            pods = cluster.kubectl("-n", name, "describe", "pods").stdout
            said = "\n".join(logs(cluster, name, other) for other in ("central", "operator"))
            assert answer.returncode == 0, f"{pods}\n{said}"
        yield name


def restrict(cluster: Cluster, namespace: str) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    assert cluster.kubectl("label", "namespace", namespace, label).returncode == 0


def apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    answer = cluster.kubectl("apply", "--filename=-", stdin=yaml.safe_dump_all(objects))
    assert answer.returncode == 0, answer.stderr


def logs(cluster: Cluster, namespace: str, what: str) -> str:
    said = cluster.kubectl("-n", namespace, "logs", f"deploy/dantaro-{what}", "--tail=50")
    return said.stdout + said.stderr


def orders_of(cluster: Cluster, path: str) -> dict[str, int]:
    return dict(cluster.api.get(path).json()["status"].get("orders", {}))


def test_the_example_trades_in_pods_and_leaves_when_it_is_deleted(
    cluster: Cluster, home: str
) -> None:
    with cluster.namespace() as name:
        restrict(cluster, name)
        apply(cluster, key(name))
        here = ("--namespace", name)
        assert cluster.kubectl("apply", *here, f"--filename={EXAMPLE}").returncode == 0
        wait = ("wait", "tb,gb,alloc", "--all", "--for=condition=Ready", "--timeout=55s")
        ready = cluster.kubectl(*wait, *here)
        seen = cluster.kubectl("get", "alloc,tb,gb,pods", "--output=wide", *here).stdout
        print(seen)
        trouble = cluster.kubectl("describe", "tb,gb,pods", *here).stdout
        assert ready.returncode == 0, f"{seen}\n{trouble}\n{logs(cluster, home, 'operator')}"
        for plural, names in BOTS.items():
            for bot in names:
                path = cluster.path(plural, name, bot)
                orders = eventually(partial(orders_of, cluster, path), timeout=30)
                assert orders["rejected"] == 0
        grid = cluster.path("gridbots", name, "btc-grid")
        eventually(lambda: cluster.api.get(grid).json()["status"]["orders"]["open"] > 0, timeout=30)
        print(cluster.kubectl("get", "alloc,tb,gb", *here).stdout)

        delete = ("delete", *here, f"--filename={EXAMPLE}", "--timeout=50s")
        gone = cluster.kubectl(*delete)
        assert gone.returncode == 0, gone.stderr + logs(cluster, home, "operator")
        eventually(
            lambda: "No resources" in cluster.kubectl("get", "sts,pods,pvc", *here).stderr,
            timeout=40,
        )
        print(cluster.kubectl("get", "events", *here).stdout)
