"""Whatever happens to a grid, its books add up and its orders keep to the rules.

The invariants stand in `GridExchange.check`, which runs after every event; each state goes through
JSON there, so that every event is also a restart.
"""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.grid_bot_funcs import check_grid
from dantaro_crds.v1alpha1.strategies import GridParameters, StopAction
from dantaro_crds.venues import KRW_TICKS, rules_for
from dantaro_runtime.core.orders import Order, OrderState, Side
from tests.support.grid_exchange import GridExchange, make_grid

pytestmark = pytest.mark.unit

KRW = rules_for("paper", "KRW-BTC")
MIDDLE = Decimal(5000)


def near(percent: int) -> str:
    return str(KRW_TICKS.nearest(MIDDLE * percent / 100))


@st.composite
def grids(draw: st.DrawFn) -> GridParameters:
    lower = draw(st.integers(70, 105))
    upper = lower + draw(st.integers(3, 40))
    grid = make_grid(
        near(lower),
        near(upper),
        draw(st.integers(2, 12)),
        spacing=draw(st.sampled_from(["Arithmetic", "Geometric"])),
        stop_loss=near(lower - draw(st.integers(2, 10))) if draw(st.booleans()) else None,
        stop_action=draw(st.sampled_from(["Sell", "Keep"])),
        take_profit=near(upper + draw(st.integers(2, 30))) if draw(st.booleans()) else None,
        trailing_up={} if draw(st.booleans()) else None,
    )
    try:
        check_grid(grid, KRW)
    except SpecError:
        return make_grid()
    return grid


@st.composite
def events(draw: st.DrawFn) -> tuple[str, int, GridParameters | None]:
    kind = draw(
        st.sampled_from(
            ["jump"] * 12
            + ["open"] * 10
            + ["part", "end"] * 6
            + ["fill", "reject", "late", "change", "reset"] * 3
            + ["flatten", "leave"]
        )
    )
    grid = draw(grids()) if kind == "change" else None
    return kind, draw(st.integers(0, 10_000)), grid


def reachable(exchange: GridExchange) -> list[str]:
    """Return the orders that the market can fill next: the nearest of each side, and takers."""
    cells = [order for order in exchange.live.values() if order.slot not in {"i", "x"}]
    buys = [order for order in cells if order.side is Side.BUY]
    sells = [order for order in cells if order.side is Side.SELL]
    nearest = sorted(buys, key=price_of)[-1:] + sorted(sells, key=price_of)[:1]
    return sorted({"i", "x"} & set(exchange.live)) + [order.slot for order in nearest]


def price_of(order: Order) -> Decimal:
    return order.price or Decimal(0)


def play(exchange: GridExchange, kind: str, number: int, grid: GridParameters | None) -> None:
    slots = reachable(exchange) if kind in {"part", "fill"} else sorted(exchange.live)
    if kind == "change" and grid is not None:
        exchange.change(grid)
    elif kind == "jump":
        exchange.jump(MIDDLE * (6000 + number * 8 // 10) / 10_000)
    elif kind == "reset":
        exchange.reset()
    elif kind == "flatten":
        exchange.flatten()
    elif kind == "leave":
        exchange.entries_allowed = number % 3 > 0
    elif kind == "open" or not slots:
        exchange.open(seconds=number % 90)
    else:
        touch(exchange, kind, number, slots[number % len(slots)])


def touch(exchange: GridExchange, kind: str, number: int, slot: str) -> None:
    if kind == "part":
        rest = exchange.live[slot].remaining
        exchange.fill(slot, KRW.floor_volume(rest * (number % 100 + 1) / 101) or rest)
    elif kind == "fill":
        exchange.fill(slot)
    elif kind == "late":
        exchange.late_fill = slot
    else:
        exchange.end(slot, OrderState.REJECTED if kind == "reject" else OrderState.CANCELLED)


@settings(max_examples=150)
@given(
    grid=grids(),
    steps=st.lists(events(), max_size=40),
    budget=st.sampled_from([30_000, 100_000, 1_000_000]),
    slippage=st.integers(0, 2),
    is_instant=st.booleans(),
)
def test_books_and_orders_keep_to_the_rules_whatever_happens(
    grid: GridParameters,
    steps: list[tuple[str, int, GridParameters | None]],
    budget: int,
    slippage: int,
    is_instant: bool,
) -> None:
    exchange = GridExchange(
        grid,
        budget=str(budget),
        price=str(MIDDLE),
        slippage_ticks=slippage,
        is_instant=is_instant,
    )
    exchange.open()
    for kind, number, other in steps:
        play(exchange, kind, number, other)
    exchange.flatten()
    while "x" in exchange.live:
        exchange.fill("x")
    assert exchange.live == {}
    assert exchange.base * exchange.last < KRW.min_total


@settings(max_examples=50)
@given(grid=grids(), prices=st.lists(st.integers(6000, 14_000), max_size=30))
def test_without_partial_fills_every_cell_holds_all_or_nothing(
    grid: GridParameters, prices: list[int]
) -> None:
    exchange = GridExchange(
        grid.model_copy(update={"stop_action": StopAction.SELL}), price=str(MIDDLE)
    )
    exchange.open()
    for price in prices:
        exchange.jump(MIDDLE * price / 10_000)
        plan, cells = exchange.state.plan, exchange.state.cells
        if plan is None or exchange.strategy.phase(exchange.state) != "Running":
            continue
        assert {cell.base for cell in cells} <= {Decimal(0), plan.quantity}
        assert len(exchange.live) == len(cells)
