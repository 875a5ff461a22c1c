"""The grid strategy against the examples of the grid definition."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dantaro_runtime.core.orders import OrderState, Side
from dantaro_runtime.core.strategies.grid_state import GridPhase
from dantaro_runtime.core.strategies.protocol import GridBook
from tests.support.grid_exchange import GridExchange, make_grid

pytestmark = pytest.mark.unit

D = Decimal
BUY, SELL = Side.BUY, Side.SELL


def decimals(text: str) -> list[Decimal]:
    return [D(part) for part in text.split()]


def parts(exchange: GridExchange) -> GridBook:
    grid = exchange.strategy.book(exchange.state).grid
    assert grid is not None
    return grid


@pytest.fixture
def placed() -> GridExchange:
    exchange = GridExchange(make_grid())
    exchange.open()
    return exchange


def test_example_a_is_placed_as_defined(placed: GridExchange) -> None:
    assert placed.quote == D("385587.8634672046")
    assert placed.base == D("189.53860617")
    assert placed.prices(BUY) == decimals("3000 3100")
    assert placed.prices(SELL) == decimals("3300 3400 3500")
    assert placed.free() == D("0.0000052651")
    assert placed.strategy.cycle(placed.state) == 1
    assert placed.strategy.phase(placed.state) == "Running"
    assert placed.strategy.message(placed.state) == ""


def test_only_the_purchase_is_wanted_until_it_is_done() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    (intent,) = exchange.strategy.wanted(exchange.state, exchange.context()).orders
    assert (intent.slot, intent.side, intent.price) == ("i", BUY, D(3240))
    assert (intent.volume, intent.entry) == (D("189.53860617"), True)
    assert exchange.strategy.phase(exchange.state) == "BuyingInitial"


def test_orders_are_placed_from_the_price_outward_the_sell_first(placed: GridExchange) -> None:
    intents = placed.strategy.wanted(placed.state, placed.context()).orders
    assert [i.slot for i in intents] == ["c02s", "c01b", "c03s", "c00b", "c04s"]
    assert [i.entry for i in intents] == [False, True, False, True, False]


def test_example_a_events_in_order(placed: GridExchange) -> None:
    placed.fill("c01b")
    assert (placed.quote, placed.base) == (D("189633.3754783501"), D("252.71814156"))
    assert placed.prices(SELL)[0] == 3200
    placed.fill("c01s")
    assert (placed.quote, placed.base) == (D("391706.8014697261"), D("189.53860617"))
    assert parts(placed).grid_profit == D("6118.9380025215")
    placed.fill("c02s")
    assert (placed.quote, placed.base) == (D("600095.0220233326"), D("126.35907078"))
    assert parts(placed).initial_stock_gain == D("3584.1750426747")
    placed.last = D(3300)
    assert placed.equity() == D("1017079.9555973326")
    assert placed.prices(BUY) == decimals("3000 3100 3200")
    assert placed.prices(SELL) == decimals("3400 3500")


def test_a_partly_filled_buy_waits(placed: GridExchange) -> None:
    placed.fill("c01b", "20")
    assert (placed.quote, placed.base) == (D("323556.8634672046"), D("209.53860617"))
    assert len(placed.live) == 5
    assert placed.live["c01b"].remaining == D("43.17953539")


def test_example_a_stop_loss_is_all_exit_result() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"))
    exchange.open()
    exchange.fill("c01b")
    exchange.fill("c00b")
    assert exchange.quote == D("0.0000052651")
    assert exchange.base == D("315.89767695")
    assert exchange.prices(SELL) == decimals("3100 3200 3300 3400 3500")
    exchange.jump("2900")
    assert exchange.quote == D("915645.2115286876")
    assert exchange.base == 0
    assert parts(exchange) == GridBook(
        grid_profit=D(0), initial_stock_gain=D(0), exit_result=D("-84354.7884713124")
    )
    assert exchange.strategy.is_stopped(exchange.state)
    assert exchange.live == {}


def test_above_the_grid_every_cell_buys(placed: GridExchange) -> None:
    placed.jump("3501")
    assert placed.quote == D("1029696.9088147156")
    assert placed.base == 0
    assert placed.prices(BUY) == decimals("3000 3100 3200 3300 3400")
    assert placed.quote - placed.free() == D("1011378.0025231200")
    assert "above the grid" in placed.strategy.message(placed.state)


def test_one_tick_of_slippage_limits_the_purchase() -> None:
    exchange = GridExchange(make_grid(), slippage_ticks=1)
    exchange.open()
    assert exchange.base == D("189.50267013")
    assert exchange.quote == D("385514.757031724335")
    assert exchange.free() == D("0.000052758835")


@pytest.mark.parametrize(
    ("price", "want_quantity", "want_buys", "want_sells"),
    [
        pytest.param("2950", "67.76272880", 0, 5, id="below"),
        pytest.param("3500", "62.46876561", 5, 0, id="at-the-top"),
        pytest.param("3600", "62.46876561", 5, 0, id="above"),
    ],
)
def test_a_start_outside_the_range_does_not_wait(
    price: str, want_quantity: str, want_buys: int, want_sells: int
) -> None:
    exchange = GridExchange(make_grid(), price=price)
    exchange.open()
    assert len(exchange.prices(BUY)) == want_buys
    assert len(exchange.prices(SELL)) == want_sells
    assert {order.volume for order in exchange.live.values()} == {D(want_quantity)}
    assert "the grid" in exchange.strategy.message(exchange.state)


def test_example_b_is_placed_on_geometric_lines() -> None:
    exchange = GridExchange(make_grid("4800", "5300", 4, spacing="Geometric"), price="5050")
    exchange.open()
    assert exchange.prices(BUY) == decimals("4800 4920")
    assert exchange.prices(SELL) == decimals("5170 5300")


@pytest.mark.parametrize(
    "jumps",
    [pytest.param(["3801"], id="in-one-jump"), pytest.param(["3600", "3700", "3801"], id="by-one")],
)
def test_trailing_up_ends_the_same_in_one_jump_and_step_by_step(jumps: list[str]) -> None:
    exchange = GridExchange(make_grid(trailing_up={}))
    exchange.open()
    for price in jumps:
        exchange.jump(price)
    assert exchange.prices(BUY) == decimals("3300 3400 3500 3600 3700")
    assert {order.volume for order in exchange.live.values()} == {D("58.81041815")}
    assert exchange.quote == D("1029696.9088147156")
    assert exchange.free() == D("0.0000309031")
    assert exchange.base == 0


def test_each_trailing_step_lowers_the_quantity_as_defined() -> None:
    exchange = GridExchange(make_grid(trailing_up={}))
    exchange.open()
    quantities = []
    for price in ("3600", "3700", "3801"):
        exchange.jump(price)
        assert exchange.state.plan is not None
        quantities.append(exchange.state.plan.quantity)
    assert quantities == decimals("62.37468591 60.54013633 58.81041815")


def test_trailing_stops_at_its_limit() -> None:
    exchange = GridExchange(make_grid(trailing_up={"limit_price": "3650"}))
    exchange.open()
    exchange.jump("3900")
    assert exchange.prices(BUY)[0] == 3100
    assert exchange.triggers() == ()


def test_a_buy_that_fills_while_it_is_cancelled_stops_the_move() -> None:
    exchange = GridExchange(make_grid(trailing_up={}), is_instant=False)
    exchange.open()
    exchange.fill("i")
    for slot in ("c02s", "c03s", "c04s"):
        exchange.fill(slot)
    exchange.late_fill = "c04b"
    exchange.trigger("trailing", "3600")
    assert exchange.prices(BUY) == decimals("3000 3100 3200 3300")
    assert exchange.prices(SELL) == decimals("3500")
    assert exchange.strategy.phase(exchange.state) == "Running"
    exchange.fill("c04s")
    exchange.jump("3600")
    assert exchange.prices(BUY) == decimals("3100 3200 3300 3400 3500")


def test_trailing_ends_with_a_reason_when_a_cell_would_earn_no_more() -> None:
    exchange = GridExchange(make_grid(upper="3020", trailing_up={}), price="3010")
    exchange.open()
    exchange.jump("4100")
    assert exchange.prices(BUY) == decimals("3000 3004 3008 3012 3016")
    assert exchange.reasons() == ["CycleStarted", "TrailingEnded"]
    assert "moves up no more" in exchange.strategy.message(exchange.state)
    exchange.open("4200")
    assert exchange.reasons() == ["CycleStarted", "TrailingEnded"]
    exchange.reset()
    assert exchange.reasons()[2:] == ["TrailingEnded"]


def test_triggers_are_armed_in_order_stop_take_profit_trailing() -> None:
    grid = make_grid(stop_loss="2900", take_profit="4000", trailing_up={})
    exchange = GridExchange(grid)
    exchange.open()
    assert [t.name for t in exchange.triggers()] == ["stop-loss", "take-profit"]
    exchange.jump("3501")
    assert [(t.name, t.price) for t in exchange.triggers()] == [
        ("stop-loss", D(2900)),
        ("take-profit", D(4000)),
        ("trailing", D(3600)),
    ]
    exchange.entries_allowed = False
    assert [t.name for t in exchange.triggers()] == ["stop-loss", "take-profit"]


def test_stop_loss_is_armed_while_buying_once_coin_is_held() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"), is_instant=False)
    exchange.open()
    assert exchange.triggers() == ()
    exchange.fill("i", "50")
    assert [t.name for t in exchange.triggers()] == ["stop-loss"]
    exchange.trigger("stop-loss", "2900")
    assert set(exchange.live) == {"x"}
    exchange.fill("x")
    assert exchange.state.phase is GridPhase.STOPPED


def test_take_profit_stops_without_coin_and_cancels_the_buys() -> None:
    exchange = GridExchange(make_grid(take_profit="3600"))
    exchange.open()
    exchange.jump("3600")
    assert exchange.live == {}
    assert exchange.strategy.is_stopped(exchange.state)
    assert exchange.quote == D("1029696.9088147156")
    assert parts(exchange).exit_result == 0
    assert "take profit was reached at 3600" in exchange.strategy.message(exchange.state)


def test_take_profit_sells_a_remainder() -> None:
    exchange = GridExchange(make_grid(take_profit="3600"), is_instant=False)
    exchange.open()
    exchange.fill("i")
    exchange.trigger("take-profit", "3600")
    assert [(s, o.volume) for s, o in exchange.live.items()] == [("x", D("189.53860617"))]
    exchange.fill("x")
    assert parts(exchange).exit_result > 0
    assert exchange.strategy.is_stopped(exchange.state)


def test_a_stopped_grid_starts_again_only_after_a_reset_and_above_its_stop() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"))
    exchange.open()
    exchange.jump("2850")
    exchange.open("3240")
    assert exchange.strategy.is_stopped(exchange.state)
    exchange.jump("2850")
    exchange.reset()
    exchange.open()
    assert "must be above the stop loss 2900, was 2850" in exchange.strategy.message(exchange.state)
    assert exchange.strategy.phase(exchange.state) == "Waiting"
    exchange.open("3240")
    assert exchange.strategy.phase(exchange.state) == "Running"
    assert exchange.strategy.cycle(exchange.state) == 2


def test_keep_stops_with_the_coin_at_its_cost_and_a_reset_uses_it_as_stock() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900", stop_action="Keep"))
    exchange.open()
    exchange.jump("2890")
    cost = exchange.strategy.book(exchange.state).cost
    assert exchange.live == {}
    assert exchange.strategy.is_stopped(exchange.state)
    assert exchange.base == D("315.89767695")
    exchange.reset()
    exchange.open("3250")
    assert exchange.strategy.phase(exchange.state) == "Running"
    assert exchange.strategy.cycle(exchange.state) == 2
    # The coin of the cells below the price was sold to pay for their buys.
    assert exchange.prices(BUY) == decimals("3000 3100")
    assert exchange.prices(SELL) == decimals("3300 3400 3500")
    assert exchange.strategy.book(exchange.state).cost < cost


def test_flatten_sells_kept_coin_and_twice_is_as_once() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900", stop_action="Keep"))
    exchange.open()
    exchange.jump("2890")
    exchange.flatten()
    quote, state = exchange.quote, exchange.state
    assert exchange.base == 0
    exchange.flatten()
    assert (exchange.quote, exchange.state) == (quote, state)


def test_flatten_sells_what_a_higher_price_made_worth_an_order() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.fill("i")
    exchange.jump("3000")
    exchange.flatten()
    exchange.fill("x", exchange.live["x"].volume - Decimal("1.6"))
    exchange.end("x", OrderState.CANCELLED)
    assert (exchange.state.phase, exchange.live) == (GridPhase.STOPPED, {})
    exchange.jump("3200")
    exchange.flatten()
    assert exchange.live["x"].volume == Decimal("1.6")


def test_a_late_fill_after_the_sale_is_sold_too() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"), is_instant=False)
    exchange.open()
    exchange.fill("i")
    exchange.late_fill = "c00b"
    exchange.trigger("stop-loss", "2900")
    assert exchange.live["x"].volume == D("252.71814156")
    exchange.fill("x", "100")
    assert exchange.live["x"].remaining == D("152.71814156")
    exchange.fill("x")
    assert exchange.base == 0
    assert exchange.state.phase is GridPhase.STOPPED


def test_an_exit_that_ends_early_is_asked_for_again() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.fill("i")
    exchange.flatten()
    exchange.fill("x", "100")
    exchange.end("x")
    assert exchange.live["x"].volume == D("89.53860617")
    exchange.fill("x")
    assert exchange.strategy.is_stopped(exchange.state)


def test_dust_that_is_worth_no_order_stays_at_its_cost() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.fill("i", "1")
    exchange.flatten()
    assert exchange.live == {}
    assert exchange.strategy.is_stopped(exchange.state)
    assert exchange.strategy.book(exchange.state).cost == D("3241.62")


def test_no_cycle_starts_without_leave() -> None:
    exchange = GridExchange(make_grid())
    exchange.entries_allowed = False
    exchange.open()
    assert exchange.strategy.cycle(exchange.state) == 0
    assert exchange.live == {}


# A venue's cap of open orders


def test_only_the_nearest_lines_are_wanted_where_a_venue_caps_open_orders(
    placed: GridExchange,
) -> None:
    whole = placed.strategy.wanted(placed.state, placed.context()).orders
    assert len(whole) == 5
    for cap in range(1, 6):
        rules = replace(placed.rules, max_open_orders=cap)
        context = replace(placed.context(), rules=rules)
        assert placed.strategy.wanted(placed.state, context).orders == whole[:cap]


def test_a_fill_brings_the_next_line_in_under_a_cap(placed: GridExchange) -> None:
    rules = replace(placed.rules, max_open_orders=3)
    placed.fill("c01b")
    context = replace(placed.context(), rules=rules)
    wanted = placed.strategy.wanted(placed.state, context).orders
    assert [o.slot for o in wanted] == ["c01s", "c00b", "c02s"]
