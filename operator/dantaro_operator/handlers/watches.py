"""What kopf tells us: our three kinds, and the StatefulSets that we made."""

from typing import Any

import kopf

from dantaro_crds.v1alpha1 import GROUP, VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_operator.services.watching import STATEFUL_SET, WatchService

__all__ = ["register"]

_DELETED = "DELETED"

_LISTED = None
"""What kopf says of objects that it found when it began to watch."""


def register(registry: kopf.OperatorRegistry, watches: WatchService) -> None:
    """Bind the events of all kinds. Events only say where to look; handlers run no use case."""

    async def object_event(event: kopf.RawEvent, **_: Any) -> None:
        take(event["object"]["kind"], event)

    async def child_event(event: kopf.RawEvent, **_: Any) -> None:
        take(STATEFUL_SET, event)

    def take(kind: str, event: kopf.RawEvent) -> None:
        said = event["type"]
        watches.changed(kind, event["object"], gone=said == _DELETED, listed=said is _LISTED)

    for kind in KINDS.values():
        kopf.on.event(GROUP, VERSION, kind.info.plural, registry=registry)(object_event)
    kopf.on.event("apps", "v1", "statefulsets", registry=registry)(child_event)
