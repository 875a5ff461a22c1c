"""What fills and ends of orders do to a grid's cells, its stock and its profit."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, Decimal

from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.orders import Fill, Intent, Order, OrderState, Side
from dantaro_runtime.core.strategies.grid_state import (
    Cell,
    GridPlan,
    GridState,
    Stock,
    cell_number,
    cell_slot,
    held_base,
    held_cost,
)

__all__ = [
    "apply_cell_end",
    "apply_cell_fill",
    "apply_exit_fill",
    "apply_purchase_fill",
    "cell_intent",
    "lacking_base",
    "split",
    "stock_cells",
    "to_stock",
]

_SHARE = Decimal("1e-12")
"""Step that shares of a cost are cut to; the last one takes the rest, so that the sum is exact."""

_ZERO = Decimal(0)


def split(total: Decimal, weights: Sequence[Decimal]) -> tuple[Decimal, ...]:
    """Return shares of an amount by weight that add up to it exactly.

    Args:
        total: Quote currency, >= 0.
        weights: >= 0, at least one of them > 0; a weight of 0 gets nothing.

    Returns:
        One share per weight, cut to 12 decimals; the last weight > 0 gets the rest.
    """
    whole = sum(weights, _ZERO)
    last = max(number for number, weight in enumerate(weights) if weight)
    shares = [(total * weight / whole).quantize(_SHARE, rounding=ROUND_DOWN) for weight in weights]
    shares[last] = total - sum(shares[:last], _ZERO)
    return tuple(shares)


def cell_intent(plan: GridPlan, cell: Cell, *, number: int, rules: VenueRules) -> Intent | None:
    """Return the order that a cell wants; None while it is too small to be placed.

    A partly filled order keeps its volume until it is done: the cell waits for it.
    """
    if cell.side is Side.BUY:
        price = plan.lines[number]
        volume = plan.quantity - cell.base + cell.done
    else:
        price = plan.lines[number + 1]
        volume = cell.base + cell.done
    if volume * price < rules.min_total:
        return None
    return Intent(
        slot=cell_slot(number, cell.side),
        side=cell.side,
        volume=volume,
        price=price,
        entry=cell.side is Side.BUY,
        bounded=True,
    )


def apply_cell_fill(state: GridState, order: Order, fill: Fill) -> GridState:
    """Return the state after a fill of a cell's order; a complete order turns the cell round.

    A sale of more than the cell holds, after an order that was taken for lost was executed too,
    takes the rest from stock and the other cells. After a reset all coin is stock.
    """
    if not state.cells:
        return _apply_stock_fill(state, fill)
    number = cell_number(order.slot)
    cell = state.cells[number]
    is_done = order.state is OrderState.DONE
    done = _ZERO if is_done else cell.done + fill.volume
    if fill.side is Side.BUY:
        bought = replace(
            cell,
            side=Side.SELL if is_done else Side.BUY,
            base=cell.base + fill.volume,
            cost=cell.cost + fill.funds + fill.fee,
            done=done,
        )
        return _with_cell(state, number, bought)
    own = min(fill.volume, cell.base)
    cost, left = split(cell.cost, (own, cell.base - own)) if own else (_ZERO, cell.cost)
    if own < fill.volume:
        emptied = _with_cell(state, number, replace(cell, base=_ZERO, cost=_ZERO))
        drawn, more = _draw(emptied, fill.volume - own)
        state = replace(drawn, cells=tuple(map(_turn_drained, emptied.cells, drawn.cells)))
        cost += more
    gain = fill.funds - fill.fee - cost
    if cell.initial:
        state = replace(state, initial_stock_gain=state.initial_stock_gain + gain)
    else:
        state = replace(state, grid_profit=state.grid_profit + gain)
    sold = replace(
        cell,
        side=Side.BUY if is_done else Side.SELL,
        base=cell.base - own,
        cost=left,
        done=done,
        initial=cell.initial and not is_done,
    )
    return _with_cell(state, number, sold)


def apply_cell_end(state: GridState, order: Order, rules: VenueRules) -> GridState:
    """Return the state after a cell's order ended before it was filled in full.

    What was executed turns the cell round when its counter-order is worth the venue's minimum;
    otherwise it stays in the cell, which wants the rest of the same order.

    Source: grid definition, section 5, partial fills.
    """
    plan = state.plan
    number = cell_number(order.slot)
    if plan is None or not order.filled_volume:
        return state
    cell = replace(state.cells[number], done=_ZERO)
    side = Side.SELL if cell.side is Side.BUY else Side.BUY
    turned = replace(cell, side=side, initial=cell.initial and side is Side.SELL)
    can_turn = cell_intent(plan, turned, number=number, rules=rules) is not None
    return _with_cell(state, number, turned if can_turn else cell)


def apply_purchase_fill(state: GridState, order: Order, fill: Fill) -> GridState:
    """Return the state after a fill of the initial purchase: the coin is stock of no cell yet."""
    done = _ZERO if order.state is OrderState.DONE else state.purchase_done + fill.volume
    return replace(_apply_stock_fill(state, fill), purchase_done=done)


def apply_exit_fill(state: GridState, order: Order, fill: Fill) -> GridState:
    """Return the state after a fill of the sale of everything: stock, then cells from the top."""
    left = _ZERO if order.state is OrderState.DONE else order.volume
    return replace(_apply_stock_fill(state, fill), exit_order=left)


def _apply_stock_fill(state: GridState, fill: Fill) -> GridState:
    if fill.side is Side.SELL:
        state, cost = _draw(state, fill.volume)
        return replace(state, exit_result=state.exit_result + fill.funds - fill.fee - cost)
    stock = Stock(
        base=state.stock.base + fill.volume, cost=state.stock.cost + fill.funds + fill.fee
    )
    return replace(state, stock=stock)


def _draw(state: GridState, volume: Decimal) -> tuple[GridState, Decimal]:
    """Take coin out of the stock, then of the cells from the top; return its cost too."""
    left, drawn = volume, _ZERO
    parts: list[Stock | Cell] = [state.stock, *reversed(state.cells)]
    for place, part in enumerate(parts):
        taken = min(left, part.base)
        if not taken:
            continue
        cost, rest = split(part.cost, (taken, part.base - taken))
        parts[place] = replace(part, base=part.base - taken, cost=rest)
        drawn += cost
        left -= taken
    stock, *cells = parts
    assert isinstance(stock, Stock)
    cells_left = tuple(cell for cell in reversed(cells) if isinstance(cell, Cell))
    return replace(state, stock=stock, cells=cells_left), drawn


def lacking_base(state: GridState) -> Decimal:
    """Return what the cells without their coin still lack, base currency; <= 0 if nothing."""
    assert state.plan is not None
    empty = sum(cell.side is Side.SELL and not cell.base for cell in state.cells)
    return empty * state.plan.quantity - state.stock.base


def stock_cells(state: GridState, rules: VenueRules) -> GridState:
    """Return the state after the stock went to the cells that wait for coin, from the top down.

    Each gets its quantity in full. What is left when all have it joins them in equal parts; what is
    left when the next cell cannot be completed any more goes to that cell alone.
    """
    plan = state.plan
    waiting = [
        number
        for number in reversed(range(len(state.cells)))
        if state.cells[number].side is Side.SELL and not state.cells[number].base
    ]
    if plan is None or not waiting or not state.stock.base:
        return state
    covered = min(len(waiting), int(state.stock.base // plan.quantity))
    volumes = [plan.quantity] * covered
    rest = state.stock.base - covered * plan.quantity
    if covered == len(waiting):
        extra = rules.floor_volume(rest / covered)
        volumes = [volume + extra for volume in volumes]
        volumes[-1] += rest - covered * extra
        rest = _ZERO
    elif not plan.purchase or lacking_base(state) * plan.entry < rules.min_total:
        volumes.append(rest)
        rest = _ZERO
    *costs, rest_cost = split(state.stock.cost, (*volumes, rest))
    cells = list(state.cells)
    for number, volume, cost in zip(waiting, volumes, costs, strict=False):
        cells[number] = _stocked(plan, number, Stock(base=volume, cost=cost), rules)
    return replace(state, cells=tuple(cells), stock=Stock(base=rest, cost=rest_cost))


def _stocked(plan: GridPlan, number: int, stock: Stock, rules: VenueRules) -> Cell:
    cell = Cell(side=Side.SELL, base=stock.base, cost=stock.cost, initial=True)
    if cell_intent(plan, cell, number=number, rules=rules) is None:
        return replace(cell, side=Side.BUY)
    return cell


def to_stock(state: GridState) -> GridState:
    """Return the state with all coin taken out of the cells, at its cost."""
    return replace(
        state,
        cells=(),
        stock=Stock(base=held_base(state), cost=held_cost(state)),
        purchase_done=_ZERO,
    )


def _turn_drained(before: Cell, after: Cell) -> Cell:
    is_drained = before.base and not after.base
    return replace(after, side=Side.BUY, initial=False) if is_drained else after


def _with_cell(state: GridState, number: int, cell: Cell) -> GridState:
    cells = state.cells
    return replace(state, cells=(*cells[:number], cell, *cells[number + 1 :]))
