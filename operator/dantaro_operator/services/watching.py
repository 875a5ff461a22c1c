"""Takes what the watches bring and asks for work on the accounts concerned."""

from collections.abc import Mapping
from typing import Any

import structlog

from dantaro_crds.errors import SpecError
from dantaro_operator.core.bots import Key
from dantaro_operator.core.cluster.names import bot_of_child
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.work_queue import WorkQueue

__all__ = ["STATEFUL_SET", "WatchService"]

STATEFUL_SET = "StatefulSet"
"""The one kind that we watch and that is not ours."""

_LOG = structlog.get_logger()


class WatchService:
    """Keeps the fleet and fills the queue. Twice, late or out of order is harmless."""

    def __init__(self, fleet: Fleet, queue: WorkQueue[Key]) -> None:
        self._fleet = fleet
        self._queue = queue
        self._seen: dict[Key, int] = {}
        self.had_gap = False
        """Whether what was known was listed again: of deletions before the list no watch tells."""

    def changed(
        self, kind: str, document: Mapping[str, Any], *, gone: bool = False, listed: bool = False
    ) -> None:
        """Take an object as the API server has it, or that it is gone.

        Args:
            kind: What it is.
            document: The object.
            gone: Whether it was deleted; the document is then how it was last.
            listed: Whether it was found by the list that a watch begins with.
        """
        metadata = document["metadata"]
        key, version = (kind, metadata["namespace"], metadata["name"]), _version_of(document)
        known = self._seen.get(key, -1)
        self.had_gap |= listed and known >= 0
        # The events of an older namesake may come after those of the object that has its name now.
        if gone and version >= known:
            self._seen.pop(key, None)
        elif not gone:
            self._seen[key] = max(version, known)
        for account in self._take(kind, document, gone=gone):
            self._queue.add(account)

    def vanished(self, key: Key) -> None:
        """Take that an object is gone, though no watch told of it."""
        self._seen.pop(key, None)
        kind, namespace, name = key
        if kind != STATEFUL_SET:
            accounts = self._fleet.forget(key, uid=None)
        else:
            bot = bot_of_child({"namespace": namespace, "name": name})
            accounts = self._fleet.forget_child(bot) if bot is not None else set()
        for account in accounts:
            self._queue.add(account)

    def version_of(self, key: Key) -> int:
        """Return the newest version that was brought of an object; -1 if it does not exist."""
        return self._seen.get(key, -1)

    def known(self, kind: str) -> set[Key]:
        """Return the objects of a kind that are thought to exist."""
        return {key for key in self._seen if key[0] == kind}

    def find_late(self, versions: Mapping[Key, int]) -> set[Key]:
        """Return the objects that are newer in the cluster than what was brought of them.

        Args:
            versions: Version of each object as it was listed.
        """
        return {key for key, version in versions.items() if version > self._seen.get(key, -1)}

    def _take(self, kind: str, document: Mapping[str, Any], *, gone: bool) -> set[Key]:
        if kind == STATEFUL_SET:
            return self._fleet.put_child(document, gone=gone)
        if gone:
            return self._fleet.drop(document)
        try:
            return self._fleet.put(document)
        except SpecError as error:
            _LOG.error(
                "object cannot be read and stays as it is: is its CRD newer than this operator?",
                kind=kind,
                namespace=document["metadata"]["namespace"],
                name=document["metadata"]["name"],
                error=error.message,
            )
            return set()


def _version_of(document: Mapping[str, Any]) -> int:
    return int(document["metadata"]["resourceVersion"])
