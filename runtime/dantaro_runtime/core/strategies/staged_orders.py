"""Which orders and triggers a staged bot wants. Pure views of its state."""

from collections.abc import Iterator

from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.orders import Intent, Side, Trigger, TriggerKind
from dantaro_runtime.core.strategies.protocol import Context, Wanted
from dantaro_runtime.core.strategies.staged_state import (
    OPEN_CYCLE,
    SALE,
    TAKE_PROFIT,
    StagedPhase,
    StagedState,
    has_bought,
    stage_slot,
)

__all__ = ["STOP_LOSS", "build_wanted", "sale_orders"]

STOP_LOSS = "stop-loss"
"""Trigger: sell everything, then pause."""


def build_wanted(state: StagedState, context: Context) -> Wanted:
    """Return the sale first, then the buys from the price downward, and the stop loss."""
    if state.phase is StagedPhase.STOPPING:
        return Wanted(orders=sale_orders(state, context))
    if state.phase not in OPEN_CYCLE:
        return Wanted()
    return Wanted(
        orders=(*_target_orders(state), *_stage_orders(state, context.rules)),
        triggers=tuple(_triggers(state)),
    )


def sale_orders(state: StagedState, context: Context) -> tuple[Intent, ...]:
    """Return the sale of everything at market; none when it is worth less than the minimum.

    A sale that is filled in part keeps its volume until it is done or ended.
    """
    volume = state.sale or context.rules.floor_volume(state.held)
    if not state.sale and volume * context.last < context.rules.min_total:
        return ()
    return (Intent(slot=SALE, side=Side.SELL, volume=volume, price=None, entry=False),)


def _target_orders(state: StagedState) -> Iterator[Intent]:
    target = state.target
    if target is not None:
        yield Intent(
            slot=TAKE_PROFIT,
            side=Side.SELL,
            volume=target.volume,
            price=target.price,
            entry=False,
        )


def _stage_orders(state: StagedState, rules: VenueRules) -> Iterator[Intent]:
    if state.buys_over or state.is_late:
        return
    is_entering = state.phase is StagedPhase.ENTERING
    for number in range(1 if is_entering else len(state.stages)):
        intent = _stage_order(state, number, rules)
        if intent is not None:
            yield intent


def _stage_order(state: StagedState, number: int, rules: VenueRules) -> Intent | None:
    # A partly filled order keeps its volume until it is done or ended; a rest that is too small
    # to be ordered again is left out.
    plan = state.plan
    assert plan is not None
    stage = state.stages[number]
    price = plan.limit(number)
    volume = plan.volumes[number] - stage.filled + stage.done
    if volume * price < rules.min_total:
        return None
    return Intent(slot=stage_slot(number), side=Side.BUY, volume=volume, price=price, entry=True)


def _triggers(state: StagedState) -> Iterator[Trigger]:
    plan = state.plan
    if plan is not None and plan.stop is not None and has_bought(state):
        yield Trigger(name=STOP_LOSS, kind=TriggerKind.AT_OR_BELOW, price=plan.stop)
