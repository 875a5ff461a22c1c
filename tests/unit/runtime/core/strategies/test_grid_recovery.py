"""A grid is rebuilt from orders and fills alone, or not at all."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dantaro_crds.errors import SafetyError
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_runtime.core.orders import Fill, Order, OrderState
from dantaro_runtime.core.strategies.grid_recovery import recover_grid
from dantaro_runtime.core.strategies.grid_state import GridPhase, GridState
from tests.support.paper_bot import make_series
from tests.support.replay import Replay

pytestmark = pytest.mark.unit

D = Decimal
POINTS = st.integers(2950, 3900)


def run(candles: list[str], **fields: Any) -> Replay:
    grid = {"lower_price": "3000", "upper_price": "3500", "grids": 5, **fields}
    bot = Replay(StrategyConfig.model_validate({"grid": grid}), D(1_000_000))
    bot.walk(make_series(*candles))
    return bot


def recovered(bot: Replay, orders: list[Order] | None = None) -> GridState:
    assert bot.config.grid is not None
    return recover_grid(
        bot.config.grid,
        bot.rules,
        orders=list(bot.orders.values()) if orders is None else orders,
        fills=bot.fills,
    )


@settings(max_examples=60, database=None)
@given(
    st.lists(st.tuples(POINTS, POINTS, POINTS, POINTS), min_size=1, max_size=12),
    st.sampled_from([{}, {"trailing_up": {}}, {"grids": 12, "spacing": "Geometric"}]),
)
def test_a_rebuilt_grid_is_the_one_that_ran(
    points: list[tuple[int, int, int, int]], fields: dict[str, Any]
) -> None:
    bot = run([f"{a} {max(p)} {min(p)} {p[3]}" for p in points for a in p[:1]], **fields)
    state = bot.desk.state
    assume(state.phase is GridPhase.RUNNING)
    found = recovered(bot)
    assert state.plan is not None
    assert found.plan is not None
    plan = replace(found.plan, entry=state.plan.entry) if not found.plan.purchase else found.plan
    assert replace(found, plan=plan) == replace(state, trailing_end="")


FALL = ["3240", "3240 3240 3090 3120"]


def test_parts_that_were_executed_are_in_their_cells() -> None:
    bot = run(FALL)
    order = next(o for o in bot.orders.values() if o.state is OrderState.OPEN and o.slot == "c00b")
    part = Fill(
        trade_id="99",
        client_id=order.client_id,
        time=order.created,
        side=order.side,
        price=D(3000),
        volume=D(20),
        fee=D(30),
        maker=True,
    )
    orders = dict(bot.orders)
    orders[order.client_id] = replace(order, filled_volume=D(20))
    bot.fills.append(part)
    state = recovered(bot, list(orders.values()))
    assert (state.cells[0].base, state.cells[0].done) == (D(20), D(20))
    orders[order.client_id] = replace(order, filled_volume=D(20), state=OrderState.CANCELLED)
    state = recovered(bot, list(orders.values()))
    assert (state.cells[0].side, state.cells[0].done) == ("Sell", D(0))


def other(name: str, **changes: Any) -> Callable[[list[Order]], list[Order]]:
    def change(orders: list[Order]) -> list[Order]:
        return [replace(o, **changes) if o.slot == name else o for o in orders]

    return change


def again(order: Order) -> Order:
    """Return an order as another one of the same slot that has just been placed."""
    return replace(
        order,
        client_id=f"{order.slot}-9",
        filled_volume=D(0),
        filled_funds=D(0),
        fee=D(0),
        state=OrderState.OPEN,
    )


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda orders: [o for o in orders if o.slot == "i"], "no cell"),
        (lambda orders: orders[1:], "fill 1 is of no known order"),
        (other("c01b", filled_volume=D(1)), "are missing"),
        (other("c00b", price=D(2999)), "stands on no line"),
        (other("c00b", volume=D(1)), "no multiple|not the order"),
        (other("c00b", slot="c01b"), "other side|two orders|stands on no line"),
        (other("c00b", cycle=2), "first cycle"),
        (other("c04s", slot="x"), "first cycle"),
        (other("i", volume=D(200)), "in parts"),
        (other("c04s", volume=D(7)), "not the order"),
        (
            other("i", volume=D(190), filled_volume=D(190)),
            "purchase of 190 is no multiple of 63.16755671 per cell",
        ),
        (
            other("i", volume=D("379.00534026"), filled_volume=D("379.00534026")),
            "purchase of 379.00534026 is no multiple",
        ),
        (
            other("i", filled_volume=D(0), state=OrderState.OPEN),
            "fills of b07b07b0-1-i-1 are missing",
        ),
        (lambda orders: [*orders, again(orders[-1])], "a cell has two orders"),
        (lambda orders: [*orders, replace(again(orders[0]), slot="i")], "i-9 is open although"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    change: Callable[[list[Order]], list[Order]], why: str
) -> None:
    bot = run(FALL)
    recovered(bot)
    with pytest.raises(SafetyError, match=why):
        recovered(bot, change(list(bot.orders.values())))


def test_a_sale_before_the_buy_that_it_follows_is_refused() -> None:
    bot = run([*FALL, "3120 3250 3120 3250"])
    recovered(bot)
    bot.fills[-2:] = reversed(bot.fills[-2:])
    with pytest.raises(SafetyError, match="c01s-1 was filled out of turn"):
        recovered(bot)


@pytest.mark.parametrize(
    ("price", "why"),
    [
        pytest.param("3450", "no place of the ladder", id="between-two-lines"),
        pytest.param("1", "no place of the ladder", id="below-the-grid"),
        pytest.param("9000000", "no place of the ladder", id="beyond-all-lines"),
        pytest.param(None, "no place of the ladder", id="without-a-price"),
        pytest.param("3500", "c03b-1 stands on no place", id="of-one-cell-only"),
    ],
)
def test_a_grid_that_moved_up_moved_as_a_whole_and_by_whole_lines(
    price: str | None, why: str
) -> None:
    bot = run(["3600"])
    assert [order.slot for order in bot.orders.values()] == ["c04b", "c03b", "c02b", "c01b", "c00b"]
    moved = other("c04b", price=None if price is None else D(price))
    with pytest.raises(SafetyError, match=why):
        recovered(bot, moved(list(bot.orders.values())))
