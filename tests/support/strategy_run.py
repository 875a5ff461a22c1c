"""Runs of a strategy: against a venue that a test moves by hand, and against the paper market."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

from dantaro_crds.venues import VenueRules, rules_for
from dantaro_crds.wire.bundle import Analysis, Candle
from dantaro_runtime.core.orders import (
    Fill,
    Intent,
    Order,
    OrderState,
    Side,
    client_order_id,
)
from dantaro_runtime.core.paper import (
    CandleWalk,
    Fills,
    Opened,
    PaperFill,
    PaperMarket,
    PaperOrder,
    PaperState,
    TriggerFired,
    WalkEvent,
)
from dantaro_runtime.core.reconcile import compare
from dantaro_runtime.core.strategies.protocol import Context, Note, Step, Strategy, Wanted

__all__ = ["START", "HandRun", "PaperStrategyRun"]

S = TypeVar("S")

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Market time of the first open."""


@dataclass
class HandRun(Generic[S]):
    """A strategy and a venue that does only what the test says; the books are checked each time.

    Attributes:
        strategy: What is run.
        money: Money put in, quote currency.
        last: Last price.
        analysis: Newest analysis.
        has_slow_cancels: Whether a cancel is only asked for, until the test ends the order.
    """

    strategy: Strategy[S]
    money: Decimal
    last: Decimal
    analysis: Analysis | None = None
    has_slow_cancels: bool = False
    slippage_ticks: int = 0
    uid: str = "bot-1"
    rules: VenueRules = field(default_factory=lambda: rules_for("paper", "KRW-ABC"))
    time: datetime = START
    entries_allowed: bool = True
    budget: Decimal | None = None
    quote: Decimal = Decimal(0)
    base: Decimal = Decimal(0)
    orders: dict[str, Order] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    attempts: dict[tuple[int, str], int] = field(default_factory=dict)
    cancelling: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.quote = self.money
        self.state = self.strategy.initial()

    # What the test does

    def open(self, *, after: timedelta = timedelta(0), last: str | None = None) -> None:
        """Let time pass, set the last price, and let the strategy decide."""
        self.time += after
        self.last = self.last if last is None else Decimal(last)
        self.take(self.strategy.on_open(self.state, self.context()))
        self.settle()

    def fill(self, slot: str, volume: str | None = None, price: str | None = None) -> Order:
        """Fill the live order of a slot, in full unless a volume is given, at its limit."""
        order = self.order(slot)
        amount = order.remaining if volume is None else Decimal(volume)
        at = order.price if price is None else Decimal(price)
        assert at is not None
        fee = amount * at * self.rules.fee_rate
        return self.execute(order, volume=amount, price=at, fee=fee, maker=True)

    def execute(
        self, order: Order, *, volume: Decimal, price: Decimal, fee: Decimal, maker: bool
    ) -> Order:
        """Book an execution, tell the strategy and do what it then wants."""
        order = replace(
            order,
            filled_volume=order.filled_volume + volume,
            filled_funds=order.filled_funds + volume * price,
            fee=order.fee + fee,
        )
        is_done = order.remaining == 0
        order = replace(order, state=OrderState.DONE if is_done else OrderState.OPEN)
        self._put(order)
        fill = Fill(
            trade_id=str(len(self.fills) + 1),
            client_id=order.client_id,
            time=self.time,
            side=order.side,
            price=price,
            volume=volume,
            fee=fee,
            maker=maker,
        )
        self.fills.append(fill)
        sign = 1 if order.side is Side.BUY else -1
        self.quote -= sign * fill.funds + fee
        self.base += sign * volume
        self.take(self.strategy.on_fill(self.state, order, fill, self.context()))
        self.settle()
        return order

    def end(self, slot: str, state: OrderState = OrderState.CANCELLED) -> None:
        """End the live order of a slot before it is filled in full."""
        self._end(self.order(slot), state)
        self.settle()

    def fire(self, name: str, last: str) -> None:
        """Fire a trigger at a price."""
        self.last = Decimal(last)
        self.take(self.strategy.on_trigger(self.state, name, self.context()))
        self.settle()

    def flatten(self) -> None:
        """Order the sale of everything."""
        self.take(self.strategy.on_flatten(self.state, self.context()))
        self.settle()

    def reset(self) -> None:
        """Reset as a person does."""
        self.take(self.strategy.on_reset(self.state, self.context()))
        self.settle()

    # What it sees

    def order(self, slot: str) -> Order:
        """Return the live order of a slot."""
        return next(order for order in self.orders.values() if order.slot == slot)

    @property
    def slots(self) -> list[str]:
        """Return the slots with a live order, in the order of placing."""
        return [order.slot for order in self.orders.values()]

    @property
    def reasons(self) -> list[str]:
        """Return the reasons of all notes."""
        return [note.reason for note in self.notes]

    @property
    def phase(self) -> str:
        """Return the strategy's phase."""
        return self.strategy.phase(self.state)

    @property
    def wanted(self) -> Wanted:
        """Return what the strategy wants now."""
        return self.strategy.wanted(self.state, self.context())

    def context(self) -> Context:
        """Return what the strategy may look at."""
        return Context(
            bot_uid=self.uid,
            time=self.time,
            last=self.last,
            rules=self.rules,
            slippage_ticks=self.slippage_ticks,
            budget=self.money if self.budget is None else self.budget,
            quote=self.quote,
            base=self.base,
            entries_allowed=self.entries_allowed,
            analysis=self.analysis,
            live_orders=len(self.orders),
        )

    # How it works

    def take(self, step: Step[S]) -> None:
        """Take a step and check that the books add up to the last digit."""
        self.state = step.state
        self.notes += step.notes
        book = self.strategy.book(self.state)
        assert self.quote + book.cost == self.money + book.realized
        assert self.base >= 0
        assert self.quote >= 0

    def settle(self) -> None:
        """Cancel and place until the venue has what the strategy wants."""
        for _ in range(200):
            gap = compare(
                self.wanted.orders,
                tuple(self.orders.values()),
                cycle=self.strategy.cycle(self.state),
                cancelling=self.cancelling,
            )
            if gap.cancels:
                self._cancel(gap.cancels[0])
            elif gap.places and not self.cancelling:
                self._place(gap.places[0])
            else:
                return
        raise AssertionError(f"never settles: {self.wanted.orders}")

    def _cancel(self, order: Order) -> None:
        if self.has_slow_cancels:
            self.cancelling.add(order.client_id)
        else:
            self._end(order, OrderState.CANCELLED)

    def _end(self, order: Order, state: OrderState) -> None:
        order = replace(order, state=state)
        self._put(order)
        self.take(self.strategy.on_end(self.state, order, self.context()))

    def _place(self, intent: Intent) -> None:
        self._put(replace(self._number(intent), state=OrderState.OPEN))

    def _number(self, intent: Intent) -> Order:
        cycle = self.strategy.cycle(self.state)
        attempt = self.attempts.get((cycle, intent.slot), 0) + 1
        self.attempts[cycle, intent.slot] = attempt
        return Order(
            client_id=client_order_id(self.uid, cycle=cycle, slot=intent.slot, attempt=attempt),
            cycle=cycle,
            slot=intent.slot,
            attempt=attempt,
            side=intent.side,
            price=intent.price,
            volume=intent.volume,
            entry=intent.entry,
            state=OrderState.PENDING,
            created=self.time,
        )

    def _put(self, order: Order) -> None:
        if order.state.is_live:
            self.orders[order.client_id] = order
        else:
            self.orders.pop(order.client_id, None)
            self.cancelling.discard(order.client_id)


class PaperStrategyRun(HandRun[S]):
    """A strategy on the paper market, moved by candles; a bot without store and risk gate.

    Attributes:
        killed_after: Called with the number of each event; True makes everything anew from what a
            store would hold.
        reborn: How the strategy's state is read back.
    """

    killed_after: Callable[[int], bool] = staticmethod(lambda _: False)
    reborn: Callable[[S], S] = staticmethod(lambda state: state)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.market = self._make_market(None)
        self._events = 0

    def walk(self, candles: Iterable[Candle]) -> None:
        """Go through candles in lock-step."""
        for candle in candles:
            walk = CandleWalk(self.market, candle)
            while event := self._next(walk):
                self._react(event)
                self._events += 1
                if self.killed_after(self._events):
                    self.state = self.reborn(self.state)
                    self.market = self._make_market(self.market)
                    walk = CandleWalk(self.market, candle, from_move=walk.move)

    def _next(self, walk: CandleWalk) -> WalkEvent | None:
        self.market.arm(() if self.market.last is None else self.wanted.triggers)
        event = walk.next_event()
        if self.market.time is not None and self.market.last is not None:
            self.time, self.last = self.market.time, self.market.last
        return event

    def _react(self, event: WalkEvent) -> None:
        match event:
            case Fills(fills=fills):
                for fill in fills:
                    self._take_paper(fill)
            case TriggerFired(trigger=trigger):
                self.fire(trigger.name, str(self.last))
            case Opened():
                self.open()
        assert (self.quote, self.base) == (self.market.quote, self.market.base)

    def _take_paper(self, fill: PaperFill) -> None:
        self.execute(
            self.orders[fill.client_id],
            volume=fill.volume,
            price=fill.price,
            fee=fill.fee,
            maker=fill.maker,
        )

    def _place(self, intent: Intent) -> None:
        order = self._number(intent)
        sent = PaperOrder(
            client_id=order.client_id, side=order.side, price=order.price, volume=order.volume
        )
        receipt = self.market.submit(sent, known=False)
        assert receipt.order.state is not PaperState.REFUSED, receipt.order.error
        self._put(replace(order, state=OrderState.OPEN))
        for fill in receipt.fills:
            self._take_paper(fill)

    def _cancel(self, order: Order) -> None:
        assert self.market.cancel(order.client_id) is not None
        super()._cancel(order)

    def _make_market(self, old: PaperMarket | None) -> PaperMarket:
        if old is None:
            return PaperMarket(
                rules=self.rules,
                slippage_ticks=self.slippage_ticks,
                quote=self.money,
                base=Decimal(0),
                last=None,
                time=None,
            )
        return PaperMarket(
            rules=self.rules,
            slippage_ticks=self.slippage_ticks,
            quote=old.quote,
            base=old.base,
            last=old.last,
            time=old.time,
            orders=old.open_orders,
            next_seq=old.next_seq,
            next_accepted=old.next_accepted,
        )
