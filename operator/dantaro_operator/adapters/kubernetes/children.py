"""What the operator makes in a cluster: StatefulSets, ConfigMaps and what bots share."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from dantaro_crds.errors import NotFoundError
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.names import child_name, pod_name
from dantaro_operator.core.cluster.settings import CONFIG_KEY

__all__ = ["ChildObjects", "config_of"]

_PLURALS = {
    "ConfigMap": "configmaps",
    "NetworkPolicy": "networkpolicies",
    "Service": "services",
    "ServiceAccount": "serviceaccounts",
    "StatefulSet": "statefulsets",
}


class ChildObjects:
    """Writes them by server-side apply: fields of others stay, ours are ours."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def apply(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object hold what the manifest says, and return it. Twice is the same as once."""
        return await self._api.apply(_path_of(manifest), manifest)

    async def mark_pod(self, bot: Bot, marks: Mapping[str, str]) -> None:
        """Set annotations of a bot's pod; a bot without a pod needs none."""
        with suppress(NotFoundError):
            await self._api.merge_patch(_pod_path(bot), {"metadata": {"annotations": dict(marks)}})

    async def load_config(self, bot: Bot) -> BotConfig | None:
        """Return the configuration that was last handed to a bot; None if there is none."""
        path = f"/api/v1/namespaces/{bot.metadata.namespace}/configmaps/{child_name(bot)}"
        found = await self._api.get(path)
        return config_of(found or {})

    async def load_pod(self, bot: Bot) -> Mapping[str, Any] | None:
        """Return a bot's pod as the API server has it; None if there is none."""
        return await self._api.get(_pod_path(bot))


def config_of(config_map: Mapping[str, Any]) -> BotConfig | None:
    """Return the configuration in a bot's ConfigMap; None if there is none to be read."""
    text = config_map.get("data", {}).get(CONFIG_KEY)
    if text is None:
        return None
    try:
        return BotConfig.model_validate_json(text, extra="ignore")
    except ValueError:
        return None  # somebody broke it; ours is applied over it


def _pod_path(bot: Bot) -> str:
    return f"/api/v1/namespaces/{bot.metadata.namespace}/pods/{pod_name(bot)}"


def _path_of(manifest: Mapping[str, Any]) -> str:
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    root = "/api" if "/" not in version else "/apis"
    plural = _PLURALS[manifest["kind"]]
    return f"{root}/{version}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"
