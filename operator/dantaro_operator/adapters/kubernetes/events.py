"""Events of a cluster, each told once: the same again within some minutes is left out."""

import secrets

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.values import utc_text
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.core.notices import Notice

__all__ = ["EventRecorder"]

QUIET_SECONDS = 600.0
"""So long the same Event on the same object is not told again."""

_LONGEST_MESSAGE = 1024
"""The API server takes no more."""

_MANY = 10_000
"""So many remembered Events are a reason to forget old ones."""

_COMPONENT = "dantaro-operator"

_LOG = structlog.get_logger()


class EventRecorder:
    """Writes Events. One that cannot be written is logged and left: nothing depends on it."""

    def __init__(self, api: KubernetesApi, *, clock: Clock, instance: str) -> None:
        """Keep what is needed.

        Args:
            api: The client.
            clock: Time.
            instance: Name of this process, such as its pod's.
        """
        self._api = api
        self._clock = clock
        self._instance = instance
        self._told: dict[tuple[str, str, str], float] = {}

    async def record(self, resource: Resource, notice: Notice) -> None:
        """Tell of a change of state; the same again within some minutes is left out."""
        now = self._clock.monotonic()
        key = (resource.metadata.uid, notice.reason, notice.message)
        if now - self._told.get(key, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        if len(self._told) > _MANY:
            self._told = {k: told for k, told in self._told.items() if now - told < QUIET_SECONDS}
        self._told[key] = now
        path = f"/api/v1/namespaces/{resource.metadata.namespace}/events"
        try:
            await self._api.create(path, self._event(resource, notice))
        except DantaroError as error:
            _LOG.warning("event not written", reason=notice.reason, error=error.message)

    def _event(self, resource: Resource, notice: Notice) -> dict[str, object]:
        metadata, time = resource.metadata, utc_text(self._clock.now().replace(microsecond=0))
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{metadata.name}.{secrets.token_hex(8)}",
                "namespace": metadata.namespace,
            },
            "involvedObject": {
                "apiVersion": resource.api_version,
                "kind": resource.kind,
                "name": metadata.name,
                "namespace": metadata.namespace,
                "uid": metadata.uid,
            },
            "reason": notice.reason,
            "message": notice.message[:_LONGEST_MESSAGE],
            "type": "Warning" if notice.is_warning else "Normal",
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
            "source": {"component": _COMPONENT},
            "reportingComponent": _COMPONENT,
            "reportingInstance": self._instance,
        }
