"""Average cost, take profit and stops of a staged cycle: the vectors of its guide, section 7."""

from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import Sizing, Spacing
from dantaro_runtime.core.strategies.staged import StagedState
from tests.support.staged import make_hand_run, target_price
from tests.support.strategy_run import HandRun

pytestmark = pytest.mark.unit

F = Decimal("0.0005")

STAGES = ["s0", "s1", "s2", "s3", "s4"]


@exact
def figures(run: HandRun[StagedState]) -> tuple[str, str, str, str]:
    """Return average cost, gross average, take profit and its net, rounded as in the guide."""
    state = run.state
    price = target_price(run)
    bought = sum(fill.funds for fill in run.fills)
    net = state.held * price * (1 - F) - state.cost
    return (
        f"{state.cost / state.held:.8f}",
        f"{bought / state.held:.8f}",
        str(price),
        f"{net:.2f}",
    )


EQUAL = [
    ("3241.62000000", "3240.00000000", "3292", "3006.77"),
    ("3198.53357310", "3196.93510555", "3249", "6108.04"),
    ("3155.04968978", "3153.47295331", "3204", "9004.29"),
    ("3111.15145909", "3109.59666076", "3160", "12154.61"),
    ("3066.82074275", "3065.28809870", "3115", "15201.98"),
]

LINEAR = [
    ("3241.62000000", "3292", "1002.25"),
    ("3184.42483653", "3234", "3012.03"),
    ("3126.96121919", "3176", "6069.87"),
    ("3069.21731412", "3117", "10040.36"),
    ("3011.17994525", "3058", "15040.93"),
]

MARTINGALE = [
    ("3241.62000000", "3292", "1140.00"),
    ("3190.05327941", "3240", "2871.87"),
    ("3132.79342123", "3182", "5474.53"),
    ("3070.31644329", "3118", "9255.69"),
    ("3003.21712987", "3050", "15069.76"),
]

GEOMETRIC = [
    ("3241.62000000", "3292", "3006.77"),
    ("3196.47774057", "3247", "6119.08"),
    ("3151.95604422", "3201", "9031.24"),
    ("3107.80949725", "3157", "12256.09"),
    ("3064.22223163", "3112", "15084.34"),
]


@pytest.mark.parametrize(
    ("fields", "want", "want_left"),
    [
        pytest.param({}, [(a, p, n) for a, _, p, n in EQUAL], "0.250062281125", id="7.1-equal"),
        pytest.param({"sizing": Sizing.LINEAR}, LINEAR, "2.251067883925", id="7.2-linear"),
        pytest.param(
            {"sizing": Sizing.GEOMETRIC}, MARTINGALE, "2.251029114550", id="7.3-martingale"
        ),
        pytest.param({"spacing": Spacing.GEOMETRIC}, GEOMETRIC, None, id="7.4-geometric"),
    ],
)
def test_each_stage_moves_average_and_take_profit_as_in_its_vector(
    fields: dict[str, Any], want: list[tuple[str, str, str]], want_left: str | None
) -> None:
    run = make_hand_run(**fields)
    run.open()

    found = []
    for slot in STAGES:
        run.fill(slot)
        average, _, price, net = figures(run)
        found.append((average, price, net))

    assert found == want
    if want_left is not None:
        assert run.quote == Decimal(want_left)


def test_the_gross_average_of_vector_7_1_is_weighted_by_volume() -> None:
    run = make_hand_run()
    run.open()

    found = []
    for slot in STAGES:
        run.fill(slot)
        found.append(figures(run))

    assert found == EQUAL
    assert run.state.cost == Decimal("999999.749937718875")


def test_a_sale_of_three_stages_at_2800_loses_what_the_vector_says() -> None:
    run = make_hand_run()
    run.open()
    for slot in STAGES[:3]:
        run.fill(slot)
    before = run.quote

    run.flatten()
    run.fill("sl", price="2800")

    assert f"{run.quote - before:.8f}" == "532213.35484268"
    assert f"{run.state.realized:.8f}" == "-67786.49511605"
    assert run.state.cost == 0


def test_the_stop_loss_of_the_vector_sells_everything_at_2813() -> None:
    run = make_hand_run(stop_loss_percent=Decimal(3))
    run.open()
    for slot in STAGES:
        run.fill(slot)
    before = run.quote

    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")

    assert f"{run.quote - before:.8f}" == "916777.67719857"
    assert f"{run.state.realized:.8f}" == "-83222.07273915"
