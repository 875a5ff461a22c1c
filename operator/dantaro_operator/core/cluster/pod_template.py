"""The pod of a bot. What is here restarts the bot when it changes, so the configuration is not.

Raise `CURRENT_VERSION` whenever `build_pod_template` yields another shape from the same inputs.
"""

from collections.abc import Mapping
from typing import Any

from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.v1alpha1.quantity import parse_quantity
from dantaro_crds.v1alpha1.resource import dump
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.names import SERVICE_ACCOUNT, bot_labels, child_name
from dantaro_operator.core.cluster.settings import (
    CENTRAL_FOLDER,
    CENTRAL_KEY,
    CONFIG_FOLDER,
    CONFIG_KEY,
    DATA_FOLDER,
    EXCHANGE_FOLDER,
    HTTP_PORT,
    ClusterSettings,
)
from dantaro_operator.core.workload import BotWorkload

__all__ = ["CLAIM", "CONTAINER", "CURRENT_VERSION", "adapt_pod_template", "build_pod_template"]

CURRENT_VERSION = 1
"""Version of the shape."""

CONTAINER = "bot"
"""Name of our container; others may stand before it."""

CLAIM = "data"
"""Name of the volume that holds the store."""

_EXCHANGE = "exchange-keys"

_USER = 65532
"""User and group, as in the image; numeric so that kubelet can tell that it is not root."""

_SECRET_MODE = 0o440
"""Readable by the group that the pod runs as, writable by nobody."""

_TMP_SIZE = "64Mi"
"""Most that temporary files of SQLite may take on the node."""


def build_pod_template(
    workload: BotWorkload, bot: Bot, settings: ClusterSettings, *, image: str
) -> dict[str, Any]:
    """Return the newest shape of a bot's pod: within the Pod Security Standard `restricted`."""
    defaults = {"requests": dict(settings.requests), "limits": dict(settings.limits)}
    spec: dict[str, Any] = {
        "serviceAccountName": SERVICE_ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": settings.termination_grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(settings, image) | {"resources": defaults}],
        "volumes": _volumes(bot, settings),
    }
    template = {"metadata": {"labels": bot_labels(bot)}, "spec": spec | _placement(settings)}
    return adapt_pod_template(template, workload, bot)


def adapt_pod_template(
    template: Mapping[str, Any], workload: BotWorkload, bot: Bot
) -> dict[str, Any]:
    """Return a pod template with what its owner asks for now: amounts and the exchange's keys.

    Image and shape stay as they are: they belong together. Twice is the same as once.
    """
    spec = template["spec"]
    containers, volumes = spec["containers"], spec["volumes"]
    own = next(item for item in containers if item["name"] == CONTAINER)
    adapted = own | _resources(bot, own.get("resources", {}))
    if workload.secret_name is not None or workload.config.mode is Mode.PAPER:
        volumes, adapted = _with_keys(volumes, adapted, workload.secret_name)
    others = [adapted if item["name"] == CONTAINER else item for item in containers]
    return {**template, "spec": {**spec, "containers": others, "volumes": volumes}}


def _container(settings: ClusterSettings, image: str) -> dict[str, Any]:
    mounts = [
        {"name": "config", "mountPath": CONFIG_FOLDER, "readOnly": True},
        {"name": CLAIM, "mountPath": DATA_FOLDER},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the pod's own
    ]
    if settings.central_secret is not None:
        mounts.append({"name": "central-key", "mountPath": CENTRAL_FOLDER, "readOnly": True})
    return {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": ["--config", f"{CONFIG_FOLDER}/{CONFIG_KEY}"],
        "ports": [{"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"}],
        # Up to 5 minutes for a first start on a slow volume; then a stuck loop counts within 1.
        "startupProbe": _probe("/healthz", period=2, failures=150),
        "livenessProbe": _probe("/healthz", period=20, failures=3),
        "readinessProbe": _probe("/readyz", period=10, failures=3),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": mounts,
    }


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _volumes(bot: Bot, settings: ClusterSettings) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [
        {"name": "config", "configMap": {"name": child_name(bot)}},
        {"name": "tmp", "emptyDir": {"sizeLimit": _TMP_SIZE}},
    ]
    if settings.central_secret is not None:
        secret = _secret(settings.central_secret)
        secret["items"] = [{"key": CENTRAL_KEY, "path": CENTRAL_KEY}]
        volumes.append({"name": "central-key", "secret": secret})
    return volumes


def _secret(name: str) -> dict[str, Any]:
    """A pod starts without its Secret too: the bot then says what is missing."""
    return {"secretName": name, "defaultMode": _SECRET_MODE, "optional": True}


def _placement(settings: ClusterSettings) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "imagePullSecrets": [{"name": name} for name in settings.image_pull_secrets],
        "nodeSelector": dict(settings.node_selector),
        "tolerations": [dict(item) for item in settings.tolerations],
        "priorityClassName": settings.priority_class,
    }
    return {name: value for name, value in fields.items() if value}


def _resources(bot: Bot, given: Mapping[str, Any]) -> dict[str, Any]:
    """The bot's own amounts over given ones; where the two contradict, the given one gives way."""
    own = dump(bot.spec.resources) if bot.spec.resources else {}
    asked, most = own.get("requests", {}), own.get("limits", {})
    requests = {**given.get("requests", {}), **asked}
    limits = {**given.get("limits", {}), **most}
    for name in requests.keys() & limits.keys():
        if parse_quantity(requests[name]) > parse_quantity(limits[name]):
            if name not in asked:
                requests[name] = limits[name]
            elif name not in most:
                limits[name] = requests[name]
    amounts = {"requests": requests, "limits": limits}
    return {"resources": {name: value for name, value in amounts.items() if value}}


def _with_keys(
    volumes: list[Any], container: Mapping[str, Any], secret: str | None
) -> tuple[list[Any], dict[str, Any]]:
    """Volumes and container with the exchange's keys last, or without."""
    volumes = [item for item in volumes if item["name"] != _EXCHANGE]
    mounts = [item for item in container["volumeMounts"] if item["name"] != _EXCHANGE]
    if secret is not None:
        volumes.append({"name": _EXCHANGE, "secret": _secret(secret)})
        mounts.append({"name": _EXCHANGE, "mountPath": EXCHANGE_FOLDER, "readOnly": True})
    return volumes, {**container, "volumeMounts": mounts}
