"""Order truth on a real venue: an order exists, does not, or is looked up until that is known.

The venue's answers may be lost, late or old. So nothing is guessed: an order is sent once, an
outcome that is not known is probed by the order's own id, and that it is absent counts only when
several reads over several seconds say so. Then it is sent again under the same id, which the venue
takes at most once.

Source: Upbit takes an identifier once, for ever; ccxt issue 2599 and hummingbot issue 493 tell of
orders that were sent twice since a lost answer was read as a refusal.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal

import structlog

from dantaro_crds.errors import (
    OutcomeUnknownError,
    RateLimitedError,
    SafetyError,
    TransientError,
    VenueRefusedError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_crds.money import exact
from dantaro_runtime.core.orders import Fill, Order, OrderReport, OrderState
from dantaro_runtime.core.venue import VenueOrder, VenueTrade
from dantaro_runtime.ports import (
    CANCEL_UNCONFIRMED,
    DUPLICATE_ORDER,
    ID_TAKEN,
    INSUFFICIENT_FUNDS,
    REFUSAL_UNKNOWN,
    MarkedFill,
    Venue,
)

__all__ = ["LATE_SECONDS", "LiveExchange"]

_PROBES = (0.0, 1.0, 3.0, 7.0)
"""Pauses before the reads that prove an order absent: four of them over 11 seconds."""

_FINAL_PAUSES = (0.0, 0.5, 0.5, 1.0, 2.0, 4.0, 8.0, 14.0)
"""Pauses before the reads after a cancel request: 30 seconds in all."""

_OWN_FAULTS = {INSUFFICIENT_FUNDS, "UnderMinimum"}
"""Codes of refusals that say nothing of the venue: the order should not have been sent."""

_LONGEST_WAIT = timedelta(seconds=5)
"""Longest pause that the venue asks for and that is waited for before an order is sent again."""

_LATE_DENIALS = 5
"""So often the venue has to say meanwhile that it does not know the order."""

LATE_SECONDS = 600.0
"""So long an order that the venue did not know may still turn up."""

_CLOCKS_DIFFER = timedelta(hours=1)
"""So much the clock of this machine may be ahead of the venue's."""

_SENDS = 3
"""Tries to send one order under one id."""

_LOG = structlog.get_logger()


class LiveExchange:
    """One account on one market of a venue, as an `Exchange` whose answers are true.

    Args:
        venue: The venue.
        clock: Waiting.
        known: Own orders of the books by client id; asked for at each read.
        trades: Ids of the executions in the books, by client id, of the orders that are live.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        clock: Clock,
        known: Callable[[str], Order | None],
        trades: Mapping[str, frozenset[str]],
    ) -> None:
        self._venue = venue
        self._clock = clock
        self._known = known
        self._taken = {client_id: set(ids) for client_id, ids in trades.items()}
        self._fees: dict[str, Decimal] = {}
        self._fills: deque[MarkedFill] = deque()
        self.failures = 0
        """Orders in a row that were refused or whose outcome stayed unknown."""
        self._refusals: set[str] = set()
        self._is_slow = False
        self._given_up: dict[str, tuple[float, int]] = {}
        """Orders that the venue did not know: until when, monotonic, and how many more denials."""

    async def submit(self, order: Order) -> OrderReport:
        """Send an order; return what became of it.

        Raises:
            TransientError: The venue takes no orders now, or does not say what became of this one:
                it stays in the books as one that may exist.
        """
        for _ in range(_SENDS):
            try:
                sent = await self._place(order)
            except VenueRefusedError as error:
                self._refusals.add(error.code)
                return self._refused(order, error.message, counts=error.code not in _OWN_FAULTS)
            if isinstance(sent, VenueOrder):
                return await self._adopt(order, sent)
            found = await self._probe(order.client_id)
            if found is not None:
                return await self._adopt(order, found)
            self.give_up(order.client_id)  # a next try may be refused for what this one binds
            if sent:
                return self._refused(order, sent)
        self.failures += 1
        raise TransientError(
            f"the venue does not say what became of order {order.client_id}: it is looked up again "
            "before anything else is sent",
            code="OrderUnknown",
        )

    def take_refusals(self) -> set[str]:
        """Return the codes of the refusals since the last call."""
        refusals, self._refusals = self._refusals, set()
        return refusals

    async def cancel(self, client_id: str) -> OrderReport | None:
        """Cancel an order and read until its end is known; None when there is no such order.

        Raises:
            TransientError: It is not known whether it has ended: it counts as resting.
        """
        try:
            await self._venue.cancel(client_id)
        except OutcomeUnknownError as error:
            _LOG.warning("cancel unknown", order=client_id, message=error.message)
        found: VenueOrder | None = None
        # While one end is not told after half a minute, the others are asked for once each look.
        for pause in _FINAL_PAUSES[:1] if self._is_slow else _FINAL_PAUSES:
            await self._pause(pause)
            found = await self._venue.fetch_order(client_id) or found
            if found is not None and found.state is not OrderState.OPEN and _is_whole(found):
                return self._report(self._own(found))
        was_slow, self._is_slow = self._is_slow, True
        if found is None and not was_slow:
            self.give_up(client_id)
            return None
        raise TransientError(
            f"the venue does not say that order {client_id} has ended, 30 s after the request to "
            "cancel it: it counts as resting",
            code=CANCEL_UNCONFIRMED,
        )

    async def find(self, client_id: str) -> OrderReport | None:
        """Return an order; None when it is proven that there is none."""
        found = await self._probe(client_id)
        if found is None:
            self.give_up(client_id)
            return None
        return self._report(self._own(found))

    async def fetch_fill(self, after: str) -> MarkedFill | None:
        """Return the first fill that was read and not taken yet."""
        if self._fills and self._fills[0].mark == after:
            self._fills.popleft()
        return self._fills[0] if self._fills else None

    async def fetch_changed(self, orders: Iterable[Order]) -> list[OrderReport]:
        """Return those of the orders of the books that are no longer as they were."""
        orders, self._is_slow = tuple(orders), False
        self._forget_all_but({order.client_id for order in orders})
        resting = {order.client_id: order for order in await self._venue.fetch_open_orders()}
        changed = []
        for order in orders:
            found = resting.get(order.client_id)
            if found is not None and found.filled_volume == order.filled_volume:
                continue
            report = await self.find(order.client_id)
            if report is None:
                raise SafetyError(
                    f"order {order.client_id} rested at the venue and is unknown there now: look "
                    "at the account, then reset the bot"
                )
            changed.append(report)
        return changed

    def give_up(self, client_id: str) -> None:
        """Look for an order a while longer though nothing speaks for it any more."""
        self._given_up[client_id] = (self._clock.monotonic() + LATE_SECONDS, _LATE_DENIALS)

    async def fetch_late(self) -> list[VenueOrder]:
        """Return the orders that ended in the books unseen and are known to the venue after all."""
        now, late = self._clock.monotonic(), []
        for client_id, (until, denials) in [*self._given_up.items()]:
            if self._known(client_id) is not None:
                continue
            found = await self._venue.fetch_order(client_id)
            if found is not None:
                late.append(found)
            elif until < now and denials <= 1:
                self.forget(client_id)
            else:
                self._given_up[client_id] = (until, denials - 1)
        return late

    def forget(self, client_id: str) -> None:
        """Look for an order no longer: what became of it is known, or it is too late."""
        self._given_up.pop(client_id, None)

    def revive(self, found: VenueOrder, trades: frozenset[str]) -> OrderReport:
        """Report on an order that the books have again, with the executions `trades`."""
        self._taken[found.client_id] = set(trades)
        return self._report(found)

    # Inside

    def _forget_all_but(self, live: set[str]) -> None:
        """An order that ended in the books is never read again for its executions."""
        for client_id in self._taken.keys() - live:
            del self._taken[client_id]
            self._fees.pop(client_id, None)

    async def _place(self, order: Order) -> VenueOrder | str:
        """Send once; return the order, or why it was refused should it turn out not to exist."""
        try:
            return await self._venue.place(order)
        except RateLimitedError as error:
            pause = error.retry_after or timedelta(seconds=1)
            if pause > _LONGEST_WAIT:
                raise  # a ban: whoever keeps the books has to remember it
            await self._clock.sleep(pause.total_seconds())
        except OutcomeUnknownError as error:
            _LOG.warning("outcome unknown", order=order.client_id, message=error.message)
            if error.code == DUPLICATE_ORDER:
                return "its id was used up by a try that the venue refused"
            if error.code == REFUSAL_UNKNOWN:
                return error.message
        return ""

    async def _probe(self, client_id: str) -> VenueOrder | None:
        found: VenueOrder | None = None
        for pause in _PROBES:
            await self._pause(pause)
            found = await self._venue.fetch_order(client_id) or found
            if found is not None and _is_whole(found):
                return found
        if found is None:
            return None
        raise TransientError(
            f"the venue says that {found.filled_volume} of order {client_id} is filled, and does "
            "not tell all executions: it is read again",
            code="ExecutionsMissing",
        )

    async def _pause(self, seconds: float) -> None:
        if seconds:
            await self._clock.sleep(seconds)

    async def _adopt(self, order: Order, found: VenueOrder) -> OrderReport:
        self.failures = 0
        self._own(found)
        if found.created < order.created - _CLOCKS_DIFFER:
            raise SafetyError(
                f"order {order.client_id} was at the venue before it was decided: the store is "
                "older than the orders, so its ids are used up; look at the account, and let "
                "another bot take its place",
                code="ReusedId",
            )
        if found.trades is None and (found.filled_volume or found.state is not OrderState.OPEN):
            # A list, or the answer to placing, does not tell executions.
            found = await self._probe(order.client_id) or found
        return self._report(found)

    def _own(self, found: VenueOrder) -> VenueOrder:
        """Return an order of the venue that is the one of the books.

        Raises:
            SafetyError: Another one stands under its id.
        """
        order = self._known(found.client_id)
        if order is not None and (
            found.side is not order.side
            or found.price != order.price
            or (found.volume is not None and found.volume != order.volume)
        ):
            raise SafetyError(
                f"order {order.client_id} is at the venue as {found.side} {found.volume} at "
                f"{found.price}, expected {order.side} {order.volume} at {order.price}: another "
                "program uses this bot's ids; look at the account, then reset the bot",
                code=ID_TAKEN,
            )
        return found

    def _refused(self, order: Order, message: str, *, counts: bool = True) -> OrderReport:
        self.failures += counts
        return OrderReport(
            client_id=order.client_id,
            state=OrderState.REJECTED,
            filled_volume=Decimal(0),
            error=message,
        )

    def _report(self, found: VenueOrder) -> OrderReport:
        self.forget(found.client_id)
        self._take(found)
        return OrderReport(
            client_id=found.client_id, state=found.state, filled_volume=found.filled_volume
        )

    @exact
    def _take(self, found: VenueOrder) -> None:
        """Keep the executions that the books do not have, each once, for `fetch_fill`."""
        taken = self._taken.setdefault(found.client_id, set())
        fresh = [trade for trade in found.trades or () if trade.trade_id not in taken]
        if not fresh:
            return
        order = self._known(found.client_id)
        booked = self._fees.get(found.client_id, order.fee if order is not None else Decimal(0))
        fees = _split(found.fee - booked, fresh)
        self._fees[found.client_id] = found.fee
        for trade, fee in zip(fresh, fees, strict=True):
            taken.add(trade.trade_id)
            self._fills.append(
                MarkedFill(
                    mark=trade.trade_id,
                    fill=Fill(
                        trade_id=trade.trade_id,
                        client_id=found.client_id,
                        time=trade.time,
                        side=found.side,
                        price=trade.price,
                        volume=trade.volume,
                        fee=fee,
                        maker=trade.price == found.price,
                    ),
                )
            )


def _is_whole(found: VenueOrder) -> bool:
    """Return whether the executions add up; those of an old read may be fewer."""
    told = sum((trade.volume for trade in found.trades or ()), Decimal(0))
    return found.trades is None or told == found.filled_volume


def _split(fee: Decimal, trades: list[VenueTrade]) -> list[Decimal]:
    """Return the parts of a fee by funds; they add up to it exactly.

    A venue tells the fee of an order, not of its executions.
    """
    funds = [trade.price * trade.volume for trade in trades]
    total = sum(funds, Decimal(0))
    parts = [(fee * part / total).quantize(Decimal("1e-8")) for part in funds[:-1]]
    return [*parts, fee - sum(parts, Decimal(0))]
