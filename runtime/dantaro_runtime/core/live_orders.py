"""The orders of a bot that exist or may exist at the venue, and the numbers that name new ones."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from dantaro_runtime.core.orders import Intent, Order, OrderState, Side, client_order_id

__all__ = ["LiveOrders"]

_MINUTE = timedelta(minutes=1)


class LiveOrders:
    """Live orders by client id, in the order of placing.

    Args:
        orders: Live orders, in the order of placing.
        attempts: Last attempt by (cycle, slot).
        placed: Market times of the orders of the last minute, rising.
        bot_uid: Uid of the bot.
    """

    def __init__(
        self,
        *,
        orders: Iterable[Order],
        attempts: Mapping[tuple[int, str], int],
        placed: Iterable[datetime],
        bot_uid: str,
    ) -> None:
        self._orders = {order.client_id: order for order in orders}
        self._attempts = dict(attempts)
        self._placed = deque(placed)
        self._uid = bot_uid
        self.ending: dict[str, Decimal] = {}
        """Orders that ended at the venue with fills not taken yet: final filled volume."""

    def __iter__(self) -> Iterator[Order]:
        return iter(tuple(self._orders.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, client_id: str) -> Order | None:
        """Return a live order; None when there is no such one."""
        return self._orders.get(client_id)

    def put(self, order: Order) -> None:
        """Take an order as it is now; one that ended is dropped."""
        if order.state.is_live:
            self._orders[order.client_id] = order
        else:
            self._orders.pop(order.client_id, None)
            self.ending.pop(order.client_id, None)

    def number(self, intent: Intent, *, cycle: int, time: datetime) -> Order:
        """Return the PENDING order of an intent under its next attempt number."""
        attempt = self._attempts.get((cycle, intent.slot), 0) + 1
        if attempt == 1:
            # The cycle before may be taken up again, older ones never: their numbers can go.
            self._attempts = {k: n for k, n in self._attempts.items() if k[0] >= cycle - 1}
        self._attempts[cycle, intent.slot] = attempt
        self._placed.append(time)
        return Order(
            client_id=client_order_id(self._uid, cycle=cycle, slot=intent.slot, attempt=attempt),
            cycle=cycle,
            slot=intent.slot,
            attempt=attempt,
            side=intent.side,
            price=intent.price,
            volume=intent.volume,
            entry=intent.entry,
            state=OrderState.PENDING,
            created=time,
        )

    def placed_last_minute(self, time: datetime) -> int:
        """Return how many orders were placed in the minute before a market time."""
        while self._placed and self._placed[0] <= time - _MINUTE:
            self._placed.popleft()
        if self._placed and self._placed[0] > time:
            # A clock that was set back must not hold up orders until it has caught up.
            self._placed = deque(p for p in self._placed if time - _MINUTE < p <= time)
        return len(self._placed)

    def committed_quote(self, *, last: Decimal, fee_rate: Decimal) -> Decimal:
        """Return what the live buys still bind, fee included, quote currency."""
        funds = (
            (last if order.price is None else order.price) * order.remaining
            for order in self._orders.values()
            if order.side is Side.BUY
        )
        return sum(funds, Decimal(0)) * (1 + fee_rate)

    def open_volume(self, side: Side) -> Decimal:
        """Return what the live orders of a side may still execute, base currency."""
        volumes = (order.remaining for order in self._orders.values() if order.side is side)
        return sum(volumes, Decimal(0))
