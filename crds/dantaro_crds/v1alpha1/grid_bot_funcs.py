"""Pure values derived from one grid: its lines, what a cell earns, what money it takes.

Nothing here knows the present state of a market; where a price counts, it is an argument.
"""

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, localcontext
from functools import lru_cache
from itertools import pairwise

from dantaro_crds.errors import SpecError
from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import GridParameters, Spacing
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import VenueRules

__all__ = [
    "ORDER_MARGIN",
    "capital_per_unit",
    "check_budget",
    "check_grid",
    "check_lines",
    "empty_line",
    "entry_price",
    "ladder_price",
    "least_budget",
    "line_prices",
    "most_grids",
    "most_grids_by_fees",
    "net_fraction",
    "net_profit",
    "quantity_per_cell",
    "smallest_budget",
    "smallest_quantity",
    "sure_budget",
    "worst_case_capital",
]

ORDER_MARGIN = Decimal("1.05")
"""How many times the venue's smallest order value the lowest buy must be worth, so that a counter-
order is not refused. Source: grid definition, validation 4; hummingbot keeps the same margin."""

_WORK_DIGITS = 60
"""Digits that prices between the lines are computed with."""

_RAW = Context(prec=34)
"""Digits that a raw price keeps: the rest is noise of the root, and would spoil exact halves."""


@lru_cache(maxsize=256)
def _geometric_step(lower: Decimal, upper: Decimal, grids: int) -> Decimal:
    with localcontext(Context(prec=_WORK_DIGITS)):
        return ((upper / lower).ln() / grids).exp()


def _raw_price(grid: GridParameters, place: int) -> Decimal:
    lower, upper = grid.lower_price, grid.upper_price
    if place == grid.grids:
        return upper
    with localcontext(Context(prec=_WORK_DIGITS)):
        if grid.spacing is Spacing.ARITHMETIC:
            raw = lower + place * (upper - lower) / grid.grids
        else:
            raw = lower * _geometric_step(lower, upper, grid.grids) ** place
    return _RAW.plus(raw)


@exact
def ladder_price(grid: GridParameters, rules: VenueRules, *, place: int) -> Decimal:
    """Return one price of the endless ladder that the grid is a piece of.

    Args:
        grid: `lower_price` < `upper_price`.
        rules: Venue's rules; its ticks round.
        place: 0 is the lower price, `grids` the upper one; any integer.

    Returns:
        Quote currency, on a tick: nearest, half up, by the band of the unrounded price.

    Source:
        Grid definition, section 2.
    """
    return rules.ticks.nearest(_raw_price(grid, place))


@lru_cache(maxsize=64)
def line_prices(grid: GridParameters, rules: VenueRules, *, place: int = 0) -> tuple[Decimal, ...]:
    """Return the `grids` + 1 line prices, rising if the range is wide enough for them.

    Args:
        grid: `lower_price` < `upper_price`.
        rules: Venue's rules.
        place: Ladder place of the lowest line; above 0 after the grid has moved up.
    """
    return tuple(
        ladder_price(grid, rules, place=place + number) for number in range(grid.grids + 1)
    )


@exact
def net_profit(low: Decimal, high: Decimal, *, quantity: Decimal, fee_rate: Decimal) -> Decimal:
    """Return what a cell earns by a buy at `low` and a sell at `high`, both fees paid in quote.

    Args:
        low: Buy price, quote currency.
        high: Sell price, quote currency.
        quantity: Base currency.
        fee_rate: Fee of one side, fraction.
    """
    return quantity * ((high - low) - fee_rate * (low + high))


@exact
def net_fraction(low: Decimal, high: Decimal, *, fee_rate: Decimal) -> Decimal:
    """Return the same as a fraction of what the buy costs, its fee included."""
    return high * (1 - fee_rate) / (low * (1 + fee_rate)) - 1


def most_grids_by_fees(lower: Decimal, upper: Decimal, *, fee_rate: Decimal) -> int:
    """Return the largest number of cells that could all earn, before rounding to ticks.

    Whatever the spacing, the ratios of the cells multiply to `upper` / `lower`: no grid has more.
    """
    with localcontext(Context(prec=_WORK_DIGITS)):
        break_even = ((1 + fee_rate) / (1 - fee_rate)).ln()
        cells = (upper / lower).ln() / break_even if break_even else Decimal(10**9)
        return int(cells.to_integral_value(rounding=ROUND_FLOOR))


@lru_cache(maxsize=64)
def most_grids(grid: GridParameters, rules: VenueRules) -> int:
    """Return the largest number of grids (2 to 100) that works in this range; 0 if none does."""
    bound = most_grids_by_fees(grid.lower_price, grid.upper_price, fee_rate=rules.fee_rate)
    for number in range(min(bound, 100), 1, -1):
        fewer = grid.model_copy(update={"grids": number})
        if _first_bad_cell(line_prices(fewer, rules), rules) is None:
            return number
    return 0


def _first_bad_cell(lines: Sequence[Decimal], rules: VenueRules) -> tuple[Decimal, Decimal] | None:
    # From the top: with equal steps the highest cell earns least.
    for low, high in reversed(list(pairwise(lines))):
        if net_fraction(low, high, fee_rate=rules.fee_rate) <= 0:
            return low, high
    return None


def check_lines(grid: GridParameters, rules: VenueRules, *, place: int = 0) -> tuple[Decimal, ...]:
    """Return the lines if they rise and each cell earns after fees.

    Arguments are those of `line_prices`.

    Raises:
        SpecError: Two lines fall on one tick, or a cell loses money after fees.
    """
    lines = line_prices(grid, rules, place=place)
    cell = _first_bad_cell(lines, rules)
    if cell is None:
        return lines
    low, high = cell
    advice = "" if place else _advice(grid, rules)
    equal = next((low for low, high in pairwise(lines) if high <= low), None)
    if equal is not None:
        raise SpecError(
            f"too many grids for this range: two of {grid.grids + 1} lines fall on "
            f"{decimal_text(equal)}{advice}",
            field="spec.grids",
            code="TooManyGrids",
        )
    net = 100 * net_fraction(low, high, fee_rate=rules.fee_rate)
    raise SpecError(
        f"each cell must earn after fees of {decimal_text(100 * rules.fee_rate)} % a side: "
        f"{decimal_text(low)} to {decimal_text(high)} makes {net:.5f} %{advice}",
        field="spec.grids",
        code="CellLosesMoney",
    )


def _advice(grid: GridParameters, rules: VenueRules) -> str:
    most = most_grids(grid, rules)
    return f"; use at most {most} grids or widen the range" if most else "; widen the range"


@exact
def check_grid(grid: GridParameters, rules: VenueRules) -> tuple[Decimal, ...]:
    """Return the line prices of a grid that can start at some price.

    Arguments are those of `line_prices`.

    Raises:
        SpecError: With the field and what to do: lower price not below the upper one, a price off
            its tick, too many grids, a cell that loses money, a stop inside the range.

    Source:
        Grid definition, validation before start: all that needs no live figures.
    """
    if not grid.lower_price < grid.upper_price:
        raise SpecError(
            "lowerPrice must be below upperPrice, were "
            f"{decimal_text(grid.lower_price)} and {decimal_text(grid.upper_price)}",
            field="spec.lowerPrice",
        )
    for name, price in (
        ("lowerPrice", grid.lower_price),
        ("upperPrice", grid.upper_price),
        ("stopLoss", grid.stop_loss),
        ("takeProfit", grid.take_profit),
    ):
        if price is not None:
            _check_tick(name, price, rules)
    lines = check_lines(grid, rules)
    lower, upper = grid.lower_price, grid.upper_price
    stop, profit = grid.stop_loss, grid.take_profit
    if stop is not None and stop >= lower:
        message = f"stopLoss must be below lowerPrice {decimal_text(lower)}"
        raise SpecError(f"{message}, was {decimal_text(stop)}", field="spec.stopLoss")
    if profit is not None and profit <= upper:
        message = f"takeProfit must be above upperPrice {decimal_text(upper)}"
        raise SpecError(f"{message}, was {decimal_text(profit)}", field="spec.takeProfit")
    return lines


def _check_tick(name: str, price: Decimal, rules: VenueRules) -> None:
    if rules.ticks.is_on_tick(price):
        return
    below, above = rules.ticks.floor(price), rules.ticks.ceil(price)
    nearest = f"{decimal_text(below)} or {decimal_text(above)}" if below else decimal_text(above)
    raise SpecError(
        f"{name} must be on a price tick of the venue, was {decimal_text(price)}: use {nearest}",
        field=f"spec.{name}",
    )


def empty_line(lines: Sequence[Decimal], price: Decimal) -> int:
    """Return the number of the line without an order: the highest line <= the price, or 0."""
    return max((number for number, line in enumerate(lines) if line <= price), default=0)


@exact
def entry_price(price: Decimal, rules: VenueRules, *, slippage_ticks: int) -> Decimal:
    """Return the limit of a purchase at the start: the price moved up by some ticks.

    Args:
        price: Last price, quote currency, on a tick or not.
        rules: Venue's rules.
        slippage_ticks: >= 0; with 0 the price itself, rounded up to a tick.
    """
    if slippage_ticks == 0:
        return rules.ticks.ceil(price)
    return rules.ticks.above(price, slippage_ticks)


@exact
def capital_per_unit(lines: Sequence[Decimal], *, empty: int, entry: Decimal) -> Decimal:
    """Return the money that a grid with 1 unit of base per cell binds at the start, without fees.

    Args:
        lines: Rising.
        empty: Number of the line without an order.
        entry: Price of the coin that the cells above it need, quote currency.
    """
    return (len(lines) - 1 - empty) * entry + sum(lines[:empty], Decimal(0))


@exact
def quantity_per_cell(
    lines: Sequence[Decimal], rules: VenueRules, *, empty: int, entry: Decimal, budget: Decimal
) -> Decimal:
    """Return the base currency per cell that a budget pays, cut to the venue's decimals; may be 0.

    Args:
        lines: Rising.
        rules: Venue's rules.
        empty: Number of the line without an order.
        entry: Price of the first purchase, quote currency.
        budget: Quote currency.

    Source:
        Grid definition, section 3, no base owned.
    """
    need = capital_per_unit(lines, empty=empty, entry=entry)
    return rules.floor_volume(budget / (need * (1 + rules.fee_rate)))


@exact
def smallest_quantity(
    lines: Sequence[Decimal], rules: VenueRules, *, empty: int, entry: Decimal
) -> Decimal:
    """Return the least base currency per cell with which every order is worth enough.

    Arguments are those of `quantity_per_cell`.
    """
    least = ORDER_MARGIN * rules.min_total / lines[0]
    bought = len(lines) - 1 - empty
    if bought:
        # Far below the range the purchase, not the lowest buy, is the smallest order.
        least = max(least, rules.min_total / (bought * entry))
    return least.quantize(Decimal(1).scaleb(-rules.volume_places), rounding=ROUND_CEILING)


@exact
def smallest_budget(
    lines: Sequence[Decimal], rules: VenueRules, *, empty: int, entry: Decimal
) -> Decimal:
    """Return the smallest budget for a start at a known price, quote currency, not rounded.

    Arguments are those of `quantity_per_cell`.
    """
    need = capital_per_unit(lines, empty=empty, entry=entry)
    quantity = smallest_quantity(lines, rules, empty=empty, entry=entry)
    return quantity * need * (1 + rules.fee_rate)


@exact
def least_budget(grid: GridParameters, rules: VenueRules) -> Decimal:
    """Return the budget below which the grid can start at no price in or above its range.

    The cheapest start is at the lowest line, where all coin is bought at that price. (Far below the
    range a start may cost less still; a smaller budget than this leaves it no room to trade.)

    Args:
        grid: A grid that passes `check_grid`.
        rules: Venue's rules.

    Returns:
        Quote currency, not rounded.
    """
    lines = line_prices(grid, rules)
    return smallest_budget(lines, rules, empty=0, entry=lines[0])


@exact
def sure_budget(grid: GridParameters, rules: VenueRules, *, slippage_ticks: int) -> Decimal:
    """Return the budget with which the grid can start wherever the price is: the worst case.

    Between two lines the money needed rises with the price, and falls where a line is passed; so
    the highest price below each line is looked at, and a price above all lines.

    Args:
        grid: A grid that passes `check_grid`.
        rules: Venue's rules.
        slippage_ticks: Ticks that the first purchase may cost above the last price.

    Returns:
        Quote currency, not rounded.
    """
    lines = line_prices(grid, rules)
    starts = [(len(lines) - 1, lines[-1])]
    for empty, line in enumerate(lines[1:]):
        # A last price need not be on a tick: just below the line it is rounded up to the line.
        starts.append((empty, rules.ticks.above(line, max(slippage_ticks - 1, 0))))
    return max(smallest_budget(lines, rules, empty=empty, entry=entry) for empty, entry in starts)


@exact
def worst_case_capital(
    lines: Sequence[Decimal], *, quantity: Decimal, fee_rate: Decimal
) -> Decimal:
    """Return the quote currency that the open buys bind with the price above the grid: all of them.

    It may exceed the budget; the rest then comes from the gain on the coin bought at the start.

    Args:
        lines: Rising.
        quantity: Base currency per cell.
        fee_rate: Fee of one side, fraction.
    """
    return quantity * sum(lines[:-1], Decimal(0)) * (1 + fee_rate)


@exact
def check_budget(grid: GridParameters, rules: VenueRules, *, budget: Decimal) -> None:
    """Refuse a budget with which the grid can start at no price in or above its range.

    Args:
        grid: A grid that passes `check_grid`.
        rules: Venue's rules.
        budget: Quote currency.

    Raises:
        SpecError: With the smallest budget that would do.
    """
    least = least_budget(grid, rules)
    if budget >= least:
        return
    sure = sure_budget(grid, rules, slippage_ticks=1)
    raise SpecError(
        f"the budget of {grid.grids} grids from {decimal_text(grid.lower_price)} must be at least "
        f"{_text_up(least, rules)} ({_text_up(sure, rules)} wherever the price is), "
        f"was {decimal_text(budget)}: raise it or use fewer grids",
        field="spec.allocationRef",
        code="BudgetTooSmall",
    )


def _text_up(amount: Decimal, rules: VenueRules) -> str:
    step = Decimal(1).scaleb(-rules.quote_places)
    return decimal_text(amount.quantize(step, rounding=ROUND_CEILING))
