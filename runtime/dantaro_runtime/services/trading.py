"""One desk against one exchange: carry out what the desk wants, take what the exchange did.

Order of writes, so that a kill anywhere is harmless: the intent is stored, then sent; a fill is
stored with the state that it led to; the position of a paper market is stored before the state that
reacts to it.
"""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Generic, TypeVar

import structlog

from dantaro_crds.errors import SafetyError, TransientError
from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import Cancel, Changes, Place
from dantaro_runtime.core.orders import Order, OrderReport, OrderState
from dantaro_runtime.core.permit import Permit
from dantaro_runtime.ports import CANCEL_UNCONFIRMED, ID_TAKEN, Exchange, Store

__all__ = ["Trading"]

S = TypeVar("S")

_BY_OTHERS = "cancelled at the venue, not by this bot"

_ENTRY_LASTS = timedelta(minutes=1)
"""Age at which an entry that never reached the venue is no longer sent."""

_UNKNOWN = Decimal("Infinity")
"""Final volume of an order whose end is not known: it waits for more fills than there can be."""

_LOG = structlog.get_logger()


class Trading(Generic[S]):
    """Bring the venue to what the desk wants.

    Args:
        desk: Decisions and books.
        exchange: The venue.
        store: The bot's records.
        before_store: Called before a reaction is stored; a paper market stores its position here.
        observe: Called with what was stored; metrics count here.
    """

    def __init__(
        self,
        *,
        desk: Desk[S],
        exchange: Exchange,
        store: Store[S],
        before_store: Callable[[], None],
        observe: Callable[[Changes], None],
    ) -> None:
        self._desk = desk
        self._exchange = exchange
        self._store = store
        self._before_store = before_store
        self._observe = observe

    async def resume(self) -> None:
        """Explain every order of the books by the venue's, after a start. Twice is as once.

        Raises:
            SafetyError: An order that rested is unknown to the venue.
        """
        for order in self._desk.orders:
            if order.state is OrderState.OPEN and self._desk.permit is Permit.NOTHING:
                # It is cancelled next, which reads its end.
                self._desk.doubt_end(order.client_id)
                continue
            with self._ending_if_taken(order):
                report = await self._exchange.find(order.client_id)
            if report is None:
                await self._resend(order)
            else:
                self.explain(report)
        self.flush()

    def explain(self, report: OrderReport, *, asked: bool = True) -> None:
        """Take what the venue says of an order of the books; its fills are taken after that.

        Args:
            report: What it says.
            asked: Whether a cancel may be ours: one that was sent before a kill is not remembered.
        """
        order = self._desk.orders.get(report.client_id)
        if order is None:
            return
        asked = asked or order.client_id in self._desk.orders.ending
        if report.state is OrderState.REJECTED:
            self._desk.end_order(order.client_id, OrderState.REJECTED, report.error)
        elif report.state is OrderState.CANCELLED:
            self._end_cancelled(order, report, error="" if asked else _BY_OTHERS)
        else:
            if report.state is OrderState.OPEN:
                self._desk.doubt_end(order.client_id)
            if order.state is OrderState.PENDING:
                self._desk.accept(order.client_id)

    async def settle(self, *, has_time: Callable[[], bool] = lambda: True) -> None:
        """Act and take fills, one by one, until nothing is left to do.

        Args:
            has_time: Whether to go on; what is left then is done at the next call.

        Raises:
            TransientError: An order was asked to end and nobody says that it has; all else is done.
        """
        late: TransientError | None = None
        while has_time():
            action = self._desk.next_action()
            if isinstance(action, Place):
                await self._send(action.order)
            elif isinstance(action, Cancel):
                late = await self._cancel(action.order) or late
            elif not await self._take_fill():
                break
        self._desk.look_at_engine()
        self.flush()
        if late is not None:
            raise late

    async def take_fills(self) -> None:
        """Take the fills that wait, and act on nothing."""
        while await self._take_fill():
            pass
        self.flush()

    def flush(self, *, everything: bool = False) -> None:
        """Store what must be stored now; with `everything` also what could wait."""
        pending = self._desk.pending
        if pending.is_urgent:
            self._before_store()
        elif not (everything and pending.dirty):
            return
        problem = self._desk.has_book_balance()
        if problem and self._desk.desk.engine is not EngineState.ERROR:
            raise SafetyError(f"the books do not balance: {problem}")
        # Taken once they are stored: a commit that fails must not lose them.
        self._store.commit(pending, strategy=self._desk.state, desk=self._desk.desk)
        changes = self._desk.collect_changes()
        self._observe(changes)
        for _, note in changes.notes:
            _LOG.info("note", reason=note.reason, level=note.level.value, message=note.message)

    async def _take_fill(self) -> bool:
        marked = await self._exchange.fetch_fill(self._desk.desk.applied)
        if marked is None:
            return False
        self._desk.take_fill(marked.mark, marked.fill)
        return True

    @contextlib.contextmanager
    def _ending_if_taken(self, order: Order) -> Iterator[None]:
        """An order whose id another one has was never sent: the bot's own ends."""
        try:
            yield
        except SafetyError as error:
            if error.code == ID_TAKEN:
                end = OrderState.CANCELLED if order.filled_volume else OrderState.REJECTED
                self._desk.end_order(order.client_id, end, error.message)
            raise

    async def _send(self, order: Order) -> None:
        self.flush()
        with self._ending_if_taken(order):
            report = await self._exchange.submit(order)
        if report.state is OrderState.REJECTED:
            self._desk.end_order(order.client_id, OrderState.REJECTED, report.error)
        else:
            self._desk.accept(order.client_id)

    async def _resend(self, order: Order) -> None:
        if order.state is not OrderState.PENDING:
            raise SafetyError(
                f"order {order.client_id} rested at the venue and is unknown there now: look at "
                "the account, then reset the bot"
            )
        assert self._desk.time is not None
        is_old = self._desk.time - order.created > _ENTRY_LASTS
        barred = order.entry and (is_old or self._desk.permit is Permit.EXITS_ONLY)
        if barred or self._desk.permit is Permit.NOTHING:
            self._desk.end_order(order.client_id, OrderState.CANCELLED)
        else:
            await self._send(order)

    async def _cancel(self, order: Order) -> TransientError | None:
        if self._desk.desk.engine is not EngineState.ERROR:
            # In ERROR orders have to go even where nothing can be stored any more.
            self.flush()
        try:
            with self._ending_if_taken(order):
                report = await self._exchange.cancel(order.client_id)
        except TransientError as error:
            # It binds what it may still take; the others and the exits do not wait for it.
            self._desk.await_fills(order.client_id, _UNKNOWN)
            if error.code != CANCEL_UNCONFIRMED:
                raise
            return error
        if report is None:
            self._desk.end_order(order.client_id, OrderState.CANCELLED)
        else:
            self._end_cancelled(order, report)
        return None

    def _end_cancelled(self, order: Order, report: OrderReport, *, error: str = "") -> None:
        if report.state is OrderState.CANCELLED and report.filled_volume == order.filled_volume:
            self._desk.end_order(order.client_id, OrderState.CANCELLED, error)
        else:
            self._desk.await_fills(order.client_id, report.filled_volume)
