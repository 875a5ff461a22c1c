"""Wanted orders against live orders: what to cancel, to keep and to place, and what must wait."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from dantaro_runtime.core.orders import Intent, Order, OrderState, Side

__all__ = ["Balance", "Difference", "compare", "is_same", "without_new_entries"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Own money that orders may bind, locked parts included.

    Attributes:
        quote: Quote currency.
        base: Base currency.
        last: Last price, by which market buys are valued.
        fee_rate: Fee of one side, fraction of the notional.
    """

    quote: Decimal
    base: Decimal
    last: Decimal
    fee_rate: Decimal

    def needed(self, order: Intent | Order, volume: Decimal) -> tuple[Decimal, Decimal]:
        """Return the quote and base that `volume` of an order binds."""
        if order.side is Side.SELL:
            return Decimal(0), volume
        price = self.last if order.price is None else order.price
        return price * volume * (1 + self.fee_rate), Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What separates the venue from what is wanted, to be carried out in the order of the fields.

    Attributes:
        cancels: Live orders that are not wanted, in the order in which they were placed. To cancel
            one that may not exist is how the venue is asked about it.
        keeps: Live orders that stay.
        unknown: Wanted orders that may exist or not. As any live order, each blocks its slot and
            binds its full value until the venue has said what became of it.
        places: Wanted orders that are not live, in the order wanted; a slot that is still being
            cancelled waits. Whatever part of them is placed, no more is bound than is owned.
        waits: Wanted orders that what is left of the balance does not cover now, in the order
            wanted.
    """

    cancels: tuple[Order, ...]
    keeps: tuple[Order, ...]
    unknown: tuple[Order, ...]
    places: tuple[Intent, ...]
    waits: tuple[Intent, ...] = ()


def is_same(intent: Intent, order: Order) -> bool:
    """Return whether a live order is the wanted one; a partly filled order may stand for either
    size.
    """
    return (
        intent.side is order.side
        and intent.price == order.price
        and intent.volume in (order.volume, order.remaining)
    )


def without_new_entries(wanted: Iterable[Intent], live: Iterable[Order]) -> tuple[Intent, ...]:
    """Return what is wanted without leave for new entries: those that rest may stay."""
    resting = {order.slot for order in live}
    return tuple(intent for intent in wanted if not intent.entry or intent.slot in resting)


def compare(
    wanted: Iterable[Intent],
    live: Collection[Order],
    *,
    cycle: int,
    cancelling: Collection[str] = (),
    balance: Balance | None = None,
) -> Difference:
    """Return the difference between wanted and live orders.

    Args:
        wanted: At most one per slot.
        live: Orders that exist or may exist at the venue.
        cycle: Cycle that the wanted orders belong to; orders of another cycle are not wanted.
        cancelling: Client ids whose cancel was sent and whose end is not known yet.
        balance: What is owned; None places without regard to it.
    """
    intents = {intent.slot: intent for intent in wanted}
    cancels: list[Order] = []
    keeps: list[Order] = []
    unknown: list[Order] = []
    for order in live:
        intent = intents.get(order.slot) if order.cycle == cycle else None
        if intent is not None and is_same(intent, order):
            (unknown if order.state is OrderState.PENDING else keeps).append(order)
        elif order.client_id not in cancelling:
            cancels.append(order)
    taken = {order.slot for order in live}
    missing = tuple(intent for slot, intent in intents.items() if slot not in taken)
    places = missing
    if missing and balance is not None:
        places = tuple(_covered(missing, live, balance))
    placed = {intent.slot for intent in places}
    return Difference(
        cancels=tuple(cancels),
        keeps=tuple(keeps),
        unknown=tuple(unknown),
        places=places,
        waits=tuple(intent for intent in missing if intent.slot not in placed),
    )


def _covered(
    missing: Iterable[Intent], live: Iterable[Order], balance: Balance
) -> Iterator[Intent]:
    # A cancelled order binds its money until its end is known.
    bound = [balance.needed(order, order.remaining) for order in live]
    quote = balance.quote - sum((q for q, _ in bound), Decimal(0))
    base = balance.base - sum((b for _, b in bound), Decimal(0))
    for intent in missing:
        needed_quote, needed_base = balance.needed(intent, intent.volume)
        if needed_quote <= quote and needed_base <= base:
            quote, base = quote - needed_quote, base - needed_base
            yield intent
