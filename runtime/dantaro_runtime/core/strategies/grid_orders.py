"""Which orders and triggers a grid wants in its present state."""

from collections.abc import Iterator
from itertools import chain, zip_longest

from dantaro_crds.money import exact
from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.orders import Intent, Side, Trigger, TriggerKind
from dantaro_runtime.core.strategies.grid_cells import cell_intent, lacking_base
from dantaro_runtime.core.strategies.grid_plan import trailing_price
from dantaro_runtime.core.strategies.grid_state import (
    EXIT,
    PURCHASE,
    TRADING,
    Cell,
    GridPhase,
    GridPlan,
    GridState,
    held_base,
)
from dantaro_runtime.core.strategies.protocol import Context, Wanted

__all__ = ["STOP_LOSS", "TAKE_PROFIT", "TRAILING", "CellIntents", "build_wanted", "exit_orders"]

STOP_LOSS = "stop-loss"
"""Trigger: sell or keep everything, then stop."""

TAKE_PROFIT = "take-profit"
"""Trigger: sell everything, then stop."""

TRAILING = "trailing"
"""Trigger: move the grid up."""


class CellIntents:
    """Orders that cells want, kept while plan and cell are the same: a fill changes one of many."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[GridPlan, Cell, VenueRules, Intent | None]] = {}

    def find(self, plan: GridPlan, cell: Cell, *, number: int, rules: VenueRules) -> Intent | None:
        """Return the order that a cell wants; None while it is too small to be placed."""
        known = self._known.get(number)
        if known is None or known[0] is not plan or known[1] is not cell or known[2] is not rules:
            intent = cell_intent(plan, cell, number=number, rules=rules)
            known = self._known[number] = (plan, cell, rules, intent)
        return known[3]


@exact
def build_wanted(state: GridState, context: Context, intents: CellIntents) -> Wanted:
    """Return what a grid wants to be live and armed now."""
    plan = state.plan
    if state.phase is GridPhase.CLOSING:
        return Wanted(orders=exit_orders(state, context))
    if plan is None or state.phase not in {GridPhase.BUYING_INITIAL, *TRADING}:
        return Wanted()
    orders = _purchase_orders(state, plan, context)
    if state.phase in TRADING:
        orders = (*orders, *_cell_orders(state, plan, context, intents))
    # The nearest lines: what fills brings the next ones in. With a cap of at least 2 the nearest
    # buy and the nearest sell are always among them.
    orders = orders[: context.rules.max_open_orders]
    return Wanted(orders=orders, triggers=tuple(_triggers(state, plan, context)))


def exit_orders(state: GridState, context: Context) -> tuple[Intent, ...]:
    """Return the market sale of all coin, or nothing when it is kept or worth no order."""
    if state.keeps_base:
        return ()
    volume = state.exit_order or context.rules.floor_volume(held_base(state))
    if volume * context.last < context.rules.min_total:
        return ()
    return (Intent(slot=EXIT, side=Side.SELL, volume=volume, price=None, entry=False),)


def _purchase_orders(state: GridState, plan: GridPlan, context: Context) -> tuple[Intent, ...]:
    if state.is_late or not plan.purchase:
        return ()
    volume = lacking_base(state) + state.purchase_done
    if volume * plan.entry < context.rules.min_total:
        return ()
    return (Intent(slot=PURCHASE, side=Side.BUY, volume=volume, price=plan.entry, entry=True),)


def _cell_orders(
    state: GridState, plan: GridPlan, context: Context, intents: CellIntents
) -> Iterator[Intent]:
    # From the price outward, the sell first: a crash while placing leaves the useful orders.
    sells: list[Intent] = []
    buys: list[Intent] = []
    for number, cell in enumerate(state.cells):
        intent = intents.find(plan, cell, number=number, rules=context.rules)
        if intent is not None:
            (buys if intent.side is Side.BUY else sells).append(intent)
    outward = chain.from_iterable(zip_longest(sells, reversed(buys)))
    return (intent for intent in outward if intent is not None)


def _triggers(state: GridState, plan: GridPlan, context: Context) -> Iterator[Trigger]:
    trades = state.phase in TRADING
    stop_loss, take_profit = plan.parameters.stop_loss, plan.parameters.take_profit
    if stop_loss is not None and (trades or held_base(state)):
        yield Trigger(name=STOP_LOSS, kind=TriggerKind.AT_OR_BELOW, price=stop_loss)
    if take_profit is not None and trades:
        yield Trigger(name=TAKE_PROFIT, kind=TriggerKind.AT_OR_ABOVE, price=take_profit)
    top = trailing_price(plan, context.rules) if _can_trail(state, context) else None
    if top is not None:
        yield Trigger(name=TRAILING, kind=TriggerKind.AT_OR_ABOVE, price=top)


def _can_trail(state: GridState, context: Context) -> bool:
    return (
        state.phase is GridPhase.RUNNING
        and not state.trailing_end
        and context.entries_allowed
        and all(cell.side is Side.BUY for cell in state.cells)
    )
