"""Events of a cluster: what changed, in order, as long as there are not too many of an object."""

import secrets
from dataclasses import dataclass

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.values import utc_text
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.core.notices import Notice
from dantaro_operator.errors import NotLeadingError

__all__ = ["EventRecorder"]

QUIET_SECONDS = 600.0
"""So long the last Event of an object is not told again, unless another was told in between."""

BURST = 25
"""So many Events of one object may follow each other without a pause, as of Kubernetes' own."""

REFILL_SECONDS = 300.0
"""After so long an object may have one more."""

_LONGEST_MESSAGE = 1024
"""The API server takes no more."""

_MANY = 10_000
"""So many remembered objects are a reason to forget those of which nothing was told for long."""

_COMPONENT = "dantaro-operator"

_LOG = structlog.get_logger()


@dataclass(slots=True)
class _Told:
    """What an object's readers know, and how much more they may be told."""

    last: tuple[str, str]
    time: float
    tokens: float


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
        self._told: dict[str, _Told] = {}

    async def record(self, resource: Resource, notice: Notice) -> None:
        """Tell of a change of state, unless that was told last, or there were too many."""
        if not self._may_tell(resource.metadata.uid, (notice.reason, notice.message)):
            return
        path = f"/api/v1/namespaces/{resource.metadata.namespace}/events"
        try:
            await self._api.create(path, self._event(resource, notice))
        except NotLeadingError:
            raise
        except DantaroError as error:
            _LOG.warning("event not written", reason=notice.reason, error=error.message)

    def _may_tell(self, uid: str, words: tuple[str, str]) -> bool:
        """Return whether an Event is news and not one too many; count it then."""
        now = self._clock.monotonic()
        known = self._told.get(uid)
        if known is None:
            self._told[uid] = _Told(last=words, time=now, tokens=BURST - 1)
            self._forget_old(now)
            return True
        passed = now - known.time
        if known.last == words and passed < QUIET_SECONDS:
            return False
        tokens = min(BURST, known.tokens + passed / REFILL_SECONDS)
        if tokens < 1:
            return False
        self._told[uid] = _Told(last=words, time=now, tokens=tokens - 1)
        return True

    def _forget_old(self, now: float) -> None:
        """Drop objects that could be told of as if they were new."""
        if len(self._told) > _MANY:
            full = BURST * REFILL_SECONDS
            self._told = {uid: told for uid, told in self._told.items() if now - told.time < full}

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
