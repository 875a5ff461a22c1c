"""The ConfigMap that holds a bot's configuration."""

import json
from typing import Any

from dantaro_crds.v1alpha1.resource import dump
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.hashes import canonical_json, text_hash
from dantaro_operator.core.cluster.names import child_metadata
from dantaro_operator.core.cluster.settings import CONFIG_KEY
from dantaro_operator.core.workload import BotWorkload

__all__ = ["build_config_map", "config_hash"]


def build_config_map(workload: BotWorkload, bot: Bot) -> dict[str, Any]:
    """Return the ConfigMap of a bot."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": child_metadata(bot),
        "data": {CONFIG_KEY: _config_text(workload)},
    }


def config_hash(workload: BotWorkload) -> str:
    """Return the hash of a bot's configuration, however the mounted file is laid out."""
    return text_hash(canonical_json(dump(workload.config)))


def _config_text(workload: BotWorkload) -> str:
    """One text per configuration, in lines: people read it with `kubectl get configmap`."""
    return json.dumps(dump(workload.config), sort_keys=True, indent=2, ensure_ascii=False) + "\n"
