"""Wanted orders against live orders: what to cancel and what to place."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from dantaro_runtime.core.orders import Intent, Order

__all__ = ["Difference", "compare", "is_same"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What separates the venue from what is wanted. Cancels come before any placing.

    Attributes:
        cancels: Live orders that are not wanted, in the order in which they were placed.
        places: Wanted orders that are not live, in the order wanted; a slot that is still being
            cancelled waits.
    """

    cancels: tuple[Order, ...]
    places: tuple[Intent, ...]


def is_same(intent: Intent, order: Order) -> bool:
    """Return whether a live order is the wanted one; a partly filled order may stand for either
    size.
    """
    return (
        intent.side is order.side
        and intent.price == order.price
        and intent.volume in (order.volume, order.remaining)
    )


def compare(
    wanted: Iterable[Intent],
    live: Collection[Order],
    *,
    cycle: int,
    cancelling: Collection[str] = (),
) -> Difference:
    """Return the difference between wanted and live orders.

    Args:
        wanted: At most one per slot.
        live: Orders that exist or may exist at the venue.
        cycle: Cycle that the wanted orders belong to; orders of another cycle are not wanted.
        cancelling: Client ids whose cancel was sent and whose end is not known yet.
    """
    intents = {intent.slot: intent for intent in wanted}
    kept: set[str] = set()
    cancels: list[Order] = []
    for order in live:
        intent = intents.get(order.slot) if order.cycle == cycle else None
        if intent is not None and is_same(intent, order):
            kept.add(order.slot)
        else:
            cancels.append(order)
    taken = kept | {order.slot for order in live}
    return Difference(
        cancels=tuple(order for order in cancels if order.client_id not in cancelling),
        places=tuple(intent for slot, intent in intents.items() if slot not in taken),
    )
