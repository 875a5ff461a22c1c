"""The StatefulSet of a bot: one pod, one volume, never two pods of that name at once."""

import json
from collections.abc import Mapping
from typing import Any

from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.drift import differing_fields
from dantaro_operator.core.cluster.hashes import canonical_json, with_input_hash
from dantaro_operator.core.cluster.names import (
    CONFIG_HASH,
    POD_TEMPLATE,
    SERVICE,
    TEMPLATE_VERSION,
    bot_labels,
    child_metadata,
    selector_labels,
)
from dantaro_operator.core.cluster.pod_template import CLAIM, build_pod_template
from dantaro_operator.core.cluster.settings import ClusterSettings
from dantaro_operator.core.workload import BotWorkload

__all__ = ["build_stateful_set"]


def build_stateful_set(
    workload: BotWorkload,
    bot: Bot,
    settings: ClusterSettings,
    *,
    image: str,
    template_version: int,
    template: Mapping[str, Any] | None = None,
    keep_volume: bool = True,
    live: Mapping[str, Any] | None = None,
    config_hash: str | None = None,
) -> dict[str, Any]:
    """Return the StatefulSet of a bot, with the marks that tell later what it was made of.

    Args:
        workload: What is to run.
        bot: The owner.
        settings: The surroundings.
        image: Image of the pod; `Rollout.image`.
        template_version: Version of the pod template; `Rollout.template_version`.
        template: The pod template that stays; `Rollout.template`. None builds the newest.
        keep_volume: Whether the volume outlives the bot. May be switched until the bot is let go.
        live: What exists; its volume claims stay as they are, since none can ever be changed.
        config_hash: Hash of the configuration that goes with it, as a mark; None sets no mark.
    """
    pod = template or build_pod_template(workload, bot, settings, image=image)
    text = canonical_json(pod)
    marks = {TEMPLATE_VERSION: str(template_version), POD_TEMPLATE: text}
    if config_hash is not None:
        marks[CONFIG_HASH] = config_hash
    return with_input_hash(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {**child_metadata(bot), "annotations": marks},
            "spec": {
                "replicas": 1,
                "serviceName": SERVICE,
                "selector": {"matchLabels": selector_labels(bot)},
                # With OrderedReady a pod that never gets ready would never be replaced.
                "podManagementPolicy": "Parallel",
                "updateStrategy": {"type": "RollingUpdate"},
                "revisionHistoryLimit": 2,
                "persistentVolumeClaimRetentionPolicy": {
                    "whenDeleted": "Retain" if keep_volume else "Delete",
                    "whenScaled": "Retain",
                },
                "template": json.loads(text),
                "volumeClaimTemplates": _keep_claims(_claims(workload, bot, settings), live),
            },
        }
    )


def _claims(workload: BotWorkload, bot: Bot, settings: ClusterSettings) -> list[dict[str, Any]]:
    spec: dict[str, Any] = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": workload.storage_size}},
    }
    if settings.storage_class is not None:
        spec["storageClassName"] = settings.storage_class
    metadata = {"name": CLAIM, "labels": bot_labels(bot)}
    # Named, since the API server adds it and takes the list as a whole.
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    return [{**head, "metadata": metadata, "spec": {**spec, "volumeMode": "Filesystem"}}]


def _keep_claims(
    wanted: list[dict[str, Any]], live: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Claims to send: the live ones where ours would be refused, without what the server adds."""
    if live is None:
        return wanted
    found = live["spec"].get("volumeClaimTemplates", [])
    plain = [{k: v for k, v in claim.items() if k != "status"} for claim in found]
    forth = differing_fields({"claims": wanted}, {"claims": plain})
    back = differing_fields({"claims": plain}, {"claims": wanted})
    return wanted if not forth and not back else plain
