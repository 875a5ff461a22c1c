"""Brings central's recommendations to the accounts whose bots ask for them."""

from collections.abc import Callable

from dantaro_crds.kit.clock import Clock
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.bots import AUTO, Key, account_of
from dantaro_operator.ports import RecommendationSource
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.work_queue import WorkQueue

__all__ = ["RecommendationService"]

AGAIN_SECONDS = 60.0
"""Central makes new ones every five minutes; one list serves all accounts."""

RETRY_SECONDS = 5.0
"""Pause while central does not say: a bot may be waiting."""

_SEVERAL = 5
"""Answers in vain after which the last list counts no longer."""


class RecommendationService:
    """Asks central while some bot has `symbol: auto`; no look at an account waits for that."""

    def __init__(
        self,
        fleet: Fleet,
        queue: WorkQueue[Key],
        source: RecommendationSource,
        *,
        advise: Callable[[tuple[Recommendation, ...] | None], None],
        clock: Clock,
    ) -> None:
        """Keep what is needed.

        Args:
            fleet: Knows the bots.
            queue: Where work on their accounts is asked for.
            source: Central.
            advise: Told of the list that counts from now on; None when there is none.
            clock: Time.
        """
        self._fleet = fleet
        self._queue = queue
        self._source = source
        self._advise = advise
        self._clock = clock
        self._due = clock.monotonic()
        self._known: tuple[Recommendation, ...] | None = None
        self._failures = 0

    async def look(self) -> None:
        """Ask if it is time and any bot needs it; ask for looks at accounts if ranks changed."""
        accounts = {account_of(bot) for bot in self._fleet.bots() if bot.spec.symbol == AUTO}
        if not accounts or self._clock.monotonic() < self._due:
            return
        found = await self._source.fetch_recommendations()
        self._failures = 0 if found is not None else self._failures + 1
        pause = AGAIN_SECONDS if found is not None else RETRY_SECONDS
        self._due = self._clock.monotonic() + pause
        if found is None and self._failures < _SEVERAL:
            return
        changed = _ranks(found) != _ranks(self._known)
        self._known = found
        self._advise(found)
        if changed:
            for account in accounts:
                self._queue.add(account)


def _ranks(found: tuple[Recommendation, ...] | None) -> tuple[str, ...] | None:
    return None if found is None else tuple(item.symbol for item in found)
