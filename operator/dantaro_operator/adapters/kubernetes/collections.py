"""Reads whole kinds, to compare them with what the watches brought."""

from collections.abc import Mapping
from typing import Any

from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
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
        group, plural, selector = _place_of(kind)
        roots = [f"{group}/namespaces/{name}" for name in self._namespaces] or [group]
        versions: dict[Key, int] = {}
        for root in roots:
            listing = self._api.list(
                f"{root}/{plural}", selector=selector, page=_PAGE, metadata_only=True
            )
            async for item in listing:
                metadata = item["metadata"]
                key = (kind, metadata["namespace"], metadata["name"])
                versions[key] = int(metadata["resourceVersion"])
        return versions

    async def fetch(self, key: Key) -> Mapping[str, Any] | None:
        """Return an object; None if there is none."""
        kind, namespace, name = key
        group, plural, _ = _place_of(kind)
        return await self._api.get(f"{group}/namespaces/{namespace}/{plural}/{name}")


def _place_of(kind: str) -> tuple[str, str, str]:
    if kind in KINDS:
        return f"/apis/{API_VERSION}", KINDS[kind].info.plural, ""
    return "/apis/apps/v1", "statefulsets", MANAGED_SELECTOR
