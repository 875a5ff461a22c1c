"""From phase to phase of a staged cycle: what entries, fills, ends and stops lead to.

Source: staged definition, section 5.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from dantaro_crds.values import decimal_text, utc_text
from dantaro_runtime.core.orders import Fill, Order, OrderState
from dantaro_runtime.core.strategies.protocol import Context, Level, Note, Step
from dantaro_runtime.core.strategies.staged_books import build_target
from dantaro_runtime.core.strategies.staged_orders import sale_orders
from dantaro_runtime.core.strategies.staged_state import (
    OPEN_CYCLE,
    StagedPhase,
    StagedState,
    has_bought,
    stage_number,
)

__all__ = [
    "CYCLE_COOLDOWN",
    "ENTRY_TIMEOUT",
    "REPLACE_PAUSE",
    "STOP_COOLDOWN",
    "advance",
    "after_buy",
    "after_entry_end",
    "after_take_profit",
    "after_target_end",
    "end_pause",
    "look_at_entry",
    "pause_text",
    "retarget",
    "stop",
]

ENTRY_TIMEOUT = timedelta(minutes=10)
"""Market time after which a first buy without any fill is cancelled."""

CYCLE_COOLDOWN = timedelta(minutes=5)
"""Market time between the end of a cycle and the next one. Source: risk definition, section 6."""

STOP_COOLDOWN = timedelta(minutes=60)
"""The same after a stop loss."""

REPLACE_PAUSE = timedelta(seconds=60)
"""How long a sale at a profit stands before a stage that fills in parts replaces it."""


# Between two cycles


def end_pause(state: StagedState, context: Context) -> StagedState | None:
    """Return the state from which a cycle may start; None while a pause or an order is left."""
    is_pausing = state.cooldown_until is not None and context.time < state.cooldown_until
    if is_pausing or context.live_orders:
        return None
    return replace(state, phase=StagedPhase.IDLE, cooldown_until=None, stop_reason="")


# The first buy


def look_at_entry(state: StagedState, context: Context) -> Step[StagedState]:
    """Return the state of a first buy at the open of a candle: cancelled when it took too long."""
    plan = state.plan
    assert plan is not None
    if context.time - plan.started < ENTRY_TIMEOUT:
        return Step(state=retarget(state, context, at_once=False))
    if has_bought(state):
        # A cancel could leave a part that is too small to be sold: the rest stays as a stage.
        return Step(state=_hold(state, context))
    if context.live_orders == 0:
        return _abort(state, context)
    return Step(state=replace(state, is_late=True))


def after_entry_end(state: StagedState, context: Context) -> Step[StagedState]:
    """Return the state after the first buy ended before it was filled in full."""
    if has_bought(state):
        return Step(state=_hold(state, context))
    return _abort(state, context) if state.is_late else Step(state=state)


def _abort(state: StagedState, context: Context) -> Step[StagedState]:
    state = replace(
        state,
        phase=StagedPhase.IDLE,
        is_late=False,
        cooldown_until=context.time + CYCLE_COOLDOWN,
    )
    minutes = ENTRY_TIMEOUT // timedelta(minutes=1)
    message = f"cycle {state.cycle}: the first buy did not fill within {minutes} minutes"
    return Step(state=state, notes=(Note(reason="CycleAborted", message=message),))


def _hold(state: StagedState, context: Context) -> StagedState:
    state = replace(state, phase=StagedPhase.HOLDING, is_late=False)
    return retarget(state, context, at_once=True)


# Buys


def after_buy(state: StagedState, order: Order, context: Context) -> Step[StagedState]:
    """Return the state after a fill of a stage was booked."""
    is_done = order.state is OrderState.DONE
    state = _phase_after_buy(state, context, is_done=is_done)
    step = advance(state, context)
    if not is_done:
        return step
    return Step(state=step.state, notes=(_stage_note(step.state, order, context), *step.notes))


def _phase_after_buy(state: StagedState, context: Context, *, is_done: bool) -> StagedState:
    if state.phase is StagedPhase.ENTERING and is_done:
        return _hold(state, context)
    if state.phase in OPEN_CYCLE:
        return retarget(state, context, at_once=is_done)
    if state.phase is StagedPhase.CLOSED:
        # It filled while it was being cancelled: sold like the rest, but nothing more is bought.
        late = replace(state, phase=StagedPhase.HOLDING, buys_over=True)
        late = retarget(late, context, at_once=True)
        return state if late.target is None else late
    if state.phase is StagedPhase.STOPPED and sale_orders(state, context):
        return replace(state, phase=StagedPhase.STOPPING)
    return state


def _stage_note(state: StagedState, order: Order, context: Context) -> Note:
    target = state.target
    goal = "" if target is None else f", to be sold at {decimal_text(target.price)}"
    return Note(
        reason="StageFilled",
        message=f"cycle {order.cycle}: stage {stage_number(order.slot) + 1} of "
        f"{len(state.stages)} bought {decimal_text(order.filled_volume)} for "
        f"{order.filled_funds:.{context.rules.quote_places + 2}f}; {decimal_text(state.held)} held "
        f"at {state.cost / state.held:.8f} on average{goal}",
    )


# The sale at a profit


def retarget(state: StagedState, context: Context, *, at_once: bool) -> StagedState:
    """Return the state with a sale at a profit that covers all that is held.

    Unless at once, a sale that is wanted for less than `REPLACE_PAUSE` stays as it is.
    """
    target = state.target
    plan = state.plan
    assert plan is not None
    if target is not None:
        if target.volume - target.done == state.held:
            return state
        if not at_once and context.time - target.since < REPLACE_PAUSE:
            return state
    return replace(state, target=build_target(state, plan, context.rules, context.time))


def after_take_profit(
    state: StagedState, order: Order, fill: Fill, context: Context
) -> Step[StagedState]:
    """Return the state after a fill of the sale at a profit was booked."""
    if state.phase not in OPEN_CYCLE:
        return advance(state, context)
    if order.state is OrderState.DONE:
        return _close(replace(state, target=None), context, ended=fill.time)
    target = state.target
    if target is not None:
        target = replace(target, done=target.done + fill.volume)
    is_first = state.phase is not StagedPhase.EXITING
    state = replace(state, phase=StagedPhase.EXITING, buys_over=True, target=target)
    message = (
        f"cycle {state.cycle}: {decimal_text(fill.volume)} sold at {decimal_text(fill.price)}, "
        f"{decimal_text(state.held)} left; nothing more is bought"
    )
    return Step(
        state=state, notes=(Note(reason="ExitStarted", message=message),) if is_first else ()
    )


def after_target_end(state: StagedState, context: Context) -> Step[StagedState]:
    """Return the state after the sale at a profit ended before it was filled in full."""
    if state.phase not in OPEN_CYCLE:
        return advance(state, context)
    target = state.target
    if target is not None and not target.done and target.volume == state.held:
        return Step(state=state)
    state = replace(state, target=None)
    if state.phase is StagedPhase.EXITING:
        return _close(state, context, ended=context.time)
    return Step(state=retarget(state, context, at_once=True))


def _close(state: StagedState, context: Context, *, ended: datetime) -> Step[StagedState]:
    # A buy may have filled while all was sold: what can be sold is held on, the rest is carried.
    rest = retarget(replace(state, buys_over=True), context, at_once=True)
    if rest.target is not None:
        is_exiting = rest.phase is StagedPhase.EXITING
        return Step(state=rest if is_exiting else replace(rest, phase=StagedPhase.HOLDING))
    state = replace(rest, phase=StagedPhase.CLOSED, cooldown_until=ended + CYCLE_COOLDOWN)
    left = f", {decimal_text(state.held)} is carried on" if state.held else ""
    message = f"cycle {state.cycle}: sold at a profit, net {_net(state, context)}{left}"
    return Step(state=state, notes=(Note(reason="CycleClosed", message=message),))


# Stops


def stop(
    state: StagedState, context: Context, *, reason: str, is_exit: bool = False
) -> Step[StagedState]:
    """Return the state in which everything is cancelled and sold at market.

    Args:
        state: Any.
        context: As it is now.
        reason: Why, one sentence.
        is_exit: Whether it is the regular end of a cycle: then only a cycle's pause follows.
    """
    state = replace(
        state,
        phase=StagedPhase.STOPPING,
        target=None,
        is_late=False,
        cooldown_until=None,
        stop_reason=reason,
        is_exit=is_exit,
        waiting=None,
    )
    message = f"{reason}: {decimal_text(state.held)} is sold at market"
    level = Level.INFO if is_exit else Level.WARNING
    note = Note(reason="SellingAll", message=message, level=level)
    step = advance(state, context)
    return Step(state=step.state, notes=(note, *step.notes))


def advance(
    state: StagedState, context: Context, *, ended: datetime | None = None
) -> Step[StagedState]:
    """Return the state after a stop whose orders are gone and whose coin is sold.

    Args:
        state: Any.
        context: As it is after the event.
        ended: Market time of the fill that sold the last coin; default: now.
    """
    is_stopping = state.phase is StagedPhase.STOPPING
    if not is_stopping or context.live_orders or sale_orders(state, context):
        return Step(state=state)
    if state.is_exit:
        return _end_exit(state, context, ended=ended or context.time)
    until = None if state.needs_reset else (ended or context.time) + STOP_COOLDOWN
    state = replace(state, phase=StagedPhase.STOPPED, cooldown_until=until)
    message = (
        f"{state.stop_reason}; net of cycle {state.cycle} {_net(state, context)}, "
        f"{decimal_text(state.held)} of the coin is left; {pause_text(state)}"
    )
    return Step(state=state, notes=(Note(reason="SoldAll", message=message, level=Level.WARNING),))


def _end_exit(state: StagedState, context: Context, *, ended: datetime) -> Step[StagedState]:
    left = f", {decimal_text(state.held)} is carried on" if state.held else ""
    message = (
        f"cycle {state.cycle}: sold at market, net {_net(state, context)}{left}; "
        f"{state.stop_reason}"
    )
    state = replace(
        state,
        phase=StagedPhase.CLOSED,
        cooldown_until=ended + CYCLE_COOLDOWN,
        stop_reason="",
        is_exit=False,
    )
    return Step(state=state, notes=(Note(reason="CycleClosed", message=message),))


def pause_text(state: StagedState) -> str:
    """Return when, or by whom, the next cycle may be started; empty if nothing keeps it."""
    if state.needs_reset:
        return "a reset starts a new cycle"
    if state.cooldown_until is None:
        return ""
    return f"the next cycle may start from {utc_text(state.cooldown_until)}"


def _net(state: StagedState, context: Context) -> str:
    return f"{state.realized - state.realized_before:.{context.rules.quote_places + 2}f}"
