"""Names, labels and annotations of everything that the operator makes in a cluster.

Nothing is taken over from the labels and annotations of the bot itself: GitOps tools mark what
they own by those, and would remove our objects as strangers.
"""

from collections.abc import Mapping
from typing import Any

from dantaro_operator.core.bots import Bot, Key

__all__ = [
    "CONFIG_HASH",
    "FIELD_MANAGER",
    "FINALIZER",
    "INPUT_HASH",
    "MANAGED_SELECTOR",
    "NETWORK_POLICY",
    "POD_TEMPLATE",
    "SERVICE",
    "SERVICE_ACCOUNT",
    "TEMPLATE_VERSION",
    "bot_labels",
    "bot_of_child",
    "child_metadata",
    "child_name",
    "is_owned_by",
    "pod_name",
    "selector_labels",
    "shared_labels",
]

SERVICE = "dantaro-bots"
"""Headless Service of a namespace: gives each pod its name in DNS."""

SERVICE_ACCOUNT = "dantaro-bot"
"""Account of all bots of a namespace; it may do nothing."""

NETWORK_POLICY = "dantaro-bots"
"""What the bots of a namespace may reach."""

FIELD_MANAGER = "dantaro-operator"
"""Who owns the fields that we apply."""

FINALIZER = "dantaro.io/operator"
"""Keeps a deleted bot until its deletion policy was carried out."""

INPUT_HASH = "dantaro.io/input-hash"
"""Hash of a manifest as it was applied: the same again means that nothing is to be applied."""

TEMPLATE_VERSION = "dantaro.io/template-version"
"""Version of the pod template that a StatefulSet was made with."""

POD_TEMPLATE = "dantaro.io/pod-template"
"""The pod template as it was applied, JSON: what stays while an upgrade is held back."""

CONFIG_HASH = "dantaro.io/config-hash"
"""Hash of a bot's configuration. On the pod a change makes kubelet refresh the mounted file at
once; on the StatefulSet it tells which configuration was handed over. Never in the pod template:
there it would restart the bot."""

_PREFIXES = {"TradingBot": "tb", "GridBot": "gb"}
"""A TradingBot and a GridBot may share a name."""

_LABEL = "app.kubernetes.io"


MANAGED_SELECTOR = f"{_LABEL}/managed-by=dantaro-operator"
"""Selects everything that we made."""


def child_name(bot: Bot) -> str:
    """Return the name of a bot's own objects: at most 52 signs, which a StatefulSet can bear."""
    return f"{_PREFIXES[bot.kind]}-{bot.metadata.name}"


def pod_name(bot: Bot) -> str:
    """Return the name of a bot's only pod."""
    return f"{child_name(bot)}-0"


def shared_labels() -> dict[str, str]:
    """Return the labels of whatever belongs to all bots of a namespace."""
    return {
        f"{_LABEL}/name": "dantaro-bot",
        f"{_LABEL}/component": "bot",
        f"{_LABEL}/part-of": "dantaro",
        f"{_LABEL}/managed-by": "dantaro-operator",
    }


def selector_labels(bot: Bot) -> dict[str, str]:
    """Return what selects a bot's pod. A StatefulSet's selector can never be changed."""
    return {"dantaro.io/kind": bot.kind, "dantaro.io/bot": bot.metadata.name}


def bot_labels(bot: Bot) -> dict[str, str]:
    """Return the labels of a bot's own objects: nothing in them ever changes for a bot."""
    account = {"dantaro.io/account": bot.spec.allocation_ref.name}
    return shared_labels() | selector_labels(bot) | account


def bot_of_child(metadata: Mapping[str, Any]) -> Key | None:
    """Return the key of the bot whose own object has this name, or None.

    Its name tells, since nobody can change that, and a copy with all of its labels has another.
    """
    prefix, _, name = metadata["name"].partition("-")
    kind = next((kind for kind, short in _PREFIXES.items() if short == prefix), None)
    return (kind, metadata["namespace"], name) if kind and name else None


def child_metadata(bot: Bot) -> dict[str, Any]:
    """Return the metadata of a bot's own objects: they go when the bot goes."""
    return {
        "name": child_name(bot),
        "namespace": bot.metadata.namespace,
        "labels": bot_labels(bot),
        "ownerReferences": [
            {
                "apiVersion": bot.api_version,
                "kind": bot.kind,
                "name": bot.metadata.name,
                "uid": bot.metadata.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def is_owned_by(live: Mapping[str, Any], bot: Bot) -> bool:
    """Return whether a live object is of this very bot, not of a stranger or an older namesake.

    An object of a bot that was deleted lives on for some seconds. To apply ours onto it would give
    it two controllers, which the API server refuses.
    """
    owners = live["metadata"].get("ownerReferences", ())
    return any(owner["uid"] == bot.metadata.uid for owner in owners if owner.get("controller"))
