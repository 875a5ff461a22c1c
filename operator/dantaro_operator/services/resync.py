"""Reads everything again now and then: what a watch missed, and whether a watch stands still.

A watch that is broken without noticing loses events for ever. A watch that had to begin anew is not
told of deletions in between. So the versions of each kind are listed and compared with what the
watches brought: regularly, and soon after such a gap.
"""

import random

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_operator.core.bots import Key
from dantaro_operator.ports import Collections
from dantaro_operator.services.accounts import AccountService
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.health import HealthService
from dantaro_operator.services.watching import STATEFUL_SET, WatchService
from dantaro_operator.services.work_queue import WorkQueue

__all__ = ["ResyncService"]

GRACE_SECONDS = 30.0
"""So long after a list what it told may come by the watch and count as brought in time."""

_LIST_AGAIN_SECONDS = 5.0
"""So long without progress a list is made again: what was deleted since is never brought."""

_LOOK_SECONDS = 0.05

_LOG = structlog.get_logger()


class ResyncService:
    """Compares, heals and tells. Twice is the same as once."""

    def __init__(
        self,
        collections: Collections,
        watches: WatchService,
        accounts: AccountService,
        health: HealthService,
        *,
        fleet: Fleet,
        queue: WorkQueue[Key],
        spread: float,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """Keep what is needed.

        Args:
            collections: Lists whole kinds.
            watches: Knows what the watches brought.
            accounts: Does the full looks.
            health: Is told of watches that stand still.
            fleet: Knows the accounts.
            queue: Where work on them is asked for.
            spread: Seconds over which the full looks are spread.
            clock: Time.
            rng: Source of the spread.
        """
        self._collections = collections
        self._watches = watches
        self._accounts = accounts
        self._health = health
        self._fleet = fleet
        self._queue = queue
        self._spread = spread
        self._clock = clock
        self._rng = rng

    async def catch_up(self) -> None:
        """Wait until the watches brought all that exists; before, nothing may be decided.

        To whom half is known, a StatefulSet is not there and gets the newest image, a bot has no
        Allocation, and another bot's market is free.
        """
        for kind in (*KINDS, STATEFUL_SET):
            while not await self._is_brought(kind):
                pass
        await self._read_configs()
        self._health.synced = True

    async def _read_configs(self) -> None:
        try:
            self._accounts.take_configs(await self._collections.fetch_configs())
        except DantaroError as error:
            _LOG.warning("configurations are read one by one", error=error.message)

    async def _is_brought(self, kind: str) -> bool:
        try:
            versions = await self._collections.fetch_versions(kind)
        except DantaroError as error:
            _LOG.warning("not listed, tried again after a pause", kind=kind, error=error.message)
            await self._clock.sleep(_LIST_AGAIN_SECONDS)
            return False
        list_again = self._clock.monotonic() + _LIST_AGAIN_SECONDS
        while late := self._watches.find_late(versions):
            if len(late) < len(versions):
                versions = {key: versions[key] for key in late}
                list_again = self._clock.monotonic() + _LIST_AGAIN_SECONDS
            elif self._clock.monotonic() > list_again:
                return False
            await self._clock.sleep(_LOOK_SECONDS)
        return True

    async def resync(self) -> None:
        """Take what the watches missed, and ask for a full look at every account.

        Raises:
            TransientError: The API server could not be asked; the next time is soon enough.
        """
        await self._compare_all()
        for account in self._fleet.accounts():
            self._accounts.refresh_next(account)
            self._queue.add_after(account, self._spread * self._rng.random())

    async def close_gap(self) -> None:
        """Take what the watches missed, if one of them began anew since the last time.

        Raises:
            TransientError: The API server could not be asked; the gap is still there.
        """
        if self._watches.had_gap:
            await self._compare_all()

    async def _compare_all(self) -> None:
        self._watches.had_gap = False
        try:
            for kind in (*KINDS, STATEFUL_SET):
                await self._compare(kind)
        except DantaroError:
            self._watches.had_gap = True
            raise

    async def _compare(self, kind: str) -> None:
        versions = await self._collections.fetch_versions(kind)
        for key in self._watches.known(kind) - versions.keys():
            await self._look_after_vanished(key)
        late = self._watches.find_late(versions)
        if late:
            await self._clock.sleep(GRACE_SECONDS)
            late = self._watches.find_late({key: versions[key] for key in late})
        missed = [key for key in late if await self._take(key)]
        if not missed:
            self._health.stalled_watches.discard(kind)
            return
        _LOG.error("a watch brings nothing", kind=kind, missed=len(missed))
        self._health.stalled_watches.add(kind)

    async def _look_after_vanished(self, key: Key) -> None:
        """Forget an object that is gone; one that was only made after the list stays."""
        before = self._watches.version_of(key)
        if await self._collections.fetch(key) is not None:
            return
        if self._watches.version_of(key) == before:
            self._watches.vanished(key)

    async def _take(self, key: Key) -> bool:
        """Take an object as it is, and return whether it exists."""
        document = await self._collections.fetch(key)
        if document is None:
            self._watches.vanished(key)
            return False
        self._watches.changed(key[0], document)
        return True
