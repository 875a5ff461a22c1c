"""A bot of the real image on a real node: hardened, with its volume, its probes and names."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.support.bot_rig import make_config
from tests.support.cluster import Cluster
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

BOT = "gb-first"

HARDENED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


@pytest.fixture(scope="module")
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace that takes hardened pods only."""
    with cluster.namespace() as name:
        label = "pod-security.kubernetes.io/enforce=restricted"
        said = cluster.kubectl("label", "namespace", name, label)
        assert said.returncode == 0, said.stderr
        yield name


@pytest.fixture(scope="module")
def bot(cluster: Cluster, namespace: str, runtime_image: str) -> str:
    """A paper bot that runs; no central answers it."""
    objects = bot_objects(runtime_image)
    said = cluster.kubectl("-n", namespace, "create", "-f-", stdin=yaml.safe_dump_all(objects))
    assert said.returncode == 0, said.stderr
    wait = ("wait", f"pod/{BOT}", "--for=condition=Ready", "--timeout=50s")
    ready = cluster.kubectl("-n", namespace, *wait)
    state = cluster.kubectl("-n", namespace, "describe", "pod", BOT).stdout
    assert ready.returncode == 0, f"{state}\n{cluster.kubectl('-n', namespace, 'logs', BOT)}"
    return BOT


def bot_objects(image: str) -> list[dict[str, Any]]:
    """Return a bot in plain objects of Kubernetes."""
    config = make_config(
        {"grid": {"lowerPrice": "2500", "upperPrice": "3500", "grids": 10}},
        central={"url": "http://central.invalid:8000", "keyFile": "/key/key"},
        storeUrl="sqlite:////data/bot.db",
        http={"host": "0.0.0.0", "port": 8080},
    )
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    mounts = {"config": "/config", "key": "/key", "data": "/data"}
    container = {
        "name": "bot",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["--config", "/config/bot.json"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": probe,
        "livenessProbe": probe | {"initialDelaySeconds": 10},
        "resources": {"limits": {"memory": "128Mi"}, "requests": {"cpu": "10m"}},
        "securityContext": HARDENED,
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
    }
    return [
        plain("ConfigMap", data={"bot.json": config.model_dump_json(by_alias=True)}),
        plain("Secret", stringData={"key": "no central knows it"}),
        plain(
            "PersistentVolumeClaim",
            spec={
                "accessModes": ["ReadWriteOnce"],
                "resources": {"requests": {"storage": "1Gi"}},
            },
        ),
        plain(
            "Service",
            spec={"selector": {"bot": BOT}, "ports": [{"port": 80, "targetPort": "http"}]},
        ),
        plain(
            "Pod",
            spec={
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 5,
                "securityContext": {
                    "runAsNonRoot": True,
                    "fsGroup": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container],
                "volumes": [
                    {"name": "config", "configMap": {"name": BOT}},
                    {"name": "key", "secret": {"secretName": BOT}},
                    {"name": "data", "persistentVolumeClaim": {"claimName": BOT}},
                ],
            },
        ),
    ]


def plain(kind: str, **content: Any) -> dict[str, Any]:
    """Return an object of the core group."""
    metadata = {"name": BOT, "labels": {"bot": BOT}}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata} | content


def run_inside(cluster: Cluster, namespace: str, code: str) -> str:
    """Run Python in the bot's container; return what it printed."""
    said = cluster.kubectl("-n", namespace, "exec", BOT, "--", "python", "-c", code)
    assert said.returncode == 0, said.stderr
    return said.stdout.strip()


def test_every_node_is_ready(cluster: Cluster) -> None:
    nodes = cluster.api.get("/api/v1/nodes").raise_for_status().json()["items"]
    states = [
        condition["status"]
        for node in nodes
        for condition in node["status"]["conditions"]
        if condition["type"] == "Ready"
    ]
    assert states
    assert set(states) == {"True"}


def test_the_namespace_refuses_a_pod_that_is_not_hardened(
    cluster: Cluster, namespace: str, runtime_image: str
) -> None:
    pod = bot_objects(runtime_image)[-1]
    del pod["spec"]["containers"][0]["securityContext"]
    said = cluster.kubectl("-n", namespace, "create", "-f-", stdin=yaml.safe_dump(pod))
    assert said.returncode != 0
    assert 'violates PodSecurity "restricted:latest"' in said.stderr


def test_a_hardened_bot_runs_as_nobody_on_a_root_that_it_cannot_write(
    cluster: Cluster, namespace: str, bot: str
) -> None:
    code = (
        "import os, errno\n"
        "try: open('/here', 'w')\n"
        "except OSError as error: print(os.getuid(), errno.errorcode[error.errno])"
    )
    assert run_inside(cluster, namespace, code) == "65532 EROFS"


def test_a_bot_keeps_its_store_on_its_volume(cluster: Cluster, namespace: str, bot: str) -> None:
    code = "import os; print(os.path.ismount('/data'), os.path.getsize('/data/bot.db') > 0)"
    assert run_inside(cluster, namespace, code) == "True True"


def test_a_bot_tells_its_state_through_its_service(
    cluster: Cluster, namespace: str, bot: str
) -> None:
    code = (
        "import urllib.request\n"
        f"print(urllib.request.urlopen('http://{bot}.{namespace}.svc/status').read().decode())"
    )
    report = json.loads(run_inside(cluster, namespace, code))
    assert report["name"] == "bot"


def test_names_of_services_resolve_in_a_pod(cluster: Cluster, namespace: str, bot: str) -> None:
    path = "/api/v1/namespaces/default/services/kubernetes"
    want = cluster.api.get(path).raise_for_status().json()["spec"]["clusterIP"]
    code = "import socket; print(socket.gethostbyname('kubernetes.default.svc'))"
    assert run_inside(cluster, namespace, code) == want


def test_a_name_that_nobody_has_is_denied(cluster: Cluster, namespace: str, bot: str) -> None:
    code = (
        "import socket\n"
        "try: socket.gethostbyname('nobody.default.svc')\n"
        "except socket.gaierror as error: print(error.errno == socket.EAI_NONAME)"
    )
    assert run_inside(cluster, namespace, code) == "True"


def test_a_bot_logs_json(cluster: Cluster, namespace: str, bot: str) -> None:
    said = cluster.kubectl("-n", namespace, "logs", bot)
    assert said.returncode == 0, said.stderr
    assert all(json.loads(line)["event"] for line in said.stdout.splitlines())


def test_a_bot_ends_on_sigterm_before_it_is_killed(
    cluster: Cluster, namespace: str, bot: str
) -> None:
    watch = cluster.api.get(f"/api/v1/namespaces/{namespace}/pods/{bot}").json()
    assert watch["status"]["containerStatuses"][0]["restartCount"] == 0
    said = cluster.kubectl("-n", namespace, "delete", "pod", bot, "--timeout=30s")
    assert said.returncode == 0, said.stderr


def test_a_volume_is_empty_and_free_when_its_claim_is_gone(
    cluster: Cluster, namespace: str, bot: str
) -> None:
    if os.environ.get("DANTARO_TEST_KUBECONFIG"):
        pytest.skip("what becomes of a volume is a matter of the named cluster")
    claim = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{BOT}"
    volume = cluster.api.get(claim).raise_for_status().json()["spec"]["volumeName"]
    said = cluster.kubectl("-n", namespace, "delete", "pod,pvc", "--all", "--timeout=30s")
    assert said.returncode == 0, said.stderr

    def phase() -> bool:
        answer = cluster.api.get(f"/api/v1/persistentvolumes/{volume}").raise_for_status()
        return bool(answer.json()["status"]["phase"] == "Available")

    eventually(phase)
