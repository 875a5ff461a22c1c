"""Looks at the pods of bots that do not answer: seldom, and at no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.names import pod_name
from dantaro_operator.core.cluster.pod_status import read_pod
from dantaro_operator.core.observed import ProcessFacts
from dantaro_operator.ports import Children
from dantaro_operator.services.fleet import BotRecord

__all__ = ["PodLooks"]

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    time: float
    facts: ProcessFacts


class PodLooks:
    """What pods told, of bots that have not answered since."""

    def __init__(self, children: Children, *, after: float) -> None:
        """Keep what is needed.

        Args:
            children: Where pods are read.
            after: Seconds in vain after which a bot's pod is read, and between two readings.
        """
        self._children = children
        self._after = after
        self._looks: dict[str, _Look] = {}

    def is_due(self, bot: Bot, record: BotRecord, *, now: float) -> bool:
        """Return whether a bot's pod should be read now; forget what is of no matter any more."""
        uid, since = bot.metadata.uid, record.unanswered
        if record.child is None or since is None or record.child.is_ready:
            self.forget(uid)
            return False
        known = self._looks.get(uid)
        return now - (known.time if known else since) >= self._after

    async def look(self, bot: Bot, *, now: float) -> None:
        """Read a bot's pod. That it cannot be read is logged: nothing else depends on it."""
        try:
            pod: Mapping[str, Any] | None = await self._children.load_pod(bot)
        except DantaroError as error:
            _LOG.warning("pod not read", pod=pod_name(bot), error=error.message)
            return
        self._looks[bot.metadata.uid] = _Look(time=now, facts=read_pod(pod, name=pod_name(bot)))

    def facts_of(self, bot: Bot, record: BotRecord) -> ProcessFacts:
        """Return a bot's process: it runs where it was made, unless its pod told otherwise."""
        if record.child is None:
            return ProcessFacts()
        known = self._looks.get(bot.metadata.uid)
        return known.facts if known is not None else ProcessFacts(running=True)

    def forget(self, uid: str) -> None:
        """Forget what a bot's pod told."""
        self._looks.pop(uid, None)
