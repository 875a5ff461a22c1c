"""What a grid remembers. Plain values only; the decisions are in the modules beside."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_runtime.core.orders import Side

__all__ = [
    "EXIT",
    "PURCHASE",
    "TRADING",
    "Cell",
    "GridPhase",
    "GridPlan",
    "GridState",
    "Refusal",
    "Stock",
    "cell_number",
    "cell_slot",
    "held_base",
    "held_cost",
]

PURCHASE = "i"
"""Slot of the initial purchase."""

EXIT = "x"
"""Slot of the sale of everything."""

_ZERO = Decimal(0)


class GridPhase(StrEnum):
    """Where a grid stands."""

    WAITING = "Waiting"
    """No plan yet: before the first start, after a reset, or the plan was refused."""
    BUYING_INITIAL = "BuyingInitial"
    """Only the initial purchase is wanted."""
    PLACING = "Placing"
    """The purchase filled in part: cells that it covers trade, the rest is still being bought."""
    RUNNING = "Running"
    """Each cell has one order."""
    SHIFTING = "Shifting"
    """All orders are being cancelled, so that the grid can move up."""
    REPLANNING = "Replanning"
    """All orders are being cancelled, so that new bounds can be planned."""
    CLOSING = "Closing"
    """All orders are being cancelled and the coin is sold, unless it is to be kept."""
    STOPPED = "Stopped"
    """Only a reset starts a new cycle."""


TRADING = frozenset({GridPhase.PLACING, GridPhase.RUNNING})
"""Phases in which cells have orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Coin that lies in no cell.

    Attributes:
        base: Base currency, >= 0.
        cost: What it cost, fees included, quote currency.
    """

    base: Decimal = _ZERO
    cost: Decimal = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell: it buys at its lower line or sells at its upper line, never both.

    Attributes:
        side: Of its present or next order.
        base: Coin it holds, base currency: what a sell offers, what a buy need not buy.
        cost: What that coin cost, fees included, quote currency.
        done: Executed part of its present order, base currency; 0 when it has none.
        initial: Whether the coin is of the initial stock, so that its sale completes no pair.
    """

    side: Side
    base: Decimal = _ZERO
    cost: Decimal = _ZERO
    done: Decimal = _ZERO
    initial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GridPlan:
    """The grid of one cycle.

    Attributes:
        parameters: What it was planned by; the object's may be newer.
        lines: Rising prices, one more than cells, quote currency.
        place: Place of the lowest line on the ladder; above 0 after moving up.
        quantity: Base currency per cell.
        entry: Limit of the initial purchase, quote currency.
        buys: Number of cells, from the bottom, that start with a buy.
        purchase: Coin that the initial purchase buys, base currency; 0 when own coin is enough.
        started: Market time of the plan.
    """

    parameters: GridParameters
    lines: tuple[Decimal, ...]
    place: int
    quantity: Decimal
    entry: Decimal
    buys: int
    purchase: Decimal
    started: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why the object's present parameters are not planned.

    Attributes:
        code: PascalCase.
        message: One sentence with the figures at the time of the first refusal.
        parameters: What was refused.
        budget: Quote currency that it was refused with.
    """

    code: str
    message: str
    parameters: GridParameters
    budget: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class GridState:
    """Everything that a grid remembers.

    Attributes:
        phase: Where it stands.
        cycle: Number of the present cycle; 0 before the first.
        plan: The grid; None while waiting.
        cells: From the bottom; empty while waiting.
        stock: Coin in no cell.
        purchase_done: Executed part of the present purchase, base currency.
        is_late: Whether the initial purchase took too long and is being cancelled.
        exit_order: Volume of a sale of everything that is filled in part, base currency; else 0.
        keeps_base: Whether closing leaves the coin unsold.
        grid_profit: Realised by pairs of buy and sell, quote currency.
        initial_stock_gain: Realised by first sells of the initial stock, quote currency.
        exit_result: Realised by sales of everything, quote currency.
        trailing_end: Why the grid moves up no more; empty while it may.
        stop_reason: Why it closes or stopped, one sentence.
        refusal: Why the object's parameters are not planned; None when they are.
    """

    phase: GridPhase = GridPhase.WAITING
    cycle: int = 0
    plan: GridPlan | None = None
    cells: tuple[Cell, ...] = ()
    stock: Stock = field(default_factory=Stock)
    purchase_done: Decimal = _ZERO
    is_late: bool = False
    exit_order: Decimal = _ZERO
    keeps_base: bool = False
    grid_profit: Decimal = _ZERO
    initial_stock_gain: Decimal = _ZERO
    exit_result: Decimal = _ZERO
    trailing_end: str = ""
    stop_reason: str = ""
    refusal: Refusal | None = None


def cell_slot(number: int, side: Side) -> str:
    """Return the slot of a cell's order: `c03b` is the buy of cell 3, `c03s` its sell."""
    return f"c{number:02d}{'b' if side is Side.BUY else 's'}"


def cell_number(slot: str) -> int:
    """Return the number of the cell that a slot belongs to."""
    return int(slot[1:3])


def held_base(state: GridState) -> Decimal:
    """Return all coin held, base currency."""
    return sum((cell.base for cell in state.cells), state.stock.base)


def held_cost(state: GridState) -> Decimal:
    """Return what all coin held cost, fees included, quote currency."""
    return sum((cell.cost for cell in state.cells), state.stock.cost)
