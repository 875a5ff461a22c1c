"""The paper exchange with the faults of a real one: what comes through the `Exchange` port fails.

Its books stay true: only requests and answers get lost, late, refused or repeated. All chance has a
seed.
"""

import asyncio
import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from dantaro_crds.errors import OutcomeUnknownError, RateLimitedError, TransientError
from dantaro_runtime.adapters.exchanges.paper import PaperExchange
from dantaro_runtime.core.orders import Fill, Order, OrderReport
from dantaro_runtime.ports import BANNED, CANCEL_UNCONFIRMED, MarkedFill

__all__ = ["FaultyPaper", "PaperFault", "PaperFaults"]

_HALF = "/2"
"""End of the mark of the first half of a fill."""


class PaperFault(StrEnum):
    """What goes wrong."""

    LOSE_BEFORE = "the request is lost"
    LOSE_AFTER = "the reply is lost"
    RATE_LIMITED = "429"
    BANNED = "418"
    REPEAT = "an order arrives twice under its id"
    DELAY = "the answer takes a while"
    LATE_CANCEL = "a cancel is taken and carried out later"
    PARTIAL = "an order fills in two parts"


class PaperFaults:
    """Which of the calls fail.

    Args:
        kinds: What may go wrong.
        seed: Of the chance.
        chance: Of a fault at a call, 0 to 1.
    """

    def __init__(self, *kinds: PaperFault, seed: int, chance: float = 0.3) -> None:
        self._kinds = kinds
        self._rng = random.Random(seed)
        self._chance = chance
        self.struck: Counter[PaperFault] = Counter()
        """How often each struck."""
        self.late: set[str] = set()
        """Orders whose cancel is to be carried out."""

    def strikes(self, *kinds: PaperFault) -> PaperFault | None:
        """Return which of some kinds strikes now."""
        possible = [kind for kind in kinds if kind in self._kinds]
        if not possible or self._rng.random() >= self._chance:
            return None
        kind = self._rng.choice(possible)
        self.struck[kind] += 1
        return kind


class FaultyPaper(PaperExchange):
    """A paper account behind a bad connection.

    Args:
        faults: What goes wrong.
        made: As of `PaperExchange`.
    """

    def __init__(self, *made: Any, faults: PaperFaults, **named: Any) -> None:
        super().__init__(*made, **named)
        self._faults = faults

    async def submit(self, order: Order) -> OrderReport:
        """Take an order, maybe."""
        fault = await self._ask(PaperFault.REPEAT)
        report = await super().submit(order)
        if fault is PaperFault.REPEAT:
            report = await super().submit(order)
        if fault is PaperFault.LOSE_AFTER:
            raise OutcomeUnknownError("the reply is lost")
        return report

    async def cancel(self, client_id: str) -> OrderReport | None:
        """Cancel an order, maybe later."""
        fault = await self._ask(PaperFault.LATE_CANCEL)
        if fault is PaperFault.LATE_CANCEL:
            self._faults.late.add(client_id)
            raise TransientError("the cancel is not confirmed", code=CANCEL_UNCONFIRMED)
        report = await super().cancel(client_id)
        if fault is PaperFault.LOSE_AFTER:
            raise OutcomeUnknownError("the reply is lost")
        return report

    async def find(self, client_id: str) -> OrderReport | None:
        """Return an order, unless the question or the answer is lost."""
        if await self._ask() is PaperFault.LOSE_AFTER:
            raise TransientError("the reply is lost")
        return await super().find(client_id)

    async def fetch_fill(self, after: str) -> MarkedFill | None:
        """Return a fill, or a half of one."""
        is_second = after.endswith(_HALF)
        before = str(int(after.removesuffix(_HALF)) - 1) if is_second else after
        marked = await super().fetch_fill(before)
        if marked is None:
            return None
        fill = marked.fill
        volume, fee = fill.volume / 2, fill.fee / 2
        if is_second:
            return MarkedFill(mark=marked.mark, fill=_part(marked, volume, fee, "b"))
        if self._faults.strikes(PaperFault.PARTIAL) is None:
            return marked
        return MarkedFill(mark=f"{marked.mark}{_HALF}", fill=_part(marked, volume, fee, "a"))

    async def _ask(self, *more: PaperFault) -> PaperFault | None:
        """Reach the exchange, or not; return what goes wrong on the way back."""
        for client_id in sorted(self._faults.late):
            await super().cancel(client_id)
        self._faults.late.clear()
        fault = self._faults.strikes(
            PaperFault.LOSE_BEFORE,
            PaperFault.LOSE_AFTER,
            PaperFault.RATE_LIMITED,
            PaperFault.BANNED,
            PaperFault.DELAY,
            *more,
        )
        if fault is PaperFault.LOSE_BEFORE:
            raise OutcomeUnknownError("the request is lost")
        if fault is PaperFault.RATE_LIMITED:
            raise RateLimitedError("too many calls")
        if fault is PaperFault.BANNED:
            raise RateLimitedError("no calls for a while", code=BANNED)
        if fault is PaperFault.DELAY:
            await asyncio.sleep(0.001)
        return fault


def _part(marked: MarkedFill, volume: Decimal, fee: Decimal, name: str) -> Fill:
    return replace(marked.fill, trade_id=f"{marked.fill.trade_id}{name}", volume=volume, fee=fee)
