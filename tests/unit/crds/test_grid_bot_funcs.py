"""Line prices, checks and money of a grid; figures from the grid definition's examples."""

from decimal import ROUND_CEILING, Context, Decimal, localcontext
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.grid_bot_funcs import (
    ORDER_MARGIN,
    check_budget,
    check_grid,
    empty_line,
    entry_price,
    ladder_price,
    least_budget,
    line_prices,
    most_grids,
    most_grids_by_fees,
    net_fraction,
    net_profit,
    quantity_per_cell,
    smallest_budget,
    smallest_quantity,
    sure_budget,
    worst_case_capital,
)
from dantaro_crds.v1alpha1.strategies import GridParameters, Spacing
from dantaro_crds.venues import KRW_TICKS, rules_for

pytestmark = pytest.mark.unit

D = Decimal
KRW = rules_for("paper", "KRW-BTC")


def make_grid(lower: str, upper: str, grids: int, **more: str) -> GridParameters:
    return GridParameters.model_validate(
        {"lower_price": lower, "upper_price": upper, "grids": grids, **more}
    )


A = make_grid("3000", "3500", 5)
B = make_grid("4800", "5300", 4, spacing="Geometric")


@pytest.mark.parametrize(
    ("grid", "want_lines"),
    [
        pytest.param(A, "3000 3100 3200 3300 3400 3500", id="arithmetic"),
        pytest.param(B, "4800 4920 5045 5170 5300", id="geometric-over-a-band-edge"),
        pytest.param(make_grid("3000", "3005", 2), "3000 3003 3005", id="half-rounds-up"),
        pytest.param(
            make_grid("100", "400", 2, spacing="Geometric"), "100 200 400", id="exact-root"
        ),
    ],
)
def test_lines_are_rounded_to_the_nearest_tick(grid: GridParameters, want_lines: str) -> None:
    assert line_prices(grid, KRW) == tuple(D(text) for text in want_lines.split())


def test_the_callers_decimal_context_changes_nothing() -> None:
    with localcontext(Context(prec=6)):
        line_prices.cache_clear()
        lines = line_prices(B, KRW)
        quantity = quantity_per_cell(
            line_prices(A, KRW), KRW, empty=2, entry=D(3240), budget=D(1_000_000)
        )
    line_prices.cache_clear()
    assert lines == line_prices(B, KRW)
    assert quantity == D("63.17953539")


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("4999.6", "5000"),
        ("9998", "10000"),
        ("99980", "100000"),
        ("999600", "999500"),
        ("9.996", "10.0"),
        ("0.09996", "0.100"),
    ],
)
def test_a_price_near_a_band_edge_lands_on_a_tick_of_its_own_band(raw: str, want: str) -> None:
    rounded = KRW_TICKS.nearest(D(raw))
    assert rounded == D(want)
    assert KRW_TICKS.is_on_tick(rounded)


def test_the_ladder_goes_on_beyond_the_range() -> None:
    assert [ladder_price(A, KRW, place=place) for place in (-1, 0, 5, 6, 8)] == [
        D(2900),
        D(3000),
        D(3500),
        D(3600),
        D(3800),
    ]
    assert ladder_price(make_grid("100", "400", 2, spacing="Geometric"), KRW, place=4) == D(1600)


@pytest.mark.parametrize(
    ("grid", "want_field", "want_text"),
    [
        pytest.param(
            make_grid("3500", "3000", 5),
            "spec.lowerPrice",
            "lowerPrice must be below upperPrice, were 3500 and 3000",
            id="lower-above-upper",
        ),
        pytest.param(
            make_grid("3000", "3000", 5), "spec.lowerPrice", "were 3000 and 3000", id="equal"
        ),
        pytest.param(
            make_grid("3000.5", "3500", 5), "spec.lowerPrice", "use 3000 or 3001", id="lower-off"
        ),
        pytest.param(
            make_grid("3000", "5003", 5), "spec.upperPrice", "use 5000 or 5005", id="upper-off"
        ),
        pytest.param(
            make_grid("0.000000004", "3500", 5), "spec.lowerPrice", "use 0.00000001", id="no-tick"
        ),
        pytest.param(
            make_grid("3000", "3500", 5, stop_loss="2900.5"),
            "spec.stopLoss",
            "use 2900 or 2901",
            id="stop-off-its-tick",
        ),
        pytest.param(
            make_grid("3000", "3500", 5, stop_loss="3000"),
            "spec.stopLoss",
            "must be below lowerPrice 3000, was 3000",
            id="stop-in-the-range",
        ),
        pytest.param(
            make_grid("3000", "3500", 5, take_profit="3500"),
            "spec.takeProfit",
            "must be above upperPrice 3500, was 3500",
            id="take-profit-in-the-range",
        ),
        pytest.param(
            make_grid("1000", "1010", 20),
            "spec.grids",
            "two of 21 lines fall on 1001; use at most 5 grids",
            id="equal-lines",
        ),
        pytest.param(
            make_grid("1000", "1001", 2),
            "spec.grids",
            "fall on 1001; widen the range",
            id="too-narrow",
        ),
        pytest.param(
            make_grid("98000000", "102000000", 100),
            "spec.grids",
            "101960000 to 102000000 makes -0.06076 %; use at most 39 grids",
            id="loses-after-fees",
        ),
    ],
)
def test_a_wrong_grid_is_refused_with_field_and_advice(
    grid: GridParameters, want_field: str, want_text: str
) -> None:
    with pytest.raises(SpecError) as caught:
        check_grid(grid, KRW)
    assert caught.value.field == want_field
    assert want_text in caught.value.message


def test_the_advised_number_of_grids_works_and_one_more_does_not() -> None:
    grid = make_grid("98000000", "102000000", 100)
    most = most_grids(grid, KRW)
    check_grid(grid.model_copy(update={"grids": most}), KRW)
    with pytest.raises(SpecError):
        check_grid(grid.model_copy(update={"grids": most + 1}), KRW)


def test_fees_alone_allow_forty_cells_of_four_percent() -> None:
    assert most_grids_by_fees(D(98_000_000), D(102_000_000), fee_rate=D("0.0005")) == 40


@pytest.mark.parametrize(
    ("cell", "want_net", "want_percent"),
    [
        (0, "6125.2559560605", "3.2300516"),
        (1, "6118.9380025215", "3.1226322"),
        (2, "6112.6200489825", "3.0219265"),
        (3, "6106.3020954435", "2.9273242"),
        (4, "6099.9841419045", "2.8382867"),
    ],
)
def test_net_profit_of_each_cell(cell: int, want_net: str, want_percent: str) -> None:
    low, high = line_prices(A, KRW)[cell : cell + 2]
    net = net_profit(low, high, quantity=D("63.17953539"), fee_rate=KRW.fee_rate)
    percent = 100 * net_fraction(low, high, fee_rate=KRW.fee_rate)
    assert net == D(want_net)
    assert round(percent, 7) == D(want_percent)


@pytest.mark.parametrize(
    ("cell", "want_percent"), [(0, "2.397551"), (1, "2.438161"), (2, "2.375274"), (3, "2.412043")]
)
def test_net_percent_of_each_geometric_cell(cell: int, want_percent: str) -> None:
    low, high = line_prices(B, KRW)[cell : cell + 2]
    assert round(100 * net_fraction(low, high, fee_rate=KRW.fee_rate), 6) == D(want_percent)


@pytest.mark.parametrize(
    ("price", "slippage", "want_empty", "want_quantity"),
    [
        pytest.param("3240", 0, 2, "63.17953539", id="in-the-range"),
        pytest.param("3240", 1, 2, "63.16755671", id="one-tick-of-slippage"),
        pytest.param("2950", 0, 0, "67.76272880", id="below"),
        pytest.param("3500", 0, 5, "62.46876561", id="at-the-top"),
        pytest.param("3600", 0, 5, "62.46876561", id="above"),
    ],
)
def test_quantity_follows_from_budget_and_start_price(
    price: str, slippage: int, want_empty: int, want_quantity: str
) -> None:
    lines = line_prices(A, KRW)
    empty = empty_line(lines, D(price))
    entry = entry_price(D(price), KRW, slippage_ticks=slippage)
    assert empty == want_empty
    assert quantity_per_cell(lines, KRW, empty=empty, entry=entry, budget=D(1_000_000)) == D(
        want_quantity
    )


@pytest.mark.parametrize(
    ("price", "slippage", "want"),
    [("3240", 0, "3240"), ("3240.2", 0, "3241"), ("3240", 2, "3242"), ("3240.2", 1, "3241")],
)
def test_entry_price_is_moved_up_by_ticks(price: str, slippage: int, want: str) -> None:
    assert entry_price(D(price), KRW, slippage_ticks=slippage) == D(want)


def test_all_buys_above_the_grid_may_bind_more_than_the_budget() -> None:
    capital = worst_case_capital(
        line_prices(A, KRW), quantity=D("63.17953539"), fee_rate=KRW.fee_rate
    )
    assert capital == D("1011378.0025231200")


def test_smallest_budget_at_a_price_carries_the_margin() -> None:
    assert smallest_budget(line_prices(A, KRW), KRW, empty=2, entry=D(3240)) == D("27698.8425")


def test_far_below_the_range_the_purchase_must_be_worth_an_order_too() -> None:
    lines = line_prices(A, KRW)
    quantity = smallest_quantity(lines, KRW, empty=0, entry=D(10))
    assert quantity == 100
    assert 5 * quantity * 10 >= KRW.min_total


def test_budget_limits_over_all_start_prices() -> None:
    assert least_budget(A, KRW) == D("26263.125")
    assert sure_budget(A, KRW, slippage_ticks=1) == D("28189.0875")


def test_a_budget_that_is_too_small_everywhere_is_refused_with_both_limits() -> None:
    check_budget(A, KRW, budget=D("26263.125"))
    with pytest.raises(SpecError) as caught:
        check_budget(A, KRW, budget=D(26_263))
    assert "must be at least 26264 (28190 wherever the price is), was 26263" in caught.value.message


@st.composite
def grids(draw: st.DrawFn) -> GridParameters:
    lower = KRW_TICKS.nearest(D(draw(st.integers(1, 10**9))) / 100)
    upper = KRW_TICKS.nearest(lower * draw(st.integers(101, 400)) / 100)
    spacing = draw(st.sampled_from(Spacing))
    return make_grid(
        str(lower),
        str(max(upper, KRW_TICKS.above(lower))),
        draw(st.integers(2, 100)),
        spacing=spacing,
    )


@given(grid=grids(), thousandths=st.integers(500, 5000), slippage=st.integers(0, 3))
def test_an_accepted_grid_earns_in_each_cell_and_starts_with_the_sure_budget(
    grid: GridParameters, thousandths: int, slippage: int
) -> None:
    try:
        lines = check_grid(grid, KRW)
    except SpecError:
        return
    assert (lines[0], lines[-1]) == (grid.lower_price, grid.upper_price)
    assert all(KRW_TICKS.is_on_tick(line) for line in lines)
    for low, high in pairwise(lines):
        assert net_profit(low, high, quantity=D(1), fee_rate=KRW.fee_rate) > 0
    price = max(grid.lower_price * thousandths / 1000, grid.lower_price)
    empty = empty_line(lines, price)
    entry = entry_price(price, KRW, slippage_ticks=slippage)
    smallest = smallest_budget(lines, KRW, empty=empty, entry=entry)
    sure = sure_budget(grid, KRW, slippage_ticks=slippage)
    assert least_budget(grid, KRW) <= smallest <= sure
    budget = smallest.quantize(D(1), rounding=ROUND_CEILING)
    quantity = quantity_per_cell(lines, KRW, empty=empty, entry=entry, budget=budget)
    assert quantity * lines[0] >= ORDER_MARGIN * KRW.min_total
