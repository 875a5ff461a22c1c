"""A tiny exchange and engine for one grid: fills on command or by price, and checks of the books.

It does what the engine promises a strategy: what is not wanted is cancelled before anything is
placed, each end is reported, and the strategy is asked again after each event. After each event the
state goes through JSON and the grid's invariants are checked.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import TypeAdapter

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_crds.venues import rules_for
from dantaro_runtime.core.orders import Fill, Intent, Order, OrderState, Side, Trigger
from dantaro_runtime.core.strategies.grid import GridStrategy
from dantaro_runtime.core.strategies.grid_cells import cell_intent
from dantaro_runtime.core.strategies.grid_state import (
    TRADING,
    GridPhase,
    GridState,
    held_base,
)
from dantaro_runtime.core.strategies.protocol import Context, Note, Step

__all__ = ["START", "GridExchange", "make_grid"]

START = datetime(2026, 1, 1, tzinfo=UTC)
STATE = TypeAdapter(GridState)
ZERO = Decimal(0)


def make_grid(
    lower: str = "3000", upper: str = "3500", grids: int = 5, **more: object
) -> GridParameters:
    """Return the grid of example A, or another."""
    return GridParameters.model_validate(
        {"lower_price": lower, "upper_price": upper, "grids": grids, **more}
    )


class GridExchange:
    """One account, one grid."""

    def __init__(
        self,
        grid: GridParameters,
        *,
        budget: str = "1000000",
        price: str = "3240",
        slippage_ticks: int = 0,
        is_instant: bool = True,
    ) -> None:
        self.strategy = GridStrategy(grid)
        self.state = self.strategy.initial()
        self.rules = rules_for("paper", "KRW-BTC")
        self.budget = Decimal(budget)
        self.quote = self.budget
        self.base = ZERO
        self.last = Decimal(price)
        self.time = START
        self.slippage_ticks = slippage_ticks
        self.is_instant = is_instant
        self.entries_allowed = True
        self.is_moving = False
        self.late_fill = ""
        self.live: dict[str, Order] = {}
        self.notes: list[Note] = []
        self.attempts = 0

    # Events

    def open(self, price: str | Decimal | None = None, *, seconds: int = 60) -> None:
        """Open a candle, at the last price or after a jump."""
        if price is not None:
            self.jump(price)
        self.time += timedelta(seconds=seconds)
        self._take(self.strategy.on_open(self.state, self.context()))

    @exact
    def jump(self, price: str | Decimal) -> None:
        """Move the last price in one jump: what it goes through fills, then triggers fire."""
        self.last = Decimal(price)
        crossed = [o for o in self.live.values() if _is_crossed(o, self.last)]
        crossed.sort(key=lambda o: (o.price or ZERO) * (1 if o.side is Side.SELL else -1))
        self.is_moving = True
        for order in crossed:
            if order.slot in self.live:
                self._fill(order.slot, self.live[order.slot].remaining, order.price or self.last)
        self.is_moving = False
        self._sync()

    @exact
    def fill(self, slot: str, volume: str | Decimal | None = None) -> None:
        """Fill an order at its limit, in full or in part; the last price is that limit then."""
        order = self.live[slot]
        self.last = order.price or self.last
        part = order.remaining if volume is None else Decimal(volume)
        self._fill(slot, part, order.price or self.last)

    def end(self, slot: str, state: OrderState = OrderState.CANCELLED) -> None:
        """End an order early, as the venue or a person would."""
        self._end(slot, state)
        self._sync()

    def trigger(self, name: str, price: str) -> None:
        """Fire a trigger at a price, without any fill on the way."""
        self.last = Decimal(price)
        self._take(self.strategy.on_trigger(self.state, name, self.context()))

    def reset(self) -> None:
        """Reset as a person would."""
        self._take(self.strategy.on_reset(self.state, self.context()))

    def flatten(self) -> None:
        """Ask for the sale of everything."""
        self._take(self.strategy.on_flatten(self.state, self.context()))

    def change(self, grid: GridParameters) -> None:
        """Give the object new parameters."""
        self.strategy = GridStrategy(grid)

    # Views

    def context(self) -> Context:
        """Return what the strategy may look at."""
        return Context(
            bot_uid="0123456789abcdef",
            time=self.time,
            last=self.last,
            rules=self.rules,
            slippage_ticks=self.slippage_ticks,
            budget=self.budget,
            quote=self.quote,
            base=self.base,
            entries_allowed=self.entries_allowed,
            analysis=None,
            live_orders=len(self.live),
        )

    def prices(self, side: Side) -> list[Decimal]:
        """Return the prices of the live orders of a side, rising."""
        return sorted(o.price for o in self.live.values() if o.side is side and o.price is not None)

    def triggers(self) -> tuple[Trigger, ...]:
        """Return the armed triggers."""
        return self.strategy.wanted(self.state, self.context()).triggers

    @exact
    def equity(self) -> Decimal:
        """Return quote and base at the last price."""
        return self.quote + self.base * self.last

    @exact
    def free(self) -> Decimal:
        """Return the quote that no buy locks."""
        return self.quote - self._locked()

    def reasons(self) -> list[str]:
        """Return the reasons noted so far."""
        return [note.reason for note in self.notes]

    # Engine

    def _take(self, step: Step[GridState]) -> None:
        self.notes.extend(step.notes)
        self.state = STATE.validate_json(STATE.dump_json(step.state))
        assert self.state == step.state
        self._sync()

    @exact
    def _sync(self) -> None:
        for _ in range(10_000):
            if not self._cancel_one() and not self._place_one() and not self._fire_one():
                break
        else:
            raise AssertionError("strategy and exchange do not come to rest")
        self.check()

    def _cancel_one(self) -> bool:
        wanted = {o.slot: o for o in self._wanted()}
        for order in self.live.values():
            intent = wanted.get(order.slot)
            same = intent is not None and (intent.price, intent.volume) == (
                order.price,
                order.volume,
            )
            if same and order.cycle == self.strategy.cycle(self.state):
                continue
            if order.slot == self.late_fill:
                self.late_fill = ""
                self._fill(order.slot, order.remaining, order.price or self.last)
            else:
                self._end(order.slot, OrderState.CANCELLED)
            return True
        return False

    def _place_one(self) -> bool:
        for intent in self._wanted():
            if intent.slot not in self.live and self._is_let_through(intent):
                self._place(intent)
                return True
        return False

    def _is_let_through(self, intent: Intent) -> bool:
        if intent.side is Side.SELL:
            return True
        plan = self.state.plan
        assert plan is not None
        is_paid = (
            intent.volume * (intent.price or self.last) * (1 + self.rules.fee_rate) <= self.free()
        )
        # Below the grid a line costs more than the coin that an interrupted purchase was to buy.
        assert is_paid or plan.entry < plan.lines[0]
        return self.entries_allowed and is_paid

    def _fire_one(self) -> bool:
        for trigger in self.triggers() if not self.is_moving else ():
            if trigger.is_true_at(self.last):
                step = self.strategy.on_trigger(self.state, trigger.name, self.context())
                self.notes.extend(step.notes)
                self.state = step.state
                return True
        return False

    def _wanted(self) -> tuple[Intent, ...]:
        return self.strategy.wanted(self.state, self.context()).orders

    def _place(self, intent: Intent) -> None:
        self.attempts += 1
        assert self.rules.is_volume(intent.volume), intent
        price = self.last if intent.price is None else intent.price
        assert self.rules.ticks.is_on_tick(price) or intent.price is None, intent
        assert price * intent.volume >= self.rules.min_total, intent
        order = Order(
            client_id=f"01234567-{self.strategy.cycle(self.state)}-{intent.slot}-{self.attempts}",
            cycle=self.strategy.cycle(self.state),
            slot=intent.slot,
            attempt=self.attempts,
            side=intent.side,
            price=intent.price,
            volume=intent.volume,
            entry=intent.entry,
            state=OrderState.OPEN,
            created=self.time,
        )
        self.live[intent.slot] = order
        self._check_funds()
        if self.is_instant and _is_marketable(order, self.last):
            self._fill(order.slot, order.volume, self._taker_price(order))

    def _taker_price(self, order: Order) -> Decimal:
        if order.side is Side.BUY:
            taker = self.rules.ticks.above(self.last, self.slippage_ticks)
            return min(taker, order.price or taker)
        taker = self.rules.ticks.below(self.last, self.slippage_ticks)
        return max(taker, order.price or taker)

    def _fill(self, slot: str, volume: Decimal, price: Decimal) -> None:
        order = self.live[slot]
        fee = price * volume * self.rules.fee_rate
        fill = Fill(
            trade_id=str(self.attempts),
            client_id=order.client_id,
            time=self.time,
            side=order.side,
            price=price,
            volume=volume,
            fee=fee,
            maker=True,
        )
        sign = 1 if order.side is Side.BUY else -1
        self.quote -= sign * fill.funds + fee
        self.base += sign * volume
        order = replace(
            order,
            filled_volume=order.filled_volume + volume,
            filled_funds=order.filled_funds + fill.funds,
            fee=order.fee + fee,
        )
        if order.remaining:
            self.live[slot] = order
        else:
            order = replace(order, state=OrderState.DONE)
            del self.live[slot]
        self._take(self.strategy.on_fill(self.state, order, fill, self.context()))

    def _end(self, slot: str, state: OrderState) -> None:
        order = replace(self.live.pop(slot), state=state)
        step = self.strategy.on_end(self.state, order, self.context())
        self.notes.extend(step.notes)
        self.state = step.state

    # Invariants

    def _locked(self) -> Decimal:
        rate = 1 + self.rules.fee_rate
        buys = (o for o in self.live.values() if o.side is Side.BUY)
        return sum((o.remaining * (o.price or self.last) * rate for o in buys), ZERO)

    def _check_funds(self) -> None:
        assert self._locked() <= self.quote
        sells = (o.remaining for o in self.live.values() if o.side is Side.SELL)
        assert sum(sells, ZERO) <= self.base

    def check(self) -> None:
        """Check the invariants of the grid definition, section 8."""
        book = self.strategy.book(self.state)
        assert self.quote + book.cost == self.budget + book.realized
        assert book.grid is not None
        parts = book.grid
        assert book.realized == parts.grid_profit + parts.initial_stock_gain + parts.exit_result
        assert self.quote >= 0
        assert held_base(self.state) == self.base >= 0
        assert all(cell.base >= 0 and cell.cost >= 0 for cell in self.state.cells)
        assert self.state.stock.base >= 0
        assert self.state.stock.cost >= 0
        self._check_funds()
        buys, sells = self.prices(Side.BUY), self.prices(Side.SELL)
        if self.state.phase in TRADING:
            self._check_cells()
            # Not while fills are still being told, nor where takers are left unfilled.
            is_apart = not buys or not sells or buys[-1] < sells[0]
            assert is_apart or "i" in self.live or self.is_moving or not self.is_instant
        elif self.state.phase in {GridPhase.WAITING, GridPhase.STOPPED}:
            assert not self.live

    def _check_cells(self) -> None:
        plan, live = self.state.plan, {slot: o for slot, o in self.live.items() if slot != "i"}
        assert plan is not None
        assert len(self.state.cells) == plan.parameters.grids
        intents = [
            cell_intent(plan, cell, number=number, rules=self.rules)
            for number, cell in enumerate(self.state.cells)
        ]
        assert set(live) <= {i.slot for i in intents if i}
        missing = [i for i in intents if i and i.slot not in live]
        assert not any(self._is_let_through(i) for i in missing)
        offered = sum((o.remaining for o in live.values() if o.side is Side.SELL), ZERO)
        idle = [
            cell.base
            for cell, intent in zip(self.state.cells, intents, strict=True)
            if intent is None or cell.side is Side.BUY
        ]
        assert offered + sum(idle, self.state.stock.base) == self.base


def _is_crossed(order: Order, last: Decimal) -> bool:
    if order.price is None:
        return True
    return last < order.price if order.side is Side.BUY else last > order.price


def _is_marketable(order: Order, last: Decimal) -> bool:
    if order.price is None:
        return True
    return last <= order.price if order.side is Side.BUY else last >= order.price
