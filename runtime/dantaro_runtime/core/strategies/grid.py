"""The grid strategy: cells between two prices, each with one order.

A cell buys at its lower line or sells at its upper line. Here is what events do; wanted orders are
in `grid_orders.py`, steps between phases in `grid_moves.py`, prices and quantities in
`grid_plan.py`, the cells' books in `grid_cells.py`.

Sums and products of money are exact whatever decimal context the caller has: every method that
computes runs in the context of `dantaro_crds.money`.
"""

from dataclasses import replace
from decimal import Decimal

from dantaro_crds.errors import SpecError
from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.grid_bot_funcs import check_grid
from dantaro_crds.v1alpha1.strategies import GridParameters, StopAction
from dantaro_crds.values import decimal_text
from dantaro_runtime.core.orders import Fill, Order, Side
from dantaro_runtime.core.strategies.grid_cells import (
    apply_cell_end,
    apply_cell_fill,
    apply_exit_fill,
    apply_purchase_fill,
    to_stock,
)
from dantaro_runtime.core.strategies.grid_moves import (
    adopt,
    advance,
    begin,
    close,
    look_at_purchase,
    refuse,
    settle_purchase,
    start_shift,
)
from dantaro_runtime.core.strategies.grid_orders import (
    STOP_LOSS,
    TRAILING,
    CellIntents,
    build_wanted,
    exit_orders,
)
from dantaro_runtime.core.strategies.grid_plan import build_plan, check_stops
from dantaro_runtime.core.strategies.grid_state import (
    EXIT,
    PURCHASE,
    TRADING,
    GridPhase,
    GridPlan,
    GridState,
    Refusal,
    held_base,
    held_cost,
)
from dantaro_runtime.core.strategies.protocol import Book, Context, GridBook, Note, Step, Wanted

__all__ = ["GridStrategy"]


class GridStrategy:
    """Trades one grid; see the module's text.

    Args:
        parameters: Of the object, as they are now. The running cycle has its own.
    """

    name = "grid"

    def __init__(self, parameters: GridParameters) -> None:
        self._parameters = parameters
        self._asked: tuple[GridState, tuple[object, ...], Wanted] | None = None
        self._intents = CellIntents()

    def initial(self) -> GridState:
        """Return the state of a bot that has never traded."""
        return GridState()

    @exact
    def on_open(self, state: GridState, context: Context) -> Step[GridState]:
        """Start a cycle, notice a late purchase or new parameters, go on after cancels."""
        plan = state.plan
        if state.phase is GridPhase.WAITING:
            return self._start(state, context)
        if plan is not None and state.phase is GridPhase.BUYING_INITIAL:
            return self._look_at_purchase(state, plan, context)
        if plan is not None and state.phase in TRADING:
            return self._look_at_parameters(state, plan, context)
        if state.phase is GridPhase.REPLANNING and not context.live_orders:
            return self._replan(state, context)
        return advance(state, context)

    @exact
    def on_fill(
        self, state: GridState, order: Order, fill: Fill, context: Context
    ) -> Step[GridState]:
        """Book one fill; a complete order calls for its counter-order."""
        if order.slot == PURCHASE:
            state = apply_purchase_fill(state, order, fill)
            if not order.state.is_live and state.plan is not None:
                state = settle_purchase(state, state.plan, context).state
        elif order.slot == EXIT:
            state = apply_exit_fill(state, order, fill)
        else:
            state = apply_cell_fill(state, order, fill)
        if state.phase is GridPhase.STOPPED and not state.keeps_base:
            # A late fill left coin behind: it follows the rest, if it is worth an order.
            state = replace(state, phase=GridPhase.CLOSING)
        return advance(state, context)

    @exact
    def on_end(self, state: GridState, order: Order, context: Context) -> Step[GridState]:
        """Keep what an early end executed: as a counter-order if large enough, else in its cell."""
        notes: tuple[Note, ...] = ()
        if order.slot == EXIT:
            state = replace(state, exit_order=Decimal(0))
        elif order.slot != PURCHASE:
            state = apply_cell_end(state, order, context.rules)
        elif state.plan is not None:
            settled = settle_purchase(state, state.plan, context)
            state, notes = settled.state, settled.notes
        step = advance(state, context)
        return Step(state=step.state, notes=(*notes, *step.notes))

    @exact
    def on_trigger(self, state: GridState, name: str, context: Context) -> Step[GridState]:
        """Close at a stop, or move up."""
        plan = state.plan
        if plan is None or state.phase not in {GridPhase.BUYING_INITIAL, *TRADING}:
            return Step(state=state)
        if name == TRAILING:
            return start_shift(state, plan, context)
        price = decimal_text(context.last)
        if name == STOP_LOSS:
            keeps = plan.parameters.stop_action is StopAction.KEEP
            reason = f"the stop loss was reached at {price}"
            return close(state, context, reason=reason, keeps_base=keeps)
        reason = f"the take profit was reached at {price}"
        return close(state, context, reason=reason, keeps_base=False)

    @exact
    def on_reset(self, state: GridState, _: Context) -> Step[GridState]:
        """Let a stopped grid start a new cycle at the next open; let a running one trail again."""
        state = replace(state, trailing_end="", refusal=None)
        if state.phase is not GridPhase.STOPPED:
            return Step(state=state)
        state = replace(to_stock(state), phase=GridPhase.WAITING, plan=None)
        return Step(state=replace(state, keeps_base=False, stop_reason=""))

    @exact
    def on_flatten(self, state: GridState, context: Context) -> Step[GridState]:
        """Sell everything and stop; twice is as once, unless what is left became worth an order."""
        is_sold = state.phase is GridPhase.STOPPED and not exit_orders(state, context)
        if (state.phase is GridPhase.CLOSING or is_sold) and not state.keeps_base:
            return advance(state, context)
        return close(state, context, reason="everything was to be sold", keeps_base=False)

    def wanted(self, state: GridState, context: Context) -> Wanted:
        """Return the orders from the price outward, the sell first, and the armed triggers.

        A partly filled order is wanted with its full volume until it ends.
        """
        # Asked several times for each state: the last answer is kept, with all it depends on.
        is_closing = state.phase is GridPhase.CLOSING
        key = (context.rules, context.entries_allowed, context.last if is_closing else None)
        if self._asked is None or self._asked[0] is not state or self._asked[1] != key:
            self._asked = (state, key, build_wanted(state, context, self._intents))
        return self._asked[2]

    def leave(self, state: GridState) -> GridState | None:
        """Return a fresh state before the first cycle; later its prices bind a grid for good."""
        return None if state.cycle else self.initial()

    def cycle(self, state: GridState) -> int:
        """Return the number of the present cycle, from 1; 0 before the first."""
        return state.cycle

    def phase(self, state: GridState) -> str:
        """Return the phase for people."""
        return state.phase.value

    @exact
    def book(self, state: GridState) -> Book:
        """Return the accounting: cost per cell, profit in its three parts."""
        return Book(
            cost=held_cost(state),
            realized=state.grid_profit + state.initial_stock_gain + state.exit_result,
            grid=GridBook(
                grid_profit=state.grid_profit,
                initial_stock_gain=state.initial_stock_gain,
                exit_result=state.exit_result,
            ),
        )

    def is_stopped(self, state: GridState) -> bool:
        """Return whether only a reset can make it trade again."""
        return state.phase is GridPhase.STOPPED

    def message(self, state: GridState) -> str:
        """Return why it does not trade as asked, or that the price is outside the grid."""
        match state.phase:
            case GridPhase.WAITING | GridPhase.BUYING_INITIAL:
                return state.refusal.message if state.refusal else ""
            case GridPhase.CLOSING:
                return f"closing: {state.stop_reason}"
            case GridPhase.STOPPED:
                return f"stopped, {state.stop_reason}; a reset starts a new cycle"
            case GridPhase.REPLANNING:
                return "the old grid's orders are being cancelled, then the new one is planned"
            case GridPhase.SHIFTING:
                return "the orders are being cancelled, then the grid moves up"
            case GridPhase.PLACING | GridPhase.RUNNING:
                return _trading_message(state)

    def _start(self, state: GridState, context: Context) -> Step[GridState]:
        if not context.entries_allowed:
            return Step(state=state)
        try:
            plan = build_plan(self._parameters, context, stock=state.stock.base)
        except SpecError as error:
            return self._refuse(state, error, context)
        return begin(state, plan, context)

    def _look_at_purchase(
        self, state: GridState, plan: GridPlan, context: Context
    ) -> Step[GridState]:
        given_up = look_at_purchase(state, plan, context)
        if given_up.state.phase is not GridPhase.WAITING:
            return given_up
        again = self._start(given_up.state, context)
        return Step(state=again.state, notes=(*given_up.notes, *again.notes))

    def _look_at_parameters(
        self, state: GridState, plan: GridPlan, context: Context
    ) -> Step[GridState]:
        if self._parameters is plan.parameters or self._parameters == plan.parameters:
            return Step(state=replace(state, refusal=None) if state.refusal else state)
        try:
            if _has_same_lines(self._parameters, plan.parameters):
                check_grid(self._parameters, context.rules)
                check_stops(self._parameters, context.last)
                return adopt(state, plan, self._parameters)
            build_plan(self._parameters, context, stock=held_base(state))
        except SpecError as error:
            return self._refuse(state, error, context)
        if not context.entries_allowed:
            return Step(state=state)
        note = Note(reason="GridChanged", message="new bounds: the present cycle ends")
        state = replace(state, phase=GridPhase.REPLANNING, refusal=None)
        step = Step(state=state) if context.live_orders else self._replan(state, context)
        return Step(state=step.state, notes=(note, *step.notes))

    def _replan(self, state: GridState, context: Context) -> Step[GridState]:
        old = replace(state, phase=GridPhase.RUNNING)
        if not context.entries_allowed:
            return Step(state=old)
        try:
            plan = build_plan(self._parameters, context, stock=held_base(state))
        except SpecError as error:
            # The figures moved while the orders were cancelled: the old grid goes on.
            return self._refuse(old, error, context)
        return begin(to_stock(state), plan, context)

    def _refuse(self, state: GridState, error: SpecError, context: Context) -> Step[GridState]:
        refusal = Refusal(
            code=error.code,
            message=error.message,
            parameters=self._parameters,
            budget=context.budget,
        )
        return refuse(state, refusal)


def _has_same_lines(left: GridParameters, right: GridParameters) -> bool:
    return (left.lower_price, left.upper_price, left.grids, left.spacing) == (
        right.lower_price,
        right.upper_price,
        right.grids,
        right.spacing,
    )


def _trading_message(state: GridState) -> str:
    if state.refusal is not None:
        return f"the old grid goes on: {state.refusal.message}"
    if state.trailing_end:
        return state.trailing_end
    sides = {cell.side for cell in state.cells}
    if sides == {Side.BUY}:
        return "the price is above the grid: every cell waits to buy"
    if sides == {Side.SELL}:
        return "the price is below the grid: every cell waits to sell"
    return ""
