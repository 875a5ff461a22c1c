"""Steps of a grid from one phase to the next that do not look at the object's parameters."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_crds.values import decimal_text
from dantaro_runtime.core.orders import Side
from dantaro_runtime.core.strategies.grid_cells import lacking_base, stock_cells, to_stock
from dantaro_runtime.core.strategies.grid_orders import exit_orders
from dantaro_runtime.core.strategies.grid_plan import build_shift
from dantaro_runtime.core.strategies.grid_state import (
    TRADING,
    Cell,
    GridPhase,
    GridPlan,
    GridState,
    Refusal,
    held_base,
)
from dantaro_runtime.core.strategies.protocol import Context, Level, Note, Step

__all__ = [
    "PURCHASE_TIMEOUT",
    "adopt",
    "advance",
    "begin",
    "close",
    "look_at_purchase",
    "refuse",
    "settle_purchase",
    "start_shift",
]

PURCHASE_TIMEOUT = timedelta(seconds=60)
"""Market time after which an initial purchase is cancelled. Source: grid definition, section 3."""

_PURCHASE_FAILED = "InitialPurchaseFailed"
"""Reason: an initial purchase ended with nothing bought."""


def begin(state: GridState, plan: GridPlan, context: Context) -> Step[GridState]:
    """Start the next cycle by a plan; all coin must be stock.

    Args:
        state: Without cells.
        plan: What to start.
        context: The venue's rules.
    """
    count = len(plan.lines) - 1
    again = state.refusal is not None and state.refusal.code == _PURCHASE_FAILED
    cells = (Cell(side=Side.BUY if number < plan.buys else Side.SELL) for number in range(count))
    state = replace(
        state,
        phase=GridPhase.BUYING_INITIAL if plan.purchase else GridPhase.RUNNING,
        cycle=state.cycle + 1,
        plan=plan,
        cells=tuple(cells),
        purchase_done=Decimal(0),
        is_late=False,
        trailing_end="",
        refusal=state.refusal if again and plan.purchase else None,
    )
    if not plan.purchase:
        state = stock_cells(state, context.rules)
    if again:
        # The same cycle once more: said before.
        return Step(state=state)
    message = (
        f"cycle {state.cycle}: {count} cells from {decimal_text(plan.lines[0])} to "
        f"{decimal_text(plan.lines[-1])}, {decimal_text(plan.quantity)} each, {plan.buys} of them "
        f"buy first; purchase of {decimal_text(plan.purchase)} at most at "
        f"{decimal_text(plan.entry)}"
    )
    return Step(state=state, notes=(Note(reason="CycleStarted", message=message),))


def refuse(state: GridState, refusal: Refusal) -> Step[GridState]:
    """Remember why a plan is not carried out; the same reason is noted once."""
    known = state.refusal
    if known is not None and replace(known, message=refusal.message) == refusal:
        return Step(state=state)
    note = Note(reason=refusal.code, message=refusal.message, level=Level.WARNING)
    return Step(state=replace(state, refusal=refusal), notes=(note,))


def adopt(state: GridState, plan: GridPlan, parameters: GridParameters) -> Step[GridState]:
    """Take new stops and trailing, which do not touch the lines: the cycle goes on with them."""
    note = Note(reason="GridChanged", message="new stops and trailing hold from now on")
    plan = replace(plan, parameters=parameters)
    return Step(state=replace(state, plan=plan, trailing_end="", refusal=None), notes=(note,))


def look_at_purchase(state: GridState, plan: GridPlan, context: Context) -> Step[GridState]:
    """Give up an initial purchase that is not done in time; its end is waited for."""
    if not state.is_late:
        if context.time - plan.started < PURCHASE_TIMEOUT:
            return Step(state=state)
        state = replace(state, is_late=True)
    if context.live_orders:
        return Step(state=state)
    return settle_purchase(state, plan, context)


def settle_purchase(state: GridState, plan: GridPlan, context: Context) -> Step[GridState]:
    """Go on after a purchase order ended: in full, in part, or with nothing."""
    first = state.phase is GridPhase.BUYING_INITIAL
    state = replace(state, purchase_done=Decimal(0), is_late=False)
    if not first and state.phase not in TRADING:
        return Step(state=state)
    missing = lacking_base(state)
    if first and missing == plan.purchase:
        # The same cycle is planned again, from the price at the next open.
        cycle = state.cycle - 1
        state = replace(to_stock(state), phase=GridPhase.WAITING, plan=None, cycle=cycle)
        refusal = Refusal(
            code=_PURCHASE_FAILED,
            message=f"the initial purchase of {decimal_text(plan.purchase)} at "
            f"{decimal_text(plan.entry)} ended with nothing bought; it is planned again",
            parameters=plan.parameters,
            budget=context.budget,
        )
        return refuse(state, refusal)
    is_missing = missing * plan.entry >= context.rules.min_total
    phase = GridPhase.PLACING if is_missing else GridPhase.RUNNING
    refusal_left = None if first else state.refusal
    state = replace(stock_cells(state, context.rules), phase=phase, refusal=refusal_left)
    return Step(state=state)


def start_shift(state: GridState, plan: GridPlan, context: Context) -> Step[GridState]:
    """Move up, if the checks pass: cancel all buys first, since one may fill meanwhile."""
    if state.phase is not GridPhase.RUNNING:
        return Step(state=state)
    try:
        if build_shift(plan, context) is None:
            return Step(state=state)
    except SpecError as error:
        return _end_trailing(state, error)
    return advance(replace(state, phase=GridPhase.SHIFTING), context)


def close(state: GridState, context: Context, *, reason: str, keeps_base: bool) -> Step[GridState]:
    """End the cycle: nothing but the sale of all coin is wanted, or not even that."""
    state = replace(state, phase=GridPhase.CLOSING, stop_reason=reason, keeps_base=keeps_base)
    step = advance(state, context)
    note = Note(reason="GridClosing", message=reason, level=Level.WARNING)
    return Step(state=step.state, notes=(note, *step.notes))


def advance(state: GridState, context: Context) -> Step[GridState]:
    """Carry out what waited for the end of all orders; without it twice is as once."""
    plan = state.plan
    if state.phase is GridPhase.SHIFTING and plan is not None:
        return _shift(state, plan, context)
    waits = context.live_orders or exit_orders(state, context)
    if state.phase is not GridPhase.CLOSING or waits:
        return Step(state=state)
    left = decimal_text(held_base(state))
    note = Note(
        reason="GridStopped",
        message=f"{state.stop_reason}; {left} of the coin is left",
        level=Level.WARNING,
    )
    return Step(state=replace(state, phase=GridPhase.STOPPED), notes=(note,))


def _shift(state: GridState, plan: GridPlan, context: Context) -> Step[GridState]:
    if any(cell.side is Side.SELL for cell in state.cells):
        # A buy filled while it was being cancelled: no move now.
        return Step(state=replace(state, phase=GridPhase.RUNNING))
    if context.live_orders:
        return Step(state=state)
    try:
        moved = build_shift(plan, context)
    except SpecError as error:
        return _end_trailing(state, error)
    state = replace(state, phase=GridPhase.RUNNING)
    if moved is None:
        return Step(state=state)
    message = (
        f"moved up to {decimal_text(moved.lines[0])} to {decimal_text(moved.lines[-1])}, "
        f"{decimal_text(moved.quantity)} each"
    )
    note = Note(reason="GridMovedUp", message=message)
    return Step(state=replace(state, plan=moved), notes=(note,))


def _end_trailing(state: GridState, error: SpecError) -> Step[GridState]:
    message = f"the grid moves up no more: {error.message}"
    note = Note(reason="TrailingEnded", message=message, level=Level.WARNING)
    state = replace(state, phase=GridPhase.RUNNING, trailing_end=message)
    return Step(state=state, notes=(note,))
