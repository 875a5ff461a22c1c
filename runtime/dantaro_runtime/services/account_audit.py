"""What rests and lies in the account against the books of one bot.

Orders of others are left alone; orders under the bot's own ids must be in its books; an order that
ended in the books and turns up after all is cancelled, or its executions are taken.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

from dantaro_crds.errors import SafetyError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.ledger import explain_shortage
from dantaro_runtime.core.orders import OrderState, id_prefix
from dantaro_runtime.core.strategies.protocol import Level
from dantaro_runtime.core.venue import VenueOrder
from dantaro_runtime.ports import Recalled, Store, Venue
from dantaro_runtime.services.live_exchange import LATE_SECONDS, LiveExchange
from dantaro_runtime.services.trading import Trading

__all__ = ["AccountAudit", "Teller"]


class Teller(Protocol):
    """Tells people something."""

    def __call__(self, reason: str, message: str, level: Level = Level.WARNING) -> None:
        """Tell a sentence under a PascalCase reason."""
        ...


_LAG_SECONDS = 2.0
"""So long an account may lag behind its orders."""


class AccountAudit:
    """Compares the account with the books.

    Args:
        desk: Decisions and books.
        trading: Desk against the venue.
        venue: The venue.
        orders: Order truth on it.
        store: The bot's records.
        clock: Waiting.
        symbol: The market.
        bot_uid: Uid of the bot.
        tell: Tells people.
    """

    def __init__(
        self,
        *,
        desk: Desk[Any],
        trading: Trading[Any],
        venue: Venue,
        orders: LiveExchange,
        store: Store[Any],
        clock: Clock,
        symbol: str,
        bot_uid: str,
        tell: Teller,
    ) -> None:
        self._desk = desk
        self._trading = trading
        self._venue = venue
        self._orders = orders
        self._store = store
        self._clock = clock
        self._symbol = symbol
        self._prefix = id_prefix(bot_uid)
        self._tell = tell
        self._foreign: frozenset[str] = frozenset()
        self._has_recalled = False
        self._leaving: set[str] = set()
        """Late orders that were asked to end: until then others are refused for what they bind."""

    async def look_at_orders(self) -> None:
        """Report the orders of others and leave them alone; ours must be in the books.

        Raises:
            SafetyError: An order under this bot's ids is not in the books: they are older than it.
                Once the bot is in ERROR it is left alone, so that its other orders are cancelled.
        """
        self._trading.flush()
        self._recall_ended()
        resting = await self._venue.fetch_open_orders()
        for order in resting:
            is_live = self._desk.orders.get(order.client_id) is not None
            if is_live or not order.client_id.startswith(self._prefix):
                continue
            if self._store.recall(order.client_id) is not None:
                self._orders.give_up(order.client_id)
            elif self._desk.desk.engine is not EngineState.ERROR:
                raise SafetyError(
                    f"order {order.client_id} rests at the venue under this bot's ids and is not "
                    "in its books: the store is older than the orders; cancel it by hand, then "
                    "reset the bot",
                    code="UnknownOwnOrder",
                )
        await self._look_at_late()
        foreign = frozenset(o.venue_id for o in resting if not o.client_id.startswith(self._prefix))
        if foreign != self._foreign:
            self._foreign = foreign
            if foreign:
                words = f"{len(foreign)} orders of others rest on {self._symbol} in this account"
                self._tell("ForeignOrders", f"{words}: they are left alone")

    async def look_at_balance(self, take_changes: Callable[[], Awaitable[None]]) -> None:
        """Compare the account with the books; entries stop while it holds less than they say."""
        short = await self._shortage()
        if short:
            # A fill between two reads looks like coin or money that is missing.
            await self._clock.sleep(_LAG_SECONDS)
            await take_changes()
            short = await self._shortage()
        if short and not self._desk.lock:
            self._tell("AccountShort", short, Level.ERROR)
        self._desk.set_lock(short)

    # Inside

    def _recall_ended(self) -> None:
        """Look once, after a start, for what ended just before it and might turn up late."""
        if self._has_recalled or self._desk.time is None:
            return
        self._has_recalled = True
        since = self._desk.time - timedelta(seconds=LATE_SECONDS)
        for client_id in self._store.ended_since(since, market=self._symbol):
            self._orders.give_up(client_id)

    async def _look_at_late(self) -> None:
        """Cancel orders that ended in the books and rest all the same; take what others executed.

        Raises:
            SafetyError: One was executed that the strategy cannot place any more.
        """
        for found in await self._orders.fetch_late():
            name = found.client_id
            if found.state is OrderState.OPEN:
                await self._venue.cancel(name)
                if name not in self._leaving:
                    self._leaving.add(name)
                    self._tell("LateOrder", f"order {name} rests though it had ended: cancelled")
                continue
            if name in self._leaving:
                self._leaving.remove(name)
                self._desk.forgive()
            # Only this one, and only now: until then any failure makes it be looked for again.
            self._orders.forget(name)
            known = self._store.recall(name)
            if known is not None and found.filled_volume > known.order.filled_volume:
                await self._take_late(found, known)

    async def _take_late(self, found: VenueOrder, known: Recalled) -> None:
        name, volume = found.client_id, found.filled_volume
        cycle, before = known.order.cycle, self._desk.desk.market_since
        # One of a later cycle is the purchase of a cycle that is planned again, since it was lost.
        if cycle <= before or cycle < self._desk.strategy.cycle(self._desk.state):
            raise SafetyError(
                f"order {name} of a cycle that is over has executed {volume} after it ended in the "
                "books: look at the account, then reset the bot",
                code="LateFill",
            )
        self._desk.revive(known.order)
        self._trading.explain(self._orders.revive(found, known.trades))
        await self._trading.take_fills()
        self._desk.forgive()
        message = f"order {name} was executed after it had ended: {volume} are in the books"
        self._tell("LateOrder", message)

    async def _shortage(self) -> str:
        desk = self._desk
        assert desk.last is not None
        return explain_shortage(
            desk.desk.ledger,
            await self._venue.fetch_account(),
            unit=Decimal(1).scaleb(-desk.rules.quote_places),
            last=desk.last,
            symbol=self._symbol,
        )
