"""A grid's state from what the venue knows of it alone: its orders and their fills.

For a bot whose own records are lost. Client ids name cycle and slot, prices the place on the
ladder, volumes the quantity; the fills, applied again, give cells, costs and profit. What does not
fit together is refused: then a person decides, and nothing is placed.

Source: grid definition, section 7, rebuilding without stored state.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from dantaro_crds.errors import SafetyError
from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.grid_bot_funcs import ladder_price, line_prices
from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.orders import Fill, Order, OrderState, Side
from dantaro_runtime.core.reconcile import is_same
from dantaro_runtime.core.strategies.grid_cells import (
    apply_cell_end,
    apply_cell_fill,
    apply_purchase_fill,
    cell_intent,
    stock_cells,
)
from dantaro_runtime.core.strategies.grid_state import (
    EXIT,
    PURCHASE,
    Cell,
    GridPhase,
    GridPlan,
    GridState,
    cell_number,
    cell_slot,
)

__all__ = ["recover_grid"]

_FARTHEST = 10_000
"""Places on the ladder that are looked at above the first one."""


@exact
def recover_grid(
    parameters: GridParameters, rules: VenueRules, *, orders: Sequence[Order], fills: Iterable[Fill]
) -> GridState:
    """Return the state of a running grid in its first cycle.

    Args:
        parameters: The object's, which the grid was planned by.
        rules: Venue's rules.
        orders: Every order that the bot ever sent, as the venue knows it now, in the order of
            placing.
        fills: All their fills, in the order in which they happened.

    Raises:
        SafetyError: Orders and fills do not give one running grid; a person has to look.
    """
    cells = [order for order in orders if order.slot not in {PURCHASE, EXIT}]
    if any(order.slot == EXIT for order in orders) or {o.cycle for o in orders} != {1}:
        raise _puzzle("only a grid that still runs in its first cycle can be rebuilt")
    if not cells:
        raise _puzzle("no cell has had an order yet")
    plan = _first_plan(parameters, rules, orders, cells)
    state = GridState(
        phase=GridPhase.RUNNING,
        cycle=1,
        plan=plan,
        cells=tuple(
            Cell(side=Side.BUY if number < plan.buys else Side.SELL)
            for number in range(parameters.grids)
        ),
    )
    known = {order.client_id: order for order in orders}
    filled: dict[str, Decimal] = {}
    for fill in fills:
        if fill.client_id not in known:
            raise _puzzle(f"fill {fill.trade_id} is of no known order")
        total = filled[fill.client_id] = filled.get(fill.client_id, Decimal(0)) + fill.volume
        state = _apply(state, known[fill.client_id], fill, total=total, rules=rules)
    for order in orders:
        if filled.get(order.client_id, Decimal(0)) != order.filled_volume:
            raise _puzzle(f"fills of {order.client_id} are missing")
    live = [order for order in orders if order.state.is_live]
    for order in live:
        state = _moved(state, order, rules)
    _check(state, live, rules)
    return state


def _first_plan(
    parameters: GridParameters, rules: VenueRules, orders: Sequence[Order], cells: Sequence[Order]
) -> GridPlan:
    lines = line_prices(parameters, rules)
    bought = [o for o in orders if o.slot == PURCHASE and o.filled_volume]
    if len(bought) > 1 or any(order.remaining for order in bought):
        raise _puzzle("the initial purchase was filled in parts")
    first = next((order for order in cells if order.side is Side.BUY), cells[0])
    purchase = bought[0].volume if bought else Decimal(0)
    stocked, rest = divmod(purchase, first.volume)
    if rest or stocked > parameters.grids:
        raise _puzzle(
            f"the initial purchase of {decimal_text(purchase)} is no multiple of "
            f"{decimal_text(first.volume)} per cell"
        )
    return GridPlan(
        parameters=parameters,
        lines=lines,
        place=0,
        quantity=first.volume,
        entry=(bought[0].price if bought else None) or lines[-1],
        buys=parameters.grids - int(stocked),
        purchase=purchase,
        started=orders[0].created,
    )


def _apply(
    state: GridState, order: Order, fill: Fill, *, total: Decimal, rules: VenueRules
) -> GridState:
    # As it was after this fill: open until its volume is reached.
    is_done = total == order.volume
    then = replace(
        order, filled_volume=total, state=OrderState.DONE if is_done else OrderState.OPEN
    )
    if order.slot == PURCHASE:
        state = apply_purchase_fill(state, then, fill)
        return stock_cells(state, rules) if is_done else state
    state = _moved(state, order, rules)
    if state.cells[cell_number(order.slot)].side is not order.side:
        raise _puzzle(f"{order.client_id} was filled out of turn")
    state = apply_cell_fill(state, then, fill)
    has_ended = order.state is OrderState.CANCELLED and total == order.filled_volume
    return apply_cell_end(state, order, rules) if has_ended else state


def _moved(state: GridState, order: Order, rules: VenueRules) -> GridState:
    """Return the state moved up to the lines that an order of a cell stands on."""
    plan = state.plan
    assert plan is not None
    if order.slot == PURCHASE:
        return state
    line = cell_number(order.slot) + (order.side is Side.SELL)
    if order.price == plan.lines[line]:
        return state
    if any(cell.side is Side.SELL for cell in state.cells) or order.side is Side.SELL:
        raise _puzzle(f"{order.client_id} stands on no line of the grid")
    for place in range(plan.place + 1, plan.place + _FARTHEST):
        price = ladder_price(plan.parameters, rules, place=place + line)
        if price == order.price:
            lines = line_prices(plan.parameters, rules, place=place)
            moved = replace(plan, lines=lines, place=place, quantity=order.volume)
            return replace(state, plan=moved)
        if order.price is None or price > order.price:
            break
    raise _puzzle(f"{order.client_id} stands on no place of the ladder")


def _check(state: GridState, live: Sequence[Order], rules: VenueRules) -> None:
    plan = state.plan
    assert plan is not None
    slots = {cell_slot(number, cell.side) for number, cell in enumerate(state.cells)}
    if len({order.slot for order in live}) != len(live):
        raise _puzzle("a cell has two orders")
    for order in live:
        if order.slot not in slots:
            raise _puzzle(f"{order.client_id} is open although its cell is on the other side")
        number = cell_number(order.slot)
        intent = cell_intent(plan, state.cells[number], number=number, rules=rules)
        if intent is None or not is_same(intent, order):
            raise _puzzle(f"{order.client_id} is not the order that its cell would place")


def _puzzle(found: str) -> SafetyError:
    return SafetyError(
        f"the grid cannot be rebuilt from the venue's orders: {found}; look at the account, cancel "
        "the bot's orders there, then reset the bot"
    )
