"""The trading desk of one bot: strategy state, books and live orders, moved by events.

A `Desk` is a state machine without I/O. A service tells it what happened at the venue and in the
market, asks it for the next action, and stores the changes that it has collected. The same desk
trades live, on paper and in a back-test.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.venues import VenueRules
from dantaro_crds.wire.bot_status import EngineState
from dantaro_crds.wire.bundle import Analysis
from dantaro_runtime.core.desk_books import DeskBooks
from dantaro_runtime.core.desk_state import Cancel, DeskState, Place
from dantaro_runtime.core.ledger import apply_fill, explain_imbalance
from dantaro_runtime.core.live_orders import LiveOrders
from dantaro_runtime.core.order_guard import Exposure, OrderGate
from dantaro_runtime.core.orders import Fill, Intent, Order, OrderState, Side, Trigger
from dantaro_runtime.core.permit import Permit, Wishes, decide_permit, next_engine_state
from dantaro_runtime.core.reconcile import Balance, compare, without_new_entries
from dantaro_runtime.core.risk import (
    clear,
    has_day_changed,
    look_at_limits,
    may_enter,
    roll_day,
    with_flow,
)
from dantaro_runtime.core.strategies.protocol import Book, Context, Level, Step, Strategy, Wanted

__all__ = ["ANALYSIS_PERIODS", "Desk"]

S = TypeVar("S")

ANALYSIS_PERIODS = timedelta(minutes=15)
"""Age at which an analysis is stale: three times central's period of five minutes."""


class Desk(DeskBooks, Generic[S]):
    """One bot's decisions and books; see the module's text.

    Args:
        strategy: What to trade by.
        state: Strategy's state.
        desk: The rest of what is remembered.
        orders: Orders that exist or may exist at the venue.
        bot_uid: Uid of the bot.
        rules: Venue's rules for the market.
        limits: Risk limits.
        slippage_ticks: Ticks above the last price that a first buy may cost.
    """

    def __init__(
        self,
        *,
        strategy: Strategy[S],
        state: S,
        desk: DeskState,
        orders: LiveOrders,
        bot_uid: str,
        rules: VenueRules,
        limits: RiskLimits,
        slippage_ticks: int,
    ) -> None:
        super().__init__(desk=desk, orders=orders)
        self.strategy = strategy
        self.state = state
        self.rules = rules
        self._wishes = Wishes()
        self._permit = Permit.NOTHING
        self._may_begin = True
        self._uid = bot_uid
        self._slippage_ticks = slippage_ticks
        self.gate = OrderGate(limits=limits, rules=rules)
        self._last: Decimal | None = None
        self._analysis: Analysis | None = None
        self._booked: tuple[S, Book] | None = None
        self._seen: tuple[tuple[object, ...], Context] | None = None
        self.is_price_fresh: Callable[[], bool] = lambda: True
        """Whether entries may be placed by the last price; exits and cancels always may."""

    # What it knows

    @property
    def last(self) -> Decimal | None:
        """Return the last price; None before the first."""
        return self._last

    @property
    def analysis(self) -> Analysis | None:
        """Return the analysis in use, stale or not."""
        return self._analysis

    @property
    def book(self) -> Book:
        """Return the strategy's accounting."""
        if self._booked is None or self._booked[0] is not self.state:
            self._booked = (self.state, self.strategy.book(self.state))
        return self._booked[1]

    def is_analysis_fresh(self) -> bool:
        """Return whether the analysis in use may be acted on."""
        return (
            self._time is not None
            and self._analysis is not None
            and self._time - self._analysis.data_until <= ANALYSIS_PERIODS
        )

    def wanted(self) -> Wanted:
        """Return what should be live and armed now, as far as the permit goes."""
        if self._last is None or self.permit is Permit.NOTHING:
            return Wanted()
        wanted = self.strategy.wanted(self.state, self._context())
        if self.permit is not Permit.EXITS_ONLY:
            return wanted
        return replace(wanted, orders=tuple(o for o in wanted.orders if not o.entry))

    def triggers(self) -> tuple[Trigger, ...]:
        """Return the triggers to arm, in order."""
        return self.wanted().triggers

    def has_book_balance(self) -> str:
        """Return what does not add up in the books; empty if all is well."""
        return explain_imbalance(self.desk.ledger, self.book)

    def exposure(self) -> Exposure:
        """Return what is owned and committed."""
        last = self._last or Decimal(0)
        return Exposure(
            ledger=self.desk.ledger,
            last=last,
            open_buys=self.orders.committed_quote(last=last, fee_rate=self.rules.fee_rate),
            open_buy_volume=self.orders.open_volume(Side.BUY),
            open_sells=self.orders.open_volume(Side.SELL),
            cost=self.book.cost,
            placed_last_minute=self.orders.placed_last_minute(self._time) if self._time else 0,
            orders_per_minute=self.orders_per_minute,
            permit=self.permit,
            withheld=self.withheld,
        )

    orders_per_minute: int = 60
    """Default rate limit; the larger of 60 and twice the grids."""

    lock = ""
    """Why nothing new may be risked, whatever the limits say; empty while nothing speaks so."""

    # What happened

    def set_market(self, *, time: datetime, last: Decimal, analysis: Analysis | None) -> None:
        """Take market time, last price and the newest analysis that may be used at that time."""
        self._time = time
        self._last = last
        self._analysis = analysis
        self._seen = None
        self.look_at_engine()

    def set_rules(self, rules: VenueRules, *, may_begin: bool) -> None:
        """Take what the venue asks of orders from now on, and whether new cycles may begin."""
        self.rules = self.gate.rules = rules
        self._may_begin = may_begin
        self._seen = None

    def start_day(self, time: datetime, mark: Decimal | None) -> None:
        """Start a trading day if `time` lies in a new one; `mark` is the last price before it."""
        ledger = self.desk.ledger
        if not has_day_changed(self.desk.risk, time) or (mark is None and ledger.base):
            # Coin of unknown worth never counts as zero: the day stays unknown.
            return
        equity = ledger.equity(mark) if mark is not None else ledger.quote
        risk = roll_day(self.desk.risk, time=time, equity=equity, realized=self.book.realized)
        self._set(risk=risk)

    def open_candle(self, time: datetime) -> None:
        """Take the open of a candle: look at the limits, then let the strategy decide."""
        assert self._last is not None
        has_tripped = self._look_at_limits(self._last)
        self._set(opened=time)
        self.look_at_engine()
        if has_tripped and self.gate.limits.flatten_on_trip:
            self._take(self.strategy.on_flatten(self.state, self._context()))
        if self.permit is not Permit.NOTHING:
            self._take(self.strategy.on_open(self.state, self._context()))

    def take_fill(self, mark: str, fill: Fill) -> None:
        """Take one execution; `mark` is the venue's mark of it, stored with it."""
        known = self._known(fill.client_id)
        order = replace(
            known,
            filled_volume=known.filled_volume + fill.volume,
            filled_funds=known.filled_funds + fill.funds,
            fee=known.fee + fill.fee,
        )
        done = order.remaining <= 0
        order = replace(order, state=OrderState.DONE if done else OrderState.OPEN)
        self._put(order)
        self._changes.fills.append(fill)
        self.withhold(fill)
        self._set(
            ledger=apply_fill(self.desk.ledger, fill),
            applied=mark,
            last_trade=fill.time,
            filled=self.desk.filled + done,
            refusals=tuple((s, n) for s, n in self.desk.refusals if s != order.slot),
        )
        self._take(self.strategy.on_fill(self.state, order, fill, self._context()))
        final = self.orders.ending.get(order.client_id)
        if not done and final is not None and order.filled_volume >= final:
            self.end_order(order.client_id, OrderState.CANCELLED)

    def fire(self, trigger: Trigger) -> None:
        """Take a trigger that fired."""
        self._take(self.strategy.on_trigger(self.state, trigger.name, self._context()))

    def accept(self, client_id: str) -> None:
        """Take the venue's word that a PENDING order exists."""
        self._put(replace(self._known(client_id), state=OrderState.OPEN))

    def end_order(self, client_id: str, state: OrderState, error: str = "") -> None:
        """Take an end without a full fill: CANCELLED (`error` if not asked for) or REJECTED."""
        order = replace(self._known(client_id), state=state, error=error)
        self._put(order)
        if error or state is OrderState.REJECTED:
            self._count_refusal(order, error)
        self._take(self.strategy.on_end(self.state, order, self._context()))

    def await_fills(self, client_id: str, final_volume: Decimal) -> None:
        """Take that an order ended with fills, up to `final_volume`, that were not taken yet."""
        self.orders.ending[client_id] = final_volume

    def contribute(self, amount: Decimal) -> None:
        """Take the venue's word that `amount` is the money put in from now on."""
        ledger = self.desk.ledger
        delta = amount - ledger.contributed
        if not delta:
            return
        equity = ledger.equity(self._last) if self._last is not None else ledger.quote
        self.freed = max(self.freed + min(delta, Decimal(0)), Decimal(0))
        risk = self.desk.risk
        if risk.day is not None:
            risk = with_flow(risk, amount=delta, equity=equity)
        self._set(ledger=ledger.with_contribution(amount), risk=risk)

    def reset(self, mark: str) -> None:
        """Take a person's reset: leave ERROR, clear the latches, let the strategy start again."""
        self._set(last_reset=mark)
        self.forgive()
        self.note("Reset", f"a person reset the bot: {mark}", level=Level.WARNING)
        self._changes.urgent = True
        self.gate.forget()
        self.set_engine(EngineState.IDLE)
        if self._last is None or self._time is None:
            return
        equity = self.desk.ledger.equity(self._last)
        self._set(risk=clear(self.desk.risk, time=self._time, equity=equity))
        # The day's loss stays: its limit trips again before an entry can leave.
        self._look_at_limits(self._last)
        self._take(self.strategy.on_reset(self.state, self._context()))
        self.look_at_engine()

    def flatten(self) -> None:
        """Sell everything."""
        if self._last is not None:
            self._take(self.strategy.on_flatten(self.state, self._context()))

    @property
    def permit(self) -> Permit:
        """Return what may stand at the venue now."""
        return self._permit

    def set_wishes(self, wishes: Wishes) -> None:
        """Take what the configuration asks for."""
        self._wishes = wishes
        self.look_at_engine()

    def set_lock(self, why: str) -> None:
        """Stop entries, or let them go on when nothing speaks against it any more."""
        self.lock = why
        self.look_at_engine()

    def look_at_engine(self) -> None:
        """Move the engine's state and the permit to where wishes, limits and orders put them."""
        engine = next_engine_state(self.desk.engine, self._wishes, live_orders=len(self.orders))
        if engine is not self.desk.engine:
            self.set_engine(engine)
        permit = decide_permit(
            self._wishes,
            engine=engine,
            tripped=self.desk.risk.trip is not None or bool(self.lock),
            may_enter=self._time is not None
            and self.is_analysis_fresh()
            and may_enter(self.desk.risk, self.gate.limits, self._time),
        )
        if permit is not self._permit:
            self._permit = permit
            self._settled = False

    # What to do

    def next_action(self) -> Place | Cancel | None:
        """Return the next call to the venue, or None when nothing is left to do.

        A returned `Place` is in the books as PENDING and in the changes: store them before sending.
        """
        if self._last is None or (self._settled and not self.gate.holds_back):
            return None
        wanted = self.gate.clamp(self.wanted().orders, last=self._last)
        may_place, is_fresh = wanted, self.is_price_fresh()
        if self.permit is Permit.KEEP_ENTRIES or not is_fresh:
            may_place = without_new_entries(wanted, self.orders)
        gap = compare(
            may_place,
            tuple(self.orders),
            cycle=self.strategy.cycle(self.state),
            cancelling=self.orders.ending,
            balance=Balance(
                quote=self.desk.ledger.quote,
                base=self.desk.ledger.base,
                last=self._last,
                fee_rate=self.rules.fee_rate,
            ),
        )
        if gap.cancels:
            return Cancel(order=gap.cancels[0])
        # What waits for money is shown to the guard too: it tells why.
        missing = (*gap.places, *gap.waits)
        for intent in missing:
            if self._may_try(intent) and self._is_let_through(intent):
                return Place(order=self._book_intent(intent))
        if wanted:
            # While nothing is wanted, what was refused before is still the reason.
            self.gate.keep({intent.slot for intent in missing})
        self._settled = is_fresh and not self._paused
        return None

    # Inside

    def _look_at_limits(self, last: Decimal) -> bool:
        assert self._time is not None
        look = look_at_limits(
            self.desk.risk,
            self.gate.limits,
            accepted=self._wishes.accept_loss,
            time=self._time,
            equity=self.desk.ledger.equity(last),
            realized=self.book.realized,
        )
        return self.take_look(look, needs_peak=self.gate.limits.max_drawdown_percent is not None)

    def _context(self) -> Context:
        # Asked for more often than it changes, as the book above: the last answer is kept.
        key = (self.desk.ledger, self._permit, self.budget, len(self.orders))
        if self._seen is None or self._seen[0] != key:
            self._seen = (key, self._build_context())
        return self._seen[1]

    def _build_context(self) -> Context:
        assert self._time is not None
        assert self._last is not None
        ledger = self.desk.ledger
        return Context(
            bot_uid=self._uid,
            time=self._time,
            last=self._last,
            rules=self.rules,
            slippage_ticks=self._slippage_ticks,
            budget=min(ledger.contributed, self.budget),
            quote=ledger.quote,
            base=ledger.base,
            entries_allowed=self.permit is Permit.ALL and self._may_begin,
            analysis=self._analysis if self.is_analysis_fresh() else None,
            live_orders=len(self.orders),
        )

    def _is_let_through(self, intent: Intent) -> bool:
        passes, message = self.gate.look(intent, self.exposure())
        if message:
            self.note("OrderRefused", message, level=Level.WARNING)
        return passes

    def _book_intent(self, intent: Intent) -> Order:
        assert self._time is not None
        cycle = self.strategy.cycle(self.state)
        order = self.orders.number(intent, cycle=cycle, time=self._time)
        self._put(order)
        return order

    def _take(self, step: Step[S]) -> None:
        if step.state is not self.state and step.state != self.state:
            self.state = step.state
            self._changes.urgent = True
            self._settled = False
        self.record_step(step)
