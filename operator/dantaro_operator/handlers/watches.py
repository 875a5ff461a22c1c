"""What kopf tells us: our three kinds, and the StatefulSets that we made."""

from typing import Any

import kopf

from dantaro_crds.v1alpha1 import GROUP, VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_operator.services.watching import STATEFUL_SET, WatchService

__all__ = ["register"]

_DELETED = "DELETED"


def register(registry: kopf.OperatorRegistry, watches: WatchService) -> None:
    """Bind the events of all kinds. Events only say where to look; handlers run no use case."""

    async def object_event(event: kopf.RawEvent, **_: Any) -> None:
        document = event["object"]
        watches.changed(document["kind"], document, gone=event["type"] == _DELETED)

    async def child_event(event: kopf.RawEvent, **_: Any) -> None:
        watches.changed(STATEFUL_SET, event["object"], gone=event["type"] == _DELETED)

    for kind in KINDS.values():
        kopf.on.event(GROUP, VERSION, kind.info.plural, registry=registry)(object_event)
    kopf.on.event("apps", "v1", "statefulsets", registry=registry)(child_event)
