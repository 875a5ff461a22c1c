"""Reads whole kinds: to compare them with what the watches brought, or in place of many calls."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.children import config_of
from dantaro_operator.core.bots import Key
from dantaro_operator.core.cluster.names import MANAGED_SELECTOR

__all__ = ["ObjectCollections"]

_PAGE = 200
"""Objects that are in memory at a time."""


class ObjectCollections:
    """All objects of ours: of the whole cluster, or of some namespaces."""

    def __init__(self, api: KubernetesApi, *, namespaces: tuple[str, ...]) -> None:
        self._api = api
        self._namespaces = namespaces

    async def fetch_versions(self, kind: str) -> Mapping[Key, int]:
        """Return the version of every object of a kind."""
        versions: dict[Key, int] = {}
        async for item in self._list(*_place_of(kind), metadata_only=True):
            metadata = item["metadata"]
            key = (kind, metadata["namespace"], metadata["name"])
            versions[key] = int(metadata["resourceVersion"])
        return versions

    async def fetch_configs(self) -> Mapping[str, BotConfig]:
        """Return the configurations that bots were handed last, by uid of the bot."""
        configs: dict[str, BotConfig] = {}
        async for item in self._list("/api/v1", "configmaps", MANAGED_SELECTOR):
            config = config_of(item)
            if config is not None:
                configs[config.uid] = config
        return configs

    async def fetch(self, key: Key) -> Mapping[str, Any] | None:
        """Return an object; None if there is none."""
        kind, namespace, name = key
        group, plural, _ = _place_of(kind)
        return await self._api.get(f"{group}/namespaces/{namespace}/{plural}/{name}")

    async def _list(
        self, group: str, plural: str, selector: str, *, metadata_only: bool = False
    ) -> AsyncIterator[dict[str, Any]]:
        for root in [f"{group}/namespaces/{name}" for name in self._namespaces] or [group]:
            listing = self._api.list(
                f"{root}/{plural}", selector=selector, page=_PAGE, metadata_only=metadata_only
            )
            async for item in listing:
                yield item


def _place_of(kind: str) -> tuple[str, str, str]:
    if kind in KINDS:
        return f"/apis/{API_VERSION}", KINDS[kind].info.plural, ""
    return "/apis/apps/v1", "statefulsets", MANAGED_SELECTOR
