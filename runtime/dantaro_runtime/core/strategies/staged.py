"""The staged strategy: buys from the present price down to a support level, sells all at a profit.

A cycle is planned once (`staged_plan.py`); its coin and money are kept in `staged_books.py`, its
phases move in `staged_moves.py`, the wanted orders are in `staged_orders.py`, and what it remembers
in `staged_state.py`. Here stand the events and the start of a cycle.

Sums and products of money are exact whatever decimal context the caller has: every public method
that computes runs in the context of `dantaro_crds.money`.

Source: staged definition.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import StagedStrategy
from dantaro_crds.values import decimal_text
from dantaro_runtime.core.orders import Fill, Order, OrderState, Side
from dantaro_runtime.core.strategies.protocol import Book, Context, Level, Note, Step, Wanted
from dantaro_runtime.core.strategies.staged_books import apply_buy, apply_sell, end_stage
from dantaro_runtime.core.strategies.staged_moves import (
    advance,
    after_buy,
    after_entry_end,
    after_take_profit,
    after_target_end,
    end_pause,
    look_at_entry,
    pause_text,
    retarget,
    stop,
)
from dantaro_runtime.core.strategies.staged_orders import STOP_LOSS, build_wanted
from dantaro_runtime.core.strategies.staged_plan import build_plan, make_waiting
from dantaro_runtime.core.strategies.staged_state import (
    OPEN_CYCLE,
    SALE,
    TAKE_PROFIT,
    Stage,
    StagedPhase,
    StagedPlan,
    StagedState,
    Waiting,
)

__all__ = ["STOP_MEMORY", "StagedState", "StagedTrading"]

STOP_MEMORY = timedelta(hours=24)
"""A second stop loss within this span needs a person."""

_BARRED = "EntriesNotAllowed"


class StagedTrading:
    """Trades one staged cycle after another; see the module's text.

    Args:
        parameters: Of the object, as they are now. The running cycle has its own.
        has_target: Whether a new cycle sells at the parameters' profit; else only a stop loss or
            `exit` ends it.
    """

    name = "staged"

    def __init__(self, parameters: StagedStrategy, *, has_target: bool = True) -> None:
        self._parameters = parameters
        self._has_target = has_target

    def initial(self) -> StagedState:
        """Return the state of a bot that has never traded."""
        return StagedState()

    # Events

    @exact
    def on_open(self, state: StagedState, context: Context) -> Step[StagedState]:
        """Start a cycle, notice a late first buy, cover what was bought in parts, end a pause."""
        match state.phase:
            case StagedPhase.IDLE | StagedPhase.CLOSED:
                return self._start(state, context)
            case StagedPhase.ENTERING:
                return look_at_entry(state, context)
            case StagedPhase.HOLDING | StagedPhase.EXITING:
                return Step(state=retarget(state, context, at_once=False))
            case StagedPhase.STOPPING:
                return advance(state, context)
            case StagedPhase.STOPPED:
                return Step(state=state) if state.needs_reset else self._start(state, context)

    @exact
    def on_fill(
        self, state: StagedState, order: Order, fill: Fill, context: Context
    ) -> Step[StagedState]:
        """Book one fill and go where it leads."""
        if fill.side is Side.BUY:
            return after_buy(apply_buy(state, order, fill), order, context)
        state = apply_sell(state, fill)
        if order.slot == TAKE_PROFIT:
            return after_take_profit(state, order, fill, context)
        is_done = order.state is OrderState.DONE
        state = replace(state, sale=Decimal(0) if is_done else order.volume)
        return advance(state, context, ended=fill.time)

    @exact
    def on_end(self, state: StagedState, order: Order, context: Context) -> Step[StagedState]:
        """Want again what is still needed after an early end."""
        if order.slot == TAKE_PROFIT:
            return after_target_end(state, context)
        if order.slot == SALE:
            return advance(replace(state, sale=Decimal(0)), context)
        state = end_stage(state, order)
        if state.phase is StagedPhase.ENTERING:
            return after_entry_end(state, context)
        return advance(state, context)

    @exact
    def on_trigger(self, state: StagedState, name: str, context: Context) -> Step[StagedState]:
        """Sell everything at the stop loss; the second within a day needs a person."""
        if name != STOP_LOSS or state.phase not in OPEN_CYCLE:
            return Step(state=state)
        is_second = state.last_stop is not None and context.time - state.last_stop <= STOP_MEMORY
        state = replace(state, last_stop=context.time, needs_reset=is_second)
        reason = f"the stop loss of cycle {state.cycle} was reached at {decimal_text(context.last)}"
        return stop(state, context, reason=reason)

    @exact
    def on_reset(self, state: StagedState, context: Context) -> Step[StagedState]:
        """Leave a stop at once, and look again at what kept a cycle from starting."""
        if state.phase is not StagedPhase.STOPPED:
            return Step(state=replace(state, waiting=None))
        return Step(
            state=replace(
                state,
                phase=StagedPhase.IDLE,
                cooldown_until=None,
                last_stop=None,
                needs_reset=False,
                stop_reason="",
                waiting=None,
            )
        )

    @exact
    def on_flatten(self, state: StagedState, context: Context) -> Step[StagedState]:
        """Sell everything and stop; twice is as once."""
        if state.needs_reset and state.phase in {StagedPhase.STOPPING, StagedPhase.STOPPED}:
            return advance(state, context)
        reason = "everything was to be sold"
        return stop(replace(state, needs_reset=True), context, reason=reason)

    @exact
    def exit(self, state: StagedState, context: Context, *, reason: str) -> Step[StagedState]:
        """Sell everything as the regular end of the cycle; without one nothing happens."""
        if state.phase not in OPEN_CYCLE:
            return Step(state=state)
        return stop(state, context, reason=reason, is_exit=True)

    @exact
    def leave(self, state: StagedState) -> StagedState | None:
        """Return the state between two cycles without plan and coin; pauses and limits go along."""
        if state.phase in OPEN_CYCLE or state.phase is StagedPhase.STOPPING:
            return None
        return replace(
            state,
            plan=None,
            stages=(),
            target=None,
            sale=Decimal(0),
            held=Decimal(0),
            cost=Decimal(0),
            realized=state.realized - state.cost,
            waiting=None,
        )

    # Wishes

    @exact
    def wanted(self, state: StagedState, context: Context) -> Wanted:
        """Return the sale first, then the buys from the price downward, and the stop loss."""
        return build_wanted(state, context)

    # What it says of itself

    def cycle(self, state: StagedState) -> int:
        """Return the number of the present or last cycle, from 1; 0 before the first."""
        return state.cycle

    def phase(self, state: StagedState) -> str:
        """Return the phase for people."""
        return state.phase

    def book(self, state: StagedState) -> Book:
        """Return the accounting: average cost of all coin held."""
        return Book(cost=state.cost, realized=state.realized)

    def is_stopped(self, state: StagedState) -> bool:
        """Return whether only a reset can make it trade again."""
        return state.phase is StagedPhase.STOPPED and state.needs_reset

    def message(self, state: StagedState) -> str:
        """Return what it waits for, or that new parameters have to wait."""
        match state.phase:
            case StagedPhase.IDLE | StagedPhase.CLOSED:
                return state.waiting.message if state.waiting else pause_text(state)
            case StagedPhase.STOPPING:
                return f"selling everything: {state.stop_reason}"
            case StagedPhase.STOPPED:
                return f"stopped, {state.stop_reason}; {pause_text(state)}"
            case StagedPhase.ENTERING | StagedPhase.HOLDING | StagedPhase.EXITING:
                if state.plan is not None and self._is_changed(state.plan):
                    return "the new parameters take effect with the next cycle"
                return ""

    def _is_changed(self, plan: StagedPlan) -> bool:
        return (plan.parameters, plan.has_target) != (self._parameters, self._has_target)

    # Start of a cycle

    def _start(self, state: StagedState, context: Context) -> Step[StagedState]:
        rested = end_pause(state, context)
        if rested is None:
            return Step(state=state)
        plan = self._plan(rested, context)
        if isinstance(plan, Waiting):
            return _wait(rested, plan)
        state = replace(
            rested,
            phase=StagedPhase.ENTERING,
            cycle=state.cycle + 1,
            plan=replace(plan, has_target=self._has_target),
            stages=tuple(Stage() for _ in plan.prices),
            target=None,
            is_late=False,
            buys_over=False,
            realized_before=state.realized,
            waiting=None,
        )
        return Step(state=state, notes=(_start_note(state, plan),))

    def _plan(self, state: StagedState, context: Context) -> StagedPlan | Waiting:
        if not context.entries_allowed:
            message = "new entries are not allowed at present"
            return make_waiting(_BARRED, message, self._parameters, context)
        known = state.waiting
        analysis = context.analysis
        if (
            known is not None
            and known.by_analysis
            and known.parameters == self._parameters
            and analysis is not None
            and known.data_until == analysis.data_until
        ):
            return known
        return build_plan(self._parameters, context, cycle=state.cycle + 1, known=known)


def _wait(state: StagedState, waiting: Waiting) -> Step[StagedState]:
    known = state.waiting
    if known is not None and known.is_like(waiting):
        # Old news; only a newer analysis is worth remembering.
        return Step(state=replace(state, waiting=waiting) if waiting.by_analysis else state)
    state = replace(state, waiting=waiting)
    if waiting.code == _BARRED:
        return Step(state=state)
    level = Level.INFO if waiting.by_analysis else Level.WARNING
    return Step(
        state=state, notes=(Note(reason=waiting.code, message=waiting.message, level=level),)
    )


def _start_note(state: StagedState, plan: StagedPlan) -> Note:
    end = "" if plan.support is None else f" to the support level {decimal_text(plan.support)}"
    guard = "no stop loss" if plan.stop is None else f"stop loss {decimal_text(plan.stop)}"
    count = len(plan.prices)
    return Note(
        reason="CycleStarted",
        message=f"cycle {state.cycle}: {count} stage{'s' if count > 1 else ''} from "
        f"{decimal_text(plan.reference)}{end} with {decimal_text(plan.budget)}, first buy at most "
        f"at {decimal_text(plan.entry)}, {guard}",
    )
