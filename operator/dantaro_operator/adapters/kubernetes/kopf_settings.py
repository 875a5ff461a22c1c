"""kopf as a watcher and nothing else: it keeps no state on objects and writes nothing.

By default it copies every object several times to tell what changed since a handler last ran. We
bind no such handlers, and the copies would be half of the operator's work.
"""

from typing import Any, cast

import kopf

from dantaro_operator.core.cluster.names import MANAGED_SELECTOR

__all__ = ["build_kopf_settings"]

_PAGE = 100
"""Objects of a list that are in memory at a time."""

_IDLE_SECONDS = 0.1
"""So long kopf keeps a task, a queue and the last event of each object after its last event."""

_NOTHING = cast("kopf.BodyEssence", {})


class _NoDiffBase(kopf.DiffBaseStorage):
    """Remembers nothing of an object."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return _NOTHING

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        return None


class _NoProgress(kopf.ProgressStorage):
    """Remembers no handler's progress."""

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None

    def purge(self, **_: Any) -> None:
        return None

    def touch(self, **_: Any) -> None:
        return None

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        return essence


def build_kopf_settings() -> kopf.OperatorSettings:
    """Return the settings of an operator that only watches."""
    settings = kopf.OperatorSettings()
    settings.persistence.diffbase_storage = _NoDiffBase()
    settings.persistence.progress_storage = _NoProgress()
    # Never set by us; the default is shared with every other operator made with kopf.
    settings.persistence.finalizer = "dantaro.io/kopf"
    settings.queueing.idle_timeout = _IDLE_SECONDS
    settings.scanning.disabled = True
    settings.peering.standalone = True
    settings.posting.enabled = False
    settings.watching.connect_timeout = 30
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.chunk_size = _PAGE
    settings.watching.label_selectors["apps/v1/statefulsets"] = MANAGED_SELECTOR
    return settings
