"""What fills do to a staged bot's coin, cost and profit, and the price at which all is sold.

Cost is kept as an average over all coin held; a sale takes its part of it.
"""

from dataclasses import replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.orders import Fill, Order, OrderState
from dantaro_runtime.core.strategies.staged_state import (
    Stage,
    StagedPlan,
    StagedState,
    Target,
    stage_number,
)

__all__ = ["apply_buy", "apply_sell", "build_target", "end_stage"]

_SHARE = Decimal("1e-12")
"""Step that a sold part of the cost is cut to; what is held keeps the rest, so the sum is exact."""

_ZERO = Decimal(0)


def apply_buy(state: StagedState, order: Order, fill: Fill) -> StagedState:
    """Return the state after a stage bought, in full or in part."""
    state = replace(state, held=state.held + fill.volume, cost=state.cost + fill.funds + fill.fee)
    number = stage_number(order.slot)
    stage = state.stages[number]
    is_done = order.state is OrderState.DONE
    stage = Stage(
        filled=stage.filled + fill.volume, done=_ZERO if is_done else stage.done + fill.volume
    )
    return _with_stage(state, number, stage)


def end_stage(state: StagedState, order: Order) -> StagedState:
    """Return the state after a stage's order ended before it was filled in full."""
    number = stage_number(order.slot)
    return _with_stage(state, number, replace(state.stages[number], done=_ZERO))


def _with_stage(state: StagedState, number: int, stage: Stage) -> StagedState:
    stages = state.stages
    return replace(state, stages=(*stages[:number], stage, *stages[number + 1 :]))


def apply_sell(state: StagedState, fill: Fill) -> StagedState:
    """Return the state after a sale of all or a part of what is held."""
    part = state.cost
    if fill.volume < state.held:
        part = (state.cost * fill.volume / state.held).quantize(_SHARE, rounding=ROUND_DOWN)
    return replace(
        state,
        held=state.held - fill.volume,
        cost=state.cost - part,
        realized=state.realized + fill.funds - fill.fee - part,
    )


def build_target(
    state: StagedState, plan: StagedPlan, rules: VenueRules, time: datetime
) -> Target | None:
    """Return the sale of all that is held at the wanted profit, net of both fees.

    Args:
        state: What is held and what it cost.
        plan: Of the present cycle.
        rules: Venue's rules.
        time: Market time.

    Returns:
        None when the plan has none, or it would be worth less than the venue's minimum.

    Source:
        Staged definition, section 4.
    """
    volume = rules.floor_volume(state.held)
    if not volume or not plan.has_target:
        return None
    gain = 1 + plan.parameters.take_profit_percent / 100
    # One quotient only, so that a price that lies on a tick comes out exactly.
    price = rules.ticks.ceil(state.cost * gain / (state.held * (1 - rules.fee_rate)))
    if volume * price < rules.min_total:
        return None
    return Target(price=price, volume=volume, since=time)
