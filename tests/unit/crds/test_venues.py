"""Ticks, smallest orders and fees against the tables of the venue."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.errors import SpecError
from dantaro_crds.venues import KRW_TICKS, rules_for

pytestmark = pytest.mark.unit

BANDS = [
    ("1000000", "1000"),
    ("500000", "500"),
    ("100000", "100"),
    ("50000", "50"),
    ("10000", "10"),
    ("5000", "5"),
    ("1000", "1"),
    ("100", "1"),
    ("10", "0.1"),
    ("1", "0.01"),
    ("0.1", "0.001"),
    ("0.01", "0.0001"),
    ("0.001", "0.00001"),
    ("0.0001", "0.000001"),
    ("0.00001", "0.0000001"),
    ("0.000001", "0.00000001"),
]

prices = st.decimals(
    min_value=Decimal("0.00000001"), max_value=Decimal(200_000_000), places=12
).filter(lambda price: price >= Decimal("0.00000001"))


@pytest.mark.parametrize(("edge", "tick"), BANDS)
def test_a_band_starts_at_its_edge(edge: str, tick: str) -> None:
    assert KRW_TICKS.tick(Decimal(edge)) == Decimal(tick)


@pytest.mark.parametrize(
    ("edge", "tick_below"),
    [(edge, below) for (edge, _), (_, below) in pairwise(BANDS)],
)
def test_just_below_an_edge_the_lower_band_counts(edge: str, tick_below: str) -> None:
    assert KRW_TICKS.tick(Decimal(edge) - Decimal("1e-12")) == Decimal(tick_below)


@pytest.mark.parametrize(("edge", "tick"), BANDS)
def test_an_edge_is_on_the_ticks_of_both_bands(edge: str, tick: str) -> None:
    below = KRW_TICKS.tick(Decimal(edge) - Decimal("1e-12"))
    assert Decimal(edge) % Decimal(tick) == 0
    assert Decimal(edge) % below == 0


@pytest.mark.parametrize(
    ("price", "floor", "ceil", "nearest"),
    [
        pytest.param("4999.6", "4999", "5000", "5000", id="just-below-5000"),
        pytest.param("9998", "9995", "10000", "10000", id="just-below-10000"),
        pytest.param("99980", "99950", "100000", "100000", id="just-below-100000"),
        pytest.param("999600", "999500", "1000000", "999500", id="just-below-a-million"),
        pytest.param("9.996", "9.99", "10", "10", id="just-below-10"),
        pytest.param("0.09996", "0.0999", "0.1", "0.1", id="just-below-a-tenth"),
        pytest.param("5043.808085", "5040", "5045", "5045", id="a-geometric-level"),
        pytest.param("3240", "3240", "3240", "3240", id="on-a-tick"),
        pytest.param("100.5", "100", "101", "101", id="half-goes-up"),
        pytest.param("0.000000001", "0", "0.00000001", "0", id="below-the-lowest-tick"),
        pytest.param("9999.9999999999999999999999999999", "9995", "10000", "10000", id="32-digits"),
    ],
)
def test_rounding_takes_the_tick_of_the_raw_price(
    price: str, floor: str, ceil: str, nearest: str
) -> None:
    value = Decimal(price)
    got = (KRW_TICKS.floor(value), KRW_TICKS.ceil(value), KRW_TICKS.nearest(value))
    assert got == (Decimal(floor), Decimal(ceil), Decimal(nearest))


@pytest.mark.parametrize(
    ("price", "steps", "above", "below"),
    [
        pytest.param("1000000", 1, "1001000", "999500", id="at-an-edge"),
        pytest.param("999500", 1, "1000000", "999000", id="below-an-edge"),
        pytest.param("3240", 1, "3241", "3239", id="inside-a-band"),
        pytest.param("3240", 3, "3243", "3237", id="three-steps"),
        pytest.param("1000000", 2, "1002000", "999000", id="two-steps-over-an-edge"),
        pytest.param("3240.5", 1, "3241", "3240", id="off-a-tick"),
        pytest.param("5000", 1, "5005", "4999", id="at-5000"),
        pytest.param("0.00000001", 1, "0.00000002", "0", id="the-lowest-tick"),
        pytest.param("3240", 0, "3240", "3240", id="no-step"),
    ],
)
def test_steps_walk_from_tick_to_tick(price: str, steps: int, above: str, below: str) -> None:
    assert KRW_TICKS.above(Decimal(price), steps) == Decimal(above)
    assert KRW_TICKS.below(Decimal(price), steps) == Decimal(below)


def test_nothing_lies_below_zero() -> None:
    assert KRW_TICKS.below(Decimal("0.00000001"), 5) == 0


@given(prices)
def test_floor_and_ceil_enclose_a_price_by_one_tick(price: Decimal) -> None:
    floor, ceil = KRW_TICKS.floor(price), KRW_TICKS.ceil(price)
    assert floor <= price <= ceil
    assert ceil - floor <= KRW_TICKS.tick(price)
    assert KRW_TICKS.is_on_tick(floor)
    assert KRW_TICKS.is_on_tick(ceil)
    assert KRW_TICKS.nearest(price) in {floor, ceil}


@given(prices)
def test_a_step_up_and_a_step_down_lead_back(price: Decimal) -> None:
    tick_price = KRW_TICKS.ceil(price)
    assert KRW_TICKS.below(KRW_TICKS.above(tick_price)) == tick_price
    assert KRW_TICKS.above(KRW_TICKS.below(tick_price)) == tick_price


@given(prices)
def test_a_step_is_the_nearest_tick_beyond_the_price(price: Decimal) -> None:
    above, below = KRW_TICKS.above(price), KRW_TICKS.below(price)
    assert below < price < above
    assert KRW_TICKS.is_on_tick(above)
    assert KRW_TICKS.floor(price) in {price, below}
    assert KRW_TICKS.ceil(price) in {price, above}


@pytest.mark.parametrize(
    ("exchange", "symbol", "min_total", "fee_rate"),
    [
        pytest.param("upbit", "KRW-BTC", "5000", "0.0005", id="won"),
        pytest.param("paper", "KRW-BTC", "5000", "0.0005", id="paper-is-upbit"),
        pytest.param("upbit", "BTC-ETH", "0.00005", "0.0025", id="bitcoin"),
        pytest.param("upbit", "USDT-BTC", "0.5", "0.0025", id="tether"),
    ],
)
def test_a_venue_states_its_smallest_order_and_its_fee(
    exchange: str, symbol: str, min_total: str, fee_rate: str
) -> None:
    rules = rules_for(exchange, symbol)
    assert (rules.min_total, rules.fee_rate) == (Decimal(min_total), Decimal(fee_rate))


@pytest.mark.parametrize(
    ("symbol", "price", "tick"),
    [
        ("BTC-ETH", "0.05", "0.00000001"),
        ("USDT-BTC", "100000", "0.01"),
        ("USDT-XRP", "2.5", "0.001"),
        ("USDT-DOGE", "0.2", "0.0001"),
    ],
)
def test_other_quotes_have_their_own_ticks(symbol: str, price: str, tick: str) -> None:
    assert rules_for("upbit", symbol).ticks.tick(Decimal(price)) == Decimal(tick)


@pytest.mark.parametrize(
    ("exchange", "symbol"),
    [
        pytest.param("binance", "BTC/USDT", id="another-venue"),
        pytest.param("upbit", "BTC/USDT", id="base-first"),
        pytest.param("upbit", "EUR-BTC", id="unknown-quote"),
        pytest.param("upbit", "auto", id="no-market-yet"),
    ],
)
def test_unknown_rules_are_the_authors_move(exchange: str, symbol: str) -> None:
    with pytest.raises(SpecError, match=f"was {symbol} on {exchange}") as raised:
        rules_for(exchange, symbol)
    assert raised.value.field == "spec.symbol"


@pytest.mark.parametrize(
    ("volume", "want", "valid"),
    [
        pytest.param("0.123456789", "0.12345678", False, id="ninth-place-is-cut"),
        pytest.param("0.12345678", "0.12345678", True, id="eight-places-stay"),
        pytest.param("0", "0", False, id="zero-is-no-volume"),
        pytest.param("-1", "-1", False, id="negative-is-no-volume"),
        pytest.param("1" + "0" * 25, "1" + "0" * 25, True, id="huge"),
    ],
)
def test_a_volume_has_eight_places(volume: str, want: str, valid: bool) -> None:
    rules = rules_for("upbit", "KRW-BTC")
    assert rules.floor_volume(Decimal(volume)) == Decimal(want)
    assert rules.is_volume(Decimal(volume)) is valid


def test_amounts_are_planned_in_whole_won_and_in_eight_places_elsewhere() -> None:
    assert rules_for("upbit", "KRW-BTC").floor_quote(Decimal("199900.9")) == 199_900
    usdt = rules_for("upbit", "USDT-BTC").floor_quote(Decimal("1.234567899"))
    assert usdt == Decimal("1.23456789")
