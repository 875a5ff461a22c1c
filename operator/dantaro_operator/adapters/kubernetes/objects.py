"""Our custom resources in a cluster: finalizers and status."""

from collections.abc import Mapping
from typing import Any

from dantaro_crds.errors import ConflictError, NotFoundError, SpecError
from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.core.cluster.names import FINALIZER

__all__ = ["CustomResources", "path_of"]

_GONE = (ConflictError, NotFoundError, SpecError)


def path_of(resource: Resource) -> str:
    """Return the path of an object."""
    metadata = resource.metadata
    kind = resource.info.plural
    return f"/apis/{API_VERSION}/namespaces/{metadata.namespace}/{kind}/{metadata.name}"


class CustomResources:
    """Writes to our custom resources. A uid in each write keeps it from a later namesake."""

    def __init__(self, api: KubernetesApi) -> None:
        self._api = api

    async def hold(self, resource: Resource) -> Mapping[str, Any]:
        """Set our finalizer and return the object. Twice is the same as once."""
        return await self._api.apply(path_of(resource), _marked(resource, [FINALIZER]))

    async def release(self, resource: Resource) -> None:
        """Take our finalizer away. Twice is the same as once, also when the object is gone."""
        try:
            await self._api.apply(path_of(resource), _marked(resource, []))
        except _GONE:
            if await self.exists(resource):
                raise

    async def write_status(self, resource: Resource, patch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge a patch into the status and return the object.

        Raises:
            NotFoundError: It is gone, or another object has its name by now.
        """
        content = {"metadata": {"uid": resource.metadata.uid}, "status": patch}
        try:
            return await self._api.merge_patch(path_of(resource), content, subresource="status")
        except (ConflictError, SpecError) as error:
            if await self.exists(resource):
                raise
            raise NotFoundError(f"{path_of(resource)} is gone") from error

    async def exists(self, resource: Resource) -> bool:
        """Return whether that very object exists, asked now."""
        found = await self._api.get(path_of(resource))
        return found is not None and found["metadata"]["uid"] == resource.metadata.uid


def _marked(resource: Resource, finalizers: list[str]) -> dict[str, Any]:
    """Our whole intent for an object: finalizers are a set of which each manager owns a part."""
    return {
        "apiVersion": API_VERSION,
        "kind": resource.kind,
        "metadata": {
            "name": resource.metadata.name,
            "namespace": resource.metadata.namespace,
            "uid": resource.metadata.uid,
            "finalizers": finalizers,
        },
    }
