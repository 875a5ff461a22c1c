"""Plans of a grid: the first of a cycle from price, budget and stock, and the move upwards."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_CEILING, Decimal

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.grid_bot_funcs import (
    ORDER_MARGIN,
    capital_per_unit,
    check_grid,
    check_lines,
    empty_line,
    entry_price,
    ladder_price,
    quantity_per_cell,
    smallest_budget,
    worst_case_capital,
)
from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.strategies.grid_state import GridPlan
from dantaro_runtime.core.strategies.protocol import Context

__all__ = ["build_plan", "build_shift", "check_stops", "trailing_price"]

_ZERO = Decimal(0)


def check_stops(grid: GridParameters, price: Decimal) -> None:
    """Refuse a grid that its own stop loss or take profit would end at once.

    Args:
        grid: The parameters.
        price: Last price, quote currency.

    Raises:
        SpecError: The last price is at or beyond one of them.
    """
    if grid.stop_loss is not None and price <= grid.stop_loss:
        raise SpecError(
            f"the last price must be above the stop loss {decimal_text(grid.stop_loss)}, "
            f"was {decimal_text(price)}: wait or lower it",
            field="spec.stopLoss",
            code="BelowStopLoss",
        )
    if grid.take_profit is not None and price >= grid.take_profit:
        raise SpecError(
            f"the last price must be below the take profit {decimal_text(grid.take_profit)}, "
            f"was {decimal_text(price)}: wait or raise it",
            field="spec.takeProfit",
            code="AboveTakeProfit",
        )


def build_plan(grid: GridParameters, context: Context, *, stock: Decimal) -> GridPlan:
    """Return the plan of a new cycle at the last price.

    The coin already owned stocks the cells first, from the top down. If it covers more cells than
    lie above the price, those sell at once as takers: that is how the surplus leaves.

    Args:
        grid: The object's parameters.
        context: Price, budget, own money and the venue's rules.
        stock: Coin already owned, base currency.

    Raises:
        SpecError: The grid is wrong, its stops are reached, or the money does not suffice.

    Source:
        Grid definition, sections 2 and 3.
    """
    rules = context.rules
    lines = check_grid(grid, rules)
    check_stops(grid, context.last)
    empty = empty_line(lines, context.last)
    entry = entry_price(context.last, rules, slippage_ticks=context.slippage_ticks)
    by_budget = quantity_per_cell(lines, rules, empty=empty, entry=entry, budget=context.budget)
    plan = GridPlan(
        parameters=grid,
        lines=lines,
        place=0,
        quantity=by_budget,
        entry=entry,
        buys=empty,
        purchase=_ZERO,
        started=context.time,
    )
    by_money = rules.floor_volume(_payable_quantity(plan, context, stock=stock))
    quantity = min(by_budget, by_money)
    lack = (grid.grids - empty) * quantity - stock
    if 0 < lack * entry < rules.min_total:
        # Too little to be bought: the cells take an equal part of what is there.
        quantity = rules.floor_volume(stock / (grid.grids - empty))
        lack = _ZERO
    if quantity * lines[0] < ORDER_MARGIN * rules.min_total:
        raise _too_little_money(plan, context, stock=stock)
    if lack > 0:
        return replace(plan, quantity=quantity, purchase=lack)
    stocked = max(grid.grids - empty, min(grid.grids, int(stock // quantity)), int(stock > 0))
    return replace(plan, quantity=quantity, buys=grid.grids - stocked)


def _payable_quantity(plan: GridPlan, context: Context, *, stock: Decimal) -> Decimal:
    """Return the largest quantity per cell for which own coin and own money suffice."""
    cells = len(plan.lines) - 1
    money = context.quote / (1 + context.rules.fee_rate)
    need = capital_per_unit(plan.lines, empty=plan.buys, entry=plan.entry)
    quantity = (money + stock * plan.entry) / need
    if (cells - plan.buys) * quantity >= stock:
        return quantity
    return max(_payable_when_stocked(plan, money=money, stock=stock))


def _payable_when_stocked(plan: GridPlan, *, money: Decimal, stock: Decimal) -> Iterator[Decimal]:
    # With `stocked` cells full of own coin, money has to pay the buys of the others only.
    cells = len(plan.lines) - 1
    for stocked in range(cells - plan.buys, cells + 1):
        bounds = []
        if stocked:
            bounds.append(stock / stocked)
        if stocked < cells:
            bounds.append(money / sum(plan.lines[: cells - stocked], _ZERO))
        yield min(bounds)


def _too_little_money(plan: GridPlan, context: Context, *, stock: Decimal) -> SpecError:
    rules = context.rules
    least = ORDER_MARGIN * rules.min_total
    smallest = smallest_budget(plan.lines, rules, empty=plan.buys, entry=plan.entry)
    if context.budget >= smallest:
        return SpecError(
            f"own money {context.quote:.2f} and own coin {decimal_text(stock)} do not pay for "
            f"orders of at least {decimal_text(least)} in every cell: put money in, use fewer "
            "grids or another range",
            field="spec.allocationRef",
            code="MoneyTooLittle",
        )
    step = Decimal(1).scaleb(-rules.quote_places)
    smallest = smallest.quantize(step, rounding=ROUND_CEILING)
    return SpecError(
        f"each order must be worth at least {decimal_text(least)}: the budget must be at least "
        f"{decimal_text(smallest)} at the price {decimal_text(context.last)}, was "
        f"{decimal_text(context.budget)}; raise it or use fewer grids",
        field="spec.allocationRef",
        code="BudgetTooSmall",
    )


def trailing_price(plan: GridPlan, rules: VenueRules) -> Decimal | None:
    """Return the price at which the grid moves up: the next one of its ladder.

    Returns:
        Quote currency; None if the grid does not trail, or is at its limit.
    """
    return _top_price(plan, rules, steps=1)


def _top_price(plan: GridPlan, rules: VenueRules, *, steps: int) -> Decimal | None:
    trailing = plan.parameters.trailing_up
    if trailing is None:
        return None
    place = plan.place + plan.parameters.grids + steps
    price = ladder_price(plan.parameters, rules, place=place)
    if trailing.limit_price is not None and price > trailing.limit_price:
        return None
    return price


def build_shift(plan: GridPlan, context: Context) -> GridPlan | None:
    """Return the plan moved up as far as the last price and the limit allow.

    Returns:
        None when the last price does not reach the next place.

    Raises:
        SpecError: The new lines are too close, or the money is too little for them.

    Source:
        Grid definition, section 6, trailing up.
    """
    rules = context.rules
    steps = 0
    while (top := _top_price(plan, rules, steps=steps + 1)) is not None and top <= context.last:
        steps += 1
    if not steps:
        return None
    place = plan.place + steps
    lines = check_lines(plan.parameters, rules, place=place)
    unit = worst_case_capital(lines, quantity=Decimal(1), fee_rate=rules.fee_rate)
    quantity = min(plan.quantity, rules.floor_volume(context.quote / unit))
    if quantity * lines[0] < ORDER_MARGIN * rules.min_total:
        raise SpecError(
            f"the lowest order must be worth at least "
            f"{decimal_text(ORDER_MARGIN * rules.min_total)}, would be "
            f"{quantity * lines[0]:.2f} at {decimal_text(lines[0])}",
            field="spec.trailingUp",
            code="MoneyTooLittle",
        )
    return replace(plan, lines=lines, place=place, quantity=quantity)
