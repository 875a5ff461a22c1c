"""The grid strategy between a decision and the end of the orders that it waits for."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dantaro_runtime.core.orders import Fill, OrderState, Side
from dantaro_runtime.core.strategies.grid_state import GridPhase, GridState, held_base
from dantaro_runtime.core.strategies.protocol import Context
from tests.support.grid_exchange import START, GridExchange, make_grid

pytestmark = pytest.mark.unit

D = Decimal


def above_the_grid(upper: str = "3500", price: str = "3240") -> GridExchange:
    exchange = GridExchange(make_grid(upper=upper, trailing_up={}), price=price)
    exchange.open()
    exchange.jump(D(upper) + 1)
    return exchange


def after_trigger(exchange: GridExchange, name: str, price: str) -> tuple[GridState, Context]:
    """Return the state after a trigger, before the exchange has cancelled anything."""
    exchange.last = D(price)
    context = exchange.context()
    return exchange.strategy.on_trigger(exchange.state, name, context).state, context


def test_a_move_waits_for_the_end_of_all_orders() -> None:
    exchange = above_the_grid()
    state, context = after_trigger(exchange, "trailing", "3600")
    assert state.phase is GridPhase.SHIFTING
    assert "then the grid moves up" in exchange.strategy.message(state)
    assert exchange.strategy.wanted(state, context).orders == ()
    assert exchange.strategy.on_open(state, context).state == state
    step = exchange.strategy.on_open(state, replace(context, live_orders=0))
    assert step.state.plan is not None
    assert step.state.plan.lines[0] == 3100
    assert [note.reason for note in step.notes] == ["GridMovedUp"]


def test_a_move_is_dropped_when_the_price_has_fallen_back() -> None:
    exchange = above_the_grid()
    state, context = after_trigger(exchange, "trailing", "3600")
    step = exchange.strategy.on_open(state, replace(context, live_orders=0, last=D(3550)))
    assert step.state == exchange.state
    assert exchange.strategy.on_trigger(exchange.state, "trailing", exchange.context()).notes == ()


def test_a_move_that_fails_its_checks_at_the_end_keeps_the_old_grid() -> None:
    exchange = above_the_grid("3020", "3010")
    state, context = after_trigger(exchange, "trailing", "3024")
    step = exchange.strategy.on_open(state, replace(context, live_orders=0, last=D(4200)))
    assert [note.reason for note in step.notes] == ["TrailingEnded"]
    assert step.state.plan == exchange.state.plan
    assert step.state.phase is GridPhase.RUNNING


def test_a_move_needs_money_for_the_smallest_order() -> None:
    exchange = above_the_grid()
    context = replace(exchange.context(), last=D(3600), quote=D(20_000))
    step = exchange.strategy.on_trigger(exchange.state, "trailing", context)
    assert "must be worth at least 5250, would be" in exchange.strategy.message(step.state)


def test_a_move_without_a_trailing_grid_does_nothing() -> None:
    exchange = GridExchange(make_grid())
    exchange.open()
    exchange.jump("3501")
    assert after_trigger(exchange, "trailing", "3600")[0] == exchange.state


def test_a_grid_that_is_not_complete_yet_does_not_move() -> None:
    exchange = above_the_grid()
    state = replace(exchange.state, phase=GridPhase.PLACING)
    context = replace(exchange.context(), last=D(3600))
    assert exchange.strategy.on_trigger(state, "trailing", context).state == state


def test_a_grid_may_take_up_another_market_only_before_its_first_cycle() -> None:
    exchange = GridExchange(make_grid())
    assert exchange.strategy.leave(exchange.state) == exchange.strategy.initial()
    exchange.open()
    assert exchange.strategy.leave(exchange.state) is None


def test_a_late_purchase_is_wanted_no_more_and_its_end_waited_for() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    context = replace(exchange.context(), time=START.replace(hour=1))
    state = exchange.strategy.on_open(exchange.state, context).state
    assert state.phase is GridPhase.BUYING_INITIAL
    assert exchange.strategy.wanted(state, context).orders == ()
    assert exchange.strategy.on_open(state, context).state == state
    later = replace(context, live_orders=0, entries_allowed=False)
    assert exchange.strategy.on_open(state, later).state.phase is GridPhase.WAITING


def test_closing_says_why_and_ignores_further_triggers() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"), is_instant=False)
    exchange.open()
    exchange.fill("i")
    state, context = after_trigger(exchange, "stop-loss", "2900")
    assert exchange.strategy.message(state) == "closing: the stop loss was reached at 2900"
    assert exchange.strategy.on_trigger(state, "stop-loss", context).state == state
    assert exchange.strategy.on_open(state, context).state == state
    assert not exchange.strategy.is_stopped(state)


def test_closing_offers_more_when_the_price_makes_dust_worth_an_order() -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.fill("i", "1.6")
    state = exchange.strategy.on_flatten(exchange.state, exchange.context()).state
    assert exchange.strategy.wanted(state, exchange.context()).orders[0].volume == D("1.6")
    cheap = replace(exchange.context(), last=D(3000))
    assert exchange.strategy.wanted(state, cheap).orders == ()


def test_a_fill_that_is_told_after_the_stop_is_sold_as_well() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"), is_instant=False)
    exchange.open()
    exchange.fill("i")
    order = replace(exchange.live["c00b"], state=OrderState.DONE)
    exchange.trigger("stop-loss", "2900")
    exchange.fill("x")
    assert exchange.strategy.is_stopped(exchange.state)
    fill = Fill(
        trade_id="late",
        client_id=order.client_id,
        time=START,
        side=Side.BUY,
        price=D(3000),
        volume=order.volume,
        fee=D(1),
        maker=True,
    )
    state = exchange.strategy.on_fill(exchange.state, order, fill, exchange.context()).state
    (intent,) = exchange.strategy.wanted(state, exchange.context()).orders
    assert (intent.slot, intent.volume) == ("x", order.volume)


@pytest.mark.parametrize("turned", [False, True])
def test_a_cell_that_was_sold_twice_takes_the_coin_of_others(turned: bool) -> None:
    exchange = GridExchange(make_grid(), is_instant=False)
    exchange.open()
    exchange.fill("i")
    ghost = replace(exchange.live["c03s"], state=OrderState.DONE)
    if turned:
        exchange.fill("c03s")
    before, volume = exchange.strategy.book(exchange.state), ghost.volume / 2 * 3
    fill = Fill(
        trade_id="late",
        client_id=ghost.client_id,
        time=START,
        side=Side.SELL,
        price=D(3400),
        volume=volume,
        fee=D(1),
        maker=True,
    )
    state = exchange.strategy.on_fill(exchange.state, ghost, fill, exchange.context()).state
    after = exchange.strategy.book(state)
    assert after.realized - before.realized == fill.funds - fill.fee - (before.cost - after.cost)
    assert held_base(exchange.state) - held_base(state) == volume
    drained = [cell for cell in state.cells if cell.side is Side.SELL and not cell.base]
    assert drained == []


def test_a_purchase_that_is_done_while_closing_is_sold_as_well() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"), is_instant=False)
    exchange.open()
    exchange.fill("i", "50")
    exchange.late_fill = "i"
    exchange.trigger("stop-loss", "2900")
    assert exchange.live["x"].volume == D("189.53860617")


def test_coin_that_no_order_can_be_made_of_stays_in_its_cell_until_the_next_cycle() -> None:
    exchange = GridExchange(make_grid(), budget="40000", is_instant=False)
    exchange.open()
    quantity = exchange.live["i"].volume / 3
    exchange.fill("i", 2 * quantity + D("1.2"))
    exchange.end("i")
    assert exchange.strategy.phase(exchange.state) == "Running"
    assert sorted(exchange.live) == ["c00b", "c01b", "c03s", "c04s"]
    assert exchange.state.cells[2].base == D("1.2")


def test_money_that_a_loss_made_too_little_is_named() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"), budget="28000")
    exchange.open()
    exchange.jump("2890")
    exchange.reset()
    exchange.open("3240")
    assert exchange.strategy.phase(exchange.state) == "Waiting"
    assert "do not pay for orders of at least 5250" in exchange.strategy.message(exchange.state)
