"""Figures of the definitions that no other test states, and the second implementations by them."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from dantaro_crds.money import EXACT, exact
from dantaro_crds.v1alpha1.grid_bot_funcs import capital_per_unit, line_prices
from dantaro_crds.venues import rules_for
from tests.support.grid_exchange import GridExchange, make_grid
from tests.support.paper_bot import MIDNIGHT, make_series
from tests.support.second.figures import between, floor_tick, nearest_tick, tick_down, tick_up
from tests.support.second.grid import SecondGrid
from tests.support.second.market import Market
from tests.support.second.staged import SecondStaged, Support
from tests.support.staged import make_hand_run

pytestmark = pytest.mark.unit

D = Decimal
KRW = rules_for("paper", "KRW-BTC")
STAGES = ("s0", "s1", "s2", "s3", "s4")


# Grid


def test_the_stop_of_example_a_brings_its_proceeds() -> None:
    exchange = GridExchange(make_grid(stop_loss="2900"))
    exchange.open()
    exchange.fill("c01b")
    exchange.fill("c00b")
    before = exchange.quote
    exchange.jump("2900")
    assert exchange.quote - before == D("915645.2115234225")


@exact
def test_the_smallest_budget_of_example_a_without_the_margin() -> None:
    need = capital_per_unit(line_prices(make_grid(), KRW), empty=2, entry=D(3240))
    assert KRW.min_total / 3000 * need * (1 + KRW.fee_rate) == pytest.approx(
        D("26379.85"), abs=D("0.005")
    )


def test_the_raw_lines_of_example_b() -> None:
    raw = [between(D(4800), D(5300), part=k, parts=4, geometric=True) for k in (1, 2, 3)]
    assert [f"{float(price):.6f}" for price in raw] == [
        "4920.394172",
        "5043.808085",
        "5170.317481",
    ]


# Staged


@exact
def test_costs_of_vector_7_1_with_fees() -> None:
    run = make_hand_run()
    run.open()
    costs = []
    for slot in STAGES:
        run.fill(slot)
        costs.append(f"{run.state.cost:.8f}")
    assert costs == [
        "199999.94998639",
        "399999.89997304",
        "599999.84995873",
        "799999.79994572",
        "999999.74993772",
    ]


@exact
def test_losses_of_the_stops_in_percent_of_the_cost() -> None:
    run = make_hand_run()
    run.open()
    for slot in STAGES[:3]:
        run.fill(slot)
    cost = run.state.cost
    run.flatten()
    run.fill("sl", price="2800")
    assert f"{100 * run.state.realized / cost:.7f}" == "-11.2977520"

    run = make_hand_run(stop_loss_percent=D(3))
    run.open()
    for slot in STAGES:
        run.fill(slot)
    cost = run.state.cost
    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")
    assert f"{100 * run.state.realized / cost:.7f}" == "-8.3222094"


def test_draws_of_vector_7_5() -> None:
    random = Random("bot-1:1")
    draws = [D(repr(random.random())) for _ in range(5)]
    assert [str(draw) for draw in draws] == [
        "0.4813665265656395",
        "0.996477621649109",
        "0.18677426472901848",
        "0.17074995060159615",
        "0.23240818444393052",
    ]
    shifts = [f"{2 * draw - 1:.6f}" for draw in draws]
    assert shifts == ["-0.037267", "0.992955", "-0.626451", "-0.658500", "-0.535184"]


# The second implementations


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("4999.6", "5000"),
        ("9998", "10000"),
        ("99980", "100000"),
        ("999600", "999500"),
        ("9.996", "10.0"),
    ],
)
def test_the_second_rounding_is_that_of_section_d(raw: str, want: str) -> None:
    assert nearest_tick(D(raw)) == D(want)


def test_the_second_ticks_step_over_a_band_edge() -> None:
    assert tick_down(D(1_000_000)) == D(999_500)
    assert tick_up(D(999_500)) == D(1_000_000)
    assert tick_up(D("3240.5")) == D(3241)
    assert floor_tick(D("999700")) == D("999500")


def test_the_second_grid_gives_v13_to_the_last_digit() -> None:
    grid = SecondGrid(lower="3000", upper="3500", cells=5, budget="1000000")
    market = Market(grid, D(1_000_000), slippage=0)
    market.run(
        make_series(
            "3240 3250 3230 3240",
            "3240 3240 3090 3120",
            "3120 3320 3110 3310",
            "3210 3215 3150 3160",
        )
    )
    found = [
        ((d.time - MIDNIGHT).total_seconds(), d.side, str(d.price), str(d.volume), d.fee)
        for d in market.dealt
    ]
    q = "63.17953539"
    assert found == [
        (0, "buy", "3240", "189.53860617", D("307.0525419954")),
        (90, "buy", "3100", q, D("97.9282798545")),
        (150, "sell", "3200", q, D("101.087256624")),
        (150, "sell", "3300", q, D("104.2462333935")),
        (210, "buy", "3200", q, D("101.087256624")),
    ]
    assert (market.quote, market.base) == (D("397819.4215187086"), D("189.53860617"))
    assert market.fees == D("711.4015684914")
    assert grid.grid_profit == D("6118.9380025215")
    assert grid.first_gain == Fraction("3584.1750426747")
    unrealized = Fraction(EXACT.multiply(market.base, D(3160))) - grid.held_cost()
    assert unrealized == Fraction("-12941.6960292876")
    total = grid.grid_profit + grid.first_gain + unrealized
    assert total == Fraction("-3238.5829840914")
    resting = sorted((order.side, int(order.price)) for order in market.orders)
    assert resting == [
        ("buy", 3000),
        ("buy", 3100),
        ("sell", 3300),
        ("sell", 3400),
        ("sell", 3500),
    ]


def test_the_second_grid_trails_as_in_example_e() -> None:
    grid = SecondGrid(lower="3000", upper="3500", cells=5, budget="1000000", trails=True)
    market = Market(grid, D(1_000_000), slippage=0)
    market.run(make_series("3240", "3801"))
    assert (grid.shifts, grid.volume) == (3, D("58.81041815"))
    assert market.quote == D("1029696.9088147156")
    assert [int(order.price) for order in market.orders] == [3300, 3400, 3500, 3600, 3700]


@pytest.mark.parametrize(
    ("options", "prices"),
    [
        ({}, "3240 3155 3070 2985 2900"),
        ({"geometric": True}, "3240 3151 3065 2981 2900"),
        ({"jitter": "25"}, "3240 3176 3056 2971 2900"),
    ],
)
def test_the_second_staged_bot_plans_as_in_the_vectors(
    options: dict[str, object], prices: str
) -> None:
    support = Support(time=MIDNIGHT, price=D(2900))
    bot = SecondStaged(budget="1000000", supports=[support], uid="bot-1", **options)  # type: ignore[arg-type]
    market = Market(bot, D(1_000_000), slippage=0)
    market.run(make_series("3240"))
    assert bot.cycle is not None
    assert [str(price) for price in bot.cycle.prices] == prices.split()


@pytest.mark.parametrize(
    ("sizing", "target", "volume", "left"),
    [
        ("equal", 3115, "326.07049248", "0.250062281125"),
        ("linear", 3058, None, "2.251067883925"),
        ("geometric", 3050, None, "2.251029114550"),
    ],
)
def test_the_second_staged_bot_targets_as_in_the_vectors(
    sizing: str, target: int, volume: str | None, left: str
) -> None:
    support = Support(time=MIDNIGHT, price=D(2900))
    bot = SecondStaged(budget="1000000", supports=[support], uid="bot-1", sizing=sizing)
    market = Market(bot, D(1_000_000), slippage=0)
    market.run(make_series("3240", "3240 3240 2899 2900"))
    (order,) = market.orders
    assert (order.tag, int(order.price)) == ("tp", target)
    assert market.quote == D(left)
    if volume is not None:
        assert order.volume == D(volume)
