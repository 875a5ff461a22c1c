"""The books under a desk: its state, its live orders, and what has to be stored of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from dantaro_crds.errors import SafetyError
from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.core.desk_state import Changes, DeskState
from dantaro_runtime.core.live_orders import LiveOrders
from dantaro_runtime.core.orders import Fill, Intent, Order, OrderState, Side
from dantaro_runtime.core.risk import Look, Trip
from dantaro_runtime.core.strategies.protocol import Level, Note, Step

__all__ = ["DeskBooks"]

_REFUSALS_IN_A_ROW = 2
"""Refusals of one slot after which it is no longer tried: repeating a logic error cannot help. An
exit is tried again after a pause, since it may have to leave whatever it costs."""

_PAUSE = timedelta(minutes=1)
"""First pause before a refused exit is tried again; each one after it is twice as long."""

_LONGEST_PAUSE = timedelta(hours=1)


class DeskBooks:
    """Keeps state and orders, and collects every change of them.

    Args:
        desk: What is remembered beside the strategy's state and the orders.
        orders: Orders that exist or may exist at the venue.
    """

    def __init__(self, *, desk: DeskState, orders: LiveOrders) -> None:
        self.desk = desk
        self.orders = orders
        self._changes = Changes()
        self._settled = False
        self._time: datetime | None = None
        self._paused: dict[str, tuple[datetime, timedelta]] = {}
        """When an exit was last refused, and for how long it pauses, by slot."""

    budget = Decimal("Infinity")
    """Configured budget: new plans use no more, also while a cut is not free yet."""

    freed = Decimal(0)
    """What sales brought in since the budget was cut, quote currency."""

    @property
    def withheld(self) -> Decimal:
        """Return the money that leaves as soon as it may: it buys nothing any more."""
        return min(self.freed, max(self.desk.ledger.contributed - self.budget, Decimal(0)))

    def withhold(self, fill: Fill) -> None:
        """Take that a fill sets money free while the budget is cut."""
        is_cut = self.budget < self.desk.ledger.contributed
        if fill.side is Side.SELL and is_cut:
            self.freed += fill.funds - fill.fee

    @property
    def time(self) -> datetime | None:
        """Return the market time; None before the first price."""
        return self._time

    @property
    def pending(self) -> Changes:
        """Return what has to be stored, without taking it."""
        return self._changes

    def collect_changes(self) -> Changes:
        """Return what changed since the last call and start afresh."""
        changes, self._changes = self._changes, Changes()
        return changes

    def note(self, reason: str, message: str, *, level: Level = Level.INFO) -> None:
        """Record something for people."""
        self.record(Note(reason=reason, message=message, level=level))

    def record(self, note: Note) -> None:
        """Record a note at the present market time."""
        if self._time is not None:
            self._changes.notes.append((self._time, note))

    def record_step(self, step: Step[Any]) -> None:
        """Record what a strategy saw and decided, at the present market time."""
        if step.signal is not None and self._time is not None:
            self._changes.signals.append((self._time, step.signal))
        for note in step.notes:
            self.record(note)
            self._set(last_decision=note.message)

    def take_look(self, look: Look, *, needs_peak: bool) -> bool:
        """Take what a look at the limits led to; return whether one latched just now."""
        if needs_peak and look.risk.peak > self.desk.risk.peak:
            # A new peak can never be computed again: it must not wait for the next fill.
            self._changes.urgent = True
        if look.risk is not self.desk.risk:
            self._set(risk=look.risk)
        for note in look.notes:
            self.record(note)
        return look.has_tripped

    def set_engine(self, engine: EngineState, error: str = "") -> None:
        """Move the engine's state; `error` says why it is ERROR."""
        if (self.desk.engine, self.desk.error) != (engine, error):
            self.note(
                f"Engine{engine.title()}",
                error or f"the engine is {engine}",
                level=(Level.ERROR if engine is EngineState.ERROR else Level.WARNING),
            )
            self._set(engine=engine, error=error)
            self._changes.urgent = True
            self._settled = False

    def latch(self, reason: str, message: str) -> None:
        """Keep what only a person's reset clears, unless something is latched already."""
        if self.desk.risk.trip is None:
            trip = Trip(reason=reason, message=message, since=self._time)
            self._set(risk=replace(self.desk.risk, trip=trip, told=self._time))
            self._changes.urgent = True
            self.note(reason, message, level=Level.ERROR)

    def revive(self, order: Order) -> None:
        """Take that an order that ended in the books exists at the venue after all."""
        self._put(replace(order, state=OrderState.OPEN, error=""))

    def doubt_end(self, client_id: str) -> None:
        """Take that an order may rest though it was asked to end: it is asked again."""
        if self.orders.ending.pop(client_id, None) is not None:
            self._settled = False

    def forgive(self) -> None:
        """Try again what was refused: what it was refused for is gone."""
        self._set(refusals=())
        self._paused.clear()
        self._settled = False

    def bar(self, until: datetime) -> None:
        """Keep that the venue wants no calls before a moment."""
        self._set(barred_until=until)
        self._changes.urgent = True

    def _known(self, client_id: str) -> Order:
        order = self.orders.get(client_id)
        if order is None:
            raise SafetyError(f"an event of an order that is not open: {client_id}")
        return order

    def _count_refusal(self, order: Order, error: str) -> None:
        refusals = dict(self.desk.refusals)
        refusals[order.slot] = refusals.get(order.slot, 0) + 1
        is_rejected = order.state is OrderState.REJECTED
        rejected = self.desk.rejected + is_rejected
        self._set(refusals=tuple(sorted(refusals.items())), rejected=rejected)
        if not order.entry and self._time is not None:
            doubled = _PAUSE * 2 ** min(max(refusals[order.slot] - _REFUSALS_IN_A_ROW, 0), 10)
            # What a person cancels again and again stays cancelled.
            pause = min(doubled, _LONGEST_PAUSE) if is_rejected else timedelta.max
            self._paused[order.slot] = (self._time, pause)
        reason = "OrderRejected" if is_rejected else "OrderCancelled"
        self.note(reason, f"{order.client_id}: {error}", level=Level.WARNING)

    def _may_try(self, intent: Intent) -> bool:
        if dict(self.desk.refusals).get(intent.slot, 0) < _REFUSALS_IN_A_ROW:
            return True
        if intent.entry or self._time is None:
            return False
        since, pause = self._paused.get(intent.slot, (self._time, timedelta(0)))
        return not timedelta(0) <= self._time - since < pause

    def _put(self, order: Order) -> None:
        self._changes.orders[order.client_id] = order
        self._settled = False
        if order.state is OrderState.DONE:
            self._paused.pop(order.slot, None)
        self.orders.put(order)

    def _set(self, **fields: Any) -> None:
        self.desk = replace(self.desk, **fields)
        self._changes.dirty = True
