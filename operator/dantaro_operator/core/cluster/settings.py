"""What the objects of a cluster depend on besides the bot, and where a bot's pod keeps things."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.wire.bot_config import HttpConfig
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.workload import BotPlaces

__all__ = [
    "CENTRAL_FOLDER",
    "CENTRAL_KEY",
    "CENTRAL_KEY_FILE",
    "CONFIG_FOLDER",
    "CONFIG_KEY",
    "DATA_FOLDER",
    "EXCHANGE_FOLDER",
    "HTTP_PORT",
    "ClusterSettings",
    "PodPeer",
    "cluster_places",
]

HTTP_PORT = 8080
"""Where a bot serves its status."""

CONFIG_FOLDER = "/etc/dantaro"
"""Where the ConfigMap is mounted."""

CONFIG_KEY = "config.json"
"""Key of the ConfigMap, and name of the file."""

EXCHANGE_FOLDER = "/run/dantaro/exchange"
"""Where the Secret with the exchange's keys is mounted. Not below the ConfigMap: a folder cannot
be mounted into a mounted one that is read-only."""

CENTRAL_FOLDER = "/run/dantaro/central"
"""Where the Secret with the key for central is mounted."""

CENTRAL_KEY = "key"
"""Key of that Secret, and name of the file."""

CENTRAL_KEY_FILE = f"{CENTRAL_FOLDER}/{CENTRAL_KEY}"
"""For `CentralConfig.key_file`."""

DATA_FOLDER = "/data"
"""Where the bot's volume is mounted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPeer:
    """Pods on the other side of a NetworkPolicy.

    Attributes:
        namespace: Their namespace.
        labels: Their labels.
    """

    namespace: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterSettings:
    """What a person who installs the operator decides for all bots.

    Attributes:
        image: Runtime image of new bots whose spec names none.
        image_pull_policy: When kubelet asks the registry. `IfNotPresent`: bots start again while
            the registry is down.
        image_pull_secrets: Names of Secrets in the bot's namespace that open the registry.
        storage_class: Of the volumes of new bots; None is the cluster's default.
        requests: What a bot's container is guaranteed, by resource. A bot holds about 50 MiB and
            works for some milliseconds a minute.
        limits: Most that it may use, by resource. Its memory has room for the process that brings
            an old store up to date. No limit of processor time: it would only delay orders.
        operator: Pods of the operator, which ask bots for their status.
        scraper: Pods that collect metrics; None lets nobody in but the operator.
        central: Pods of central's API; None when central is reached over the internet, port 443.
        central_port: Port of those pods, not of the Service before them: a policy sees the
            packets behind it.
        central_secret: Secret in the bot's namespace whose key `key` opens central; None mounts
            nothing.
        node_selector: Labels of nodes that bots may run on; empty is any.
        tolerations: Taints of nodes that bots may run on all the same, as in a pod.
        priority_class: Which pods give way when a node is full; None is the cluster's default.
        termination_grace_seconds: From SIGTERM to SIGKILL. A bot commits and leaves; orders stay
            in place, so that seconds are plenty.
    """

    image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    storage_class: str | None = None
    requests: Mapping[str, str] = field(default_factory=lambda: {"cpu": "10m", "memory": "64Mi"})
    limits: Mapping[str, str] = field(default_factory=lambda: {"memory": "192Mi"})
    operator: PodPeer = PodPeer(
        namespace="dantaro", labels={"app.kubernetes.io/name": "dantaro-operator"}
    )
    scraper: PodPeer | None = None
    central: PodPeer | None = PodPeer(
        namespace="dantaro", labels={"app.kubernetes.io/name": "dantaro-central"}
    )
    central_port: int = 8000
    central_secret: str | None = "dantaro-central-key"  # noqa: S105 - a name
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, Any], ...] = ()
    priority_class: str | None = None
    termination_grace_seconds: int = 30


def cluster_places(bot: Bot, mode: Mode) -> BotPlaces:
    """Return where a bot keeps things and listens in its pod.

    Args:
        bot: Stored, so that it has a uid: a volume kept from an older bot of that name holds a
            store of another uid, which is not read.
        mode: Paper and live books never share a store.
    """
    store = f"{DATA_FOLDER}/{mode.value.lower()}-{bot.metadata.uid}.db"
    return BotPlaces(
        store_url=f"sqlite:///{store}",
        http=HttpConfig(host="0.0.0.0", port=HTTP_PORT),  # noqa: S104
    )
