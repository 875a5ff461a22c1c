"""Orders as the engine would send them."""

import itertools
from datetime import UTC, datetime
from decimal import Decimal

from dantaro_runtime.core.orders import Order, OrderState, Side

_NUMBERS = itertools.count(1)


def make_order(
    *,
    side: Side = Side.BUY,
    price: str | None = "90000000",
    volume: str = "0.01",
    client_id: str | None = None,
) -> Order:
    """Return an order with an id that no test had before; by default a buy that rests."""
    return Order(
        client_id=client_id or f"bot12345-1-s0-{next(_NUMBERS)}",
        cycle=1,
        slot="s0",
        attempt=1,
        side=side,
        price=None if price is None else Decimal(price),
        volume=Decimal(volume),
        entry=side is Side.BUY,
        state=OrderState.PENDING,
        created=datetime(2026, 1, 31, 9, 0, tzinfo=UTC),
    )
