"""The grid strategy when things end early, come in parts, are refused or are changed."""

from decimal import Decimal

import pytest

from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_runtime.core.orders import OrderState, Side
from dantaro_runtime.core.strategies.grid_cells import split
from dantaro_runtime.core.strategies.grid_state import GridPhase
from tests.support.grid_exchange import GridExchange, make_grid

pytestmark = pytest.mark.unit

D = Decimal
BUY, SELL = Side.BUY, Side.SELL
Q = D("63.17953539")


def decimals(text: str) -> list[Decimal]:
    return [D(part) for part in text.split()]


def place(grid: GridParameters | None = None, *, budget: str = "1000000") -> GridExchange:
    exchange = GridExchange(grid or make_grid(), budget=budget, is_instant=False)
    exchange.open()
    exchange.fill("i")
    return exchange


# Partial fills and early ends


def test_an_early_end_of_a_large_part_places_the_counter_order_for_it() -> None:
    exchange = place()
    exchange.fill("c01b", "20")
    exchange.end("c01b")
    assert exchange.live["c01s"].volume == 20
    exchange.fill("c01s")
    assert exchange.live["c01b"].volume == Q


def test_an_early_end_of_dust_keeps_it_and_wants_the_rest() -> None:
    exchange = place()
    exchange.fill("c01b", "1")
    exchange.end("c01b")
    assert exchange.live["c01b"].volume == Q - 1
    exchange.fill("c01b")
    assert exchange.live["c01s"].volume == Q


def test_an_early_end_of_a_sell_buys_back_what_was_sold() -> None:
    exchange = place()
    exchange.fill("c02s", "20")
    exchange.end("c02s")
    assert exchange.live["c02b"].volume == 20
    exchange.fill("c02b")
    assert exchange.live["c02s"].volume == Q


def test_an_early_end_of_a_barely_begun_sell_offers_the_rest() -> None:
    exchange = place()
    exchange.fill("c02s", "1")
    exchange.end("c02s")
    assert exchange.live["c02s"].volume == Q - 1
    exchange.fill("c02s")
    assert exchange.live["c02b"].volume == Q


@pytest.mark.parametrize("state", [OrderState.CANCELLED, OrderState.REJECTED])
def test_an_end_without_a_fill_changes_nothing_and_the_order_is_wanted_again(
    state: OrderState,
) -> None:
    exchange = place()
    before = exchange.state
    first = exchange.live["c01b"].client_id
    exchange.end("c01b", state)
    assert exchange.state == before
    assert exchange.live["c01b"].client_id != first


def test_a_cell_whose_halves_are_both_too_small_stays_pending() -> None:
    exchange = place(budget="28000")
    volume = exchange.live["c00b"].volume
    exchange.fill("c00b", (volume / 2).quantize(D("1e-8")))
    exchange.end("c00b")
    assert len(exchange.live) == 4
    assert exchange.state.phase is GridPhase.RUNNING


def test_parts_of_a_sale_add_up_to_the_profit_of_the_whole() -> None:
    whole, halves = place(), place()
    whole.fill("c02s")
    for part in ("1.00000001", "30", "32.17953538"):
        halves.fill("c02s", part)
    assert whole.strategy.book(whole.state) == halves.strategy.book(halves.state)


def test_shares_of_a_cost_add_up_exactly() -> None:
    shares = split(D(100), (D(1), D(1), D(1), D(0)))
    assert shares == (D("33.333333333333"), D("33.333333333333"), D("33.333333333334"), D(0))
    assert split(D(7), (D(2), D(0))) == (D(7), D(0))


# Initial purchase


def test_a_purchase_that_buys_nothing_in_time_is_planned_again_as_the_same_cycle() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.open(seconds=59)
    assert set(exchange.live) == {"i"}
    exchange.open(seconds=1)
    assert exchange.live == {}
    assert "nothing bought" in exchange.strategy.message(exchange.state)
    exchange.last = D(3340)
    exchange.open(seconds=1)
    assert exchange.live["i"].price == 3340
    assert exchange.strategy.cycle(exchange.state) == 1
    exchange.fill("i")
    assert exchange.prices(SELL) == decimals("3400 3500")
    assert exchange.strategy.message(exchange.state) == ""
    assert exchange.reasons() == ["CycleStarted", "InitialPurchaseFailed"]


def test_a_refused_purchase_is_noted_once_however_often_it_is_tried() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    for _ in range(4):
        exchange.open()
        exchange.end("i", OrderState.REJECTED)
    assert exchange.reasons() == ["CycleStarted", "InitialPurchaseFailed"]


def test_a_purchase_that_is_never_let_through_is_planned_again() -> None:
    exchange = GridExchange(make_grid())
    exchange.open()
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.live.clear()
    exchange.last = D(3340)
    exchange.open()
    assert exchange.live["i"].price == 3340
    assert exchange.strategy.cycle(exchange.state) == 1
    assert exchange.reasons() == ["CycleStarted", "InitialPurchaseFailed"]


def test_a_partly_filled_purchase_serves_cells_from_the_top_and_buys_the_rest() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.fill("i", "100")
    exchange.open()
    assert exchange.strategy.phase(exchange.state) == "Placing"
    assert exchange.prices(SELL) == decimals("3500")
    assert exchange.prices(BUY) == decimals("3000 3100 3240")
    assert exchange.live["i"].volume == D("89.53860617")
    exchange.fill("i", "60")
    assert exchange.live["i"].remaining == D("29.53860617")
    exchange.fill("i")
    assert exchange.strategy.phase(exchange.state) == "Running"
    assert exchange.prices(SELL) == decimals("3300 3400 3500")
    assert exchange.quote == D("385587.8634672046")
    assert sum(cell.cost for cell in exchange.state.cells) == D("614412.1365327954")


def test_a_purchase_that_lacks_less_than_an_order_leaves_one_cell_smaller() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.fill("i", "188.53860617")
    exchange.end("i")
    assert exchange.strategy.phase(exchange.state) == "Running"
    assert exchange.live["c02s"].volume == Q - 1
    exchange.fill("c02s")
    assert exchange.live["c02b"].volume == Q


# Refusals


@pytest.mark.parametrize(
    ("grid", "budget", "price", "want"),
    [
        pytest.param(make_grid(), "27698", "3240", "at least 27699 at the price 3240", id="money"),
        pytest.param(
            make_grid(), "1000", "10", "at least 5003 at the price 10", id="money-far-below"
        ),
        pytest.param(make_grid("1000", "1010", 20), "1000000", "1005", "too many", id="lines"),
        pytest.param(
            make_grid(take_profit="3600"), "1000000", "3600", "below the take profit", id="profit"
        ),
    ],
)
def test_a_refused_plan_waits_and_is_noted_once(
    grid: GridParameters, budget: str, price: str, want: str
) -> None:
    exchange = GridExchange(grid, budget=budget, price=price)
    exchange.open()
    exchange.open()
    assert exchange.live == {}
    assert exchange.strategy.phase(exchange.state) == "Waiting"
    assert want in exchange.strategy.message(exchange.state)
    assert len(exchange.notes) == 1


def test_the_smallest_budget_of_the_refusal_is_enough() -> None:
    exchange = GridExchange(make_grid(), budget="27699")
    exchange.open()
    assert exchange.strategy.phase(exchange.state) == "Running"


# Changed parameters


def test_new_bounds_end_the_cycle_and_the_coin_becomes_stock_at_its_cost() -> None:
    exchange = place()
    cost = exchange.strategy.book(exchange.state).cost
    exchange.change(make_grid("2900", "3600", 7))
    exchange.open()
    assert exchange.strategy.phase(exchange.state) == "Replanning"
    assert exchange.live == {}
    assert "being cancelled" in exchange.strategy.message(exchange.state)
    exchange.last = D(3240)
    exchange.open()
    assert exchange.strategy.cycle(exchange.state) == 2
    assert exchange.state.cells[6].initial
    if "i" in exchange.live:
        exchange.fill("i")
    assert exchange.prices(BUY) == decimals("2900 3000 3100")
    assert exchange.prices(SELL) == decimals("3300 3400 3500 3600")
    assert exchange.strategy.book(exchange.state).cost >= cost
    assert exchange.strategy.book(exchange.state).realized == 0


def test_unwanted_new_bounds_leave_the_old_grid_and_say_why_once() -> None:
    exchange = place()
    live = dict(exchange.live)
    exchange.change(make_grid("3000", "3005", 20))
    exchange.open()
    exchange.open()
    assert exchange.live == live
    assert exchange.strategy.message(exchange.state).startswith("the old grid goes on: too many")
    assert exchange.reasons() == ["CycleStarted", "TooManyGrids"]
    exchange.change(make_grid())
    exchange.open()
    assert exchange.strategy.message(exchange.state) == ""


def test_bounds_that_the_money_no_longer_pays_bring_the_old_grid_back() -> None:
    exchange = place(budget="30000")
    exchange.change(make_grid("2800", "3400", 5))
    exchange.open()
    assert exchange.strategy.phase(exchange.state) == "Replanning"
    exchange.last = D(2800)
    exchange.change(make_grid("2800", "3400", 7))
    exchange.open()
    assert exchange.strategy.phase(exchange.state) == "Running"
    assert exchange.prices(BUY) == decimals("3000 3100")
    assert exchange.reasons()[-1] == "BudgetTooSmall"


def test_new_stops_are_taken_over_without_touching_an_order() -> None:
    exchange = place()
    live = dict(exchange.live)
    exchange.change(make_grid(stop_loss="2900", take_profit="3700", trailing_up={}))
    exchange.open()
    assert exchange.live == live
    assert exchange.strategy.cycle(exchange.state) == 1
    assert [t.name for t in exchange.triggers()] == ["stop-loss", "take-profit"]


def test_a_new_stop_above_the_price_is_refused_instead_of_selling_at_once() -> None:
    exchange = place()
    exchange.jump("2950")
    exchange.change(make_grid(stop_loss="2960"))
    exchange.open()
    assert "above the stop loss 2960, was 2950" in exchange.strategy.message(exchange.state)
    assert exchange.strategy.phase(exchange.state) == "Running"


def test_new_bounds_wait_for_leave_to_take_new_risk() -> None:
    exchange = place()
    exchange.change(make_grid("2900", "3600", 7))
    exchange.entries_allowed = False
    exchange.open()
    assert exchange.strategy.phase(exchange.state) == "Running"
    exchange.entries_allowed = True
    exchange.open()
    exchange.entries_allowed = False
    exchange.open()
    assert exchange.strategy.phase(exchange.state) == "Running"
    assert exchange.strategy.cycle(exchange.state) == 1


def test_a_raised_budget_changes_the_next_cycle_only() -> None:
    exchange = place()
    before = exchange.state
    exchange.budget += 500_000
    exchange.quote += 500_000
    exchange.open()
    assert exchange.state == before
    exchange.change(make_grid("2900", "3600", 7))
    exchange.open()
    exchange.last = D(3240)
    exchange.open()
    assert exchange.state.plan is not None
    assert exchange.state.plan.quantity > D(60)


def test_coin_is_sold_where_the_new_range_lies_below_the_price() -> None:
    exchange = GridExchange(make_grid())
    exchange.open()
    exchange.jump("2990")
    assert exchange.quote < 1
    exchange.change(make_grid("2700", "2900", 4))
    exchange.open()
    exchange.open()
    assert exchange.prices(BUY) == decimals("2700 2750 2800 2850")
    assert exchange.base == 0
    book = exchange.strategy.book(exchange.state)
    assert book.grid is not None
    assert book.grid.initial_stock_gain < 0
    assert book.grid.exit_result == 0
