"""What holds for any candles and any resting orders."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.core.orders import Side
from dantaro_runtime.core.paper import PaperFill, PaperMarket, PaperOrder
from tests.support.paper_bot import (
    GridScript,
    PaperRun,
    Script,
    make_candle,
    make_market,
)

pytestmark = pytest.mark.unit

PRICES = st.integers(2800, 3600)

ORDERS = st.lists(
    st.tuples(st.sampled_from(Side), PRICES, st.integers(2, 9)),
    min_size=1,
    max_size=12,
)


@st.composite
def candle_series(draw: st.DrawFn) -> list[Candle]:
    """Return up to 12 candles with gaps between them, some without volume."""
    candles = []
    for number in range(draw(st.integers(1, 12))):
        points = [draw(PRICES) for _ in range(4)]
        middle = points[:2]
        volume = draw(st.sampled_from(["1", "1", "1", "0"]))
        text = f"{middle[0]} {max(points)} {min(points)} {middle[1]}"
        candles.append(make_candle(text, number, volume=volume))
    return candles


def make_grid(step: int, count: int) -> GridScript:
    """Return a grid around 3200, its purchase limited far above any price."""
    lines = [Decimal(3200 + step * (number - count // 2)) for number in range(count + 1)]
    return GridScript(lines=lines, quantity=Decimal("2.5"), entry=Decimal(4000), empty=count // 2)


GRIDS = st.tuples(st.integers(5, 60), st.integers(2, 12))


def to_orders(rows: Sequence[tuple[Side, int, int]]) -> list[PaperOrder]:
    """Return one order per row."""
    return [
        PaperOrder(client_id=f"o{number}", side=side, price=Decimal(price), volume=Decimal(volume))
        for number, (side, price, volume) in enumerate(rows)
    ]


def starting_balances(fills: Sequence[PaperFill], market: PaperMarket) -> tuple[Decimal, Decimal]:
    """Return what the account must have held before its fills."""
    quote, base = market.quote, market.base
    for fill in fills:
        sign = 1 if fill.side is Side.BUY else -1
        quote += sign * fill.price * fill.volume + fill.fee
        base -= sign * fill.volume
    return quote, base


@given(grid=GRIDS, candles=candle_series())
@settings(max_examples=100)
def test_a_grid_on_ticks_fills_as_on_candles(grid: tuple[int, int], candles: list[Candle]) -> None:
    by_candle = PaperRun(make_grid(*grid)).walk(candles)
    by_tick = PaperRun(make_grid(*grid)).tick(candles)

    assert by_tick.fills == by_candle.fills


@given(grid=GRIDS, candles=candle_series(), data=st.data())
@settings(max_examples=100)
def test_a_kill_after_any_event_changes_no_fill(
    grid: tuple[int, int], candles: list[Candle], data: st.DataObject
) -> None:
    undisturbed = PaperRun(make_grid(*grid)).walk(candles)
    deaths = data.draw(st.sets(st.integers(1, 60)))

    killed = PaperRun(make_grid(*grid), killed_after=lambda event: event in deaths).walk(candles)

    assert killed.fills == undisturbed.fills
    assert killed.market.open_orders == undisturbed.market.open_orders


@given(rows=ORDERS, stop=PRICES, candles=candle_series())
@settings(max_examples=100)
def test_a_kill_after_every_event_changes_nothing_with_a_stop(
    rows: list[tuple[Side, int, int]], stop: int, candles: list[Candle]
) -> None:
    def run(*, killed: bool) -> PaperRun:
        bot = Script(at_open={0: to_orders(rows)}, stop=str(stop), stop_volume="2")
        return PaperRun(bot, killed_after=lambda _: killed).walk(candles)

    undisturbed, killed = run(killed=False), run(killed=True)

    assert killed.fills == undisturbed.fills
    assert killed.market.open_orders == undisturbed.market.open_orders
    assert killed.market.armed == undisturbed.market.armed


@given(rows=ORDERS, candles=candle_series())
@settings(max_examples=100)
def test_balances_are_exact_and_free_money_is_never_negative(
    rows: list[tuple[Side, int, int]], candles: list[Candle]
) -> None:
    bot = Script(at_open={0: to_orders(rows)})

    run = PaperRun(bot, make_market(quote="60000", base="20")).walk(candles)

    assert starting_balances(run.fills, run.market) == (Decimal(60000), Decimal(20))
    assert run.market.free_quote >= 0
    assert run.market.free_base >= 0


@given(rows=ORDERS, candles=candle_series())
@settings(max_examples=100)
def test_a_maker_fill_is_at_its_limit_and_the_price_went_beyond(
    rows: list[tuple[Side, int, int]], candles: list[Candle]
) -> None:
    orders = to_orders(rows)
    limits = {order.client_id: order.price for order in orders}
    traded = [candle for candle in candles if candle.volume]
    befores = [traded[0].open, *(candle.close for candle in traded[:-1])] if traded else []
    ranges = {
        candle.time.minute: (min(candle.low, before), max(candle.high, before))
        for candle, before in zip(traded, befores, strict=True)
    }

    run = PaperRun(Script(at_open={0: orders})).walk(candles)

    for fill in run.fills:
        low, high = ranges[fill.time.minute]
        if fill.maker:
            assert fill.price == limits[fill.client_id]
            assert low < fill.price if fill.side is Side.BUY else fill.price < high


@given(rows=ORDERS, candles=candle_series())
@settings(max_examples=100)
def test_the_order_of_sending_at_different_prices_changes_no_fill(
    rows: list[tuple[Side, int, int]], candles: list[Candle]
) -> None:
    start = candles[0].open
    resting = {
        price: (side, price, volume)
        for side, price, volume in rows
        if (price < start if side is Side.BUY else price > start)
    }
    orders = to_orders(list(resting.values()))

    forward = PaperRun(Script(at_open={0: orders})).walk(candles)
    backward = PaperRun(Script(at_open={0: orders[::-1]})).walk(candles)

    assert backward.fills == forward.fills
