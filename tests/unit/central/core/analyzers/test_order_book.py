"""Pressure and spread of an order book, against values computed by hand."""

from decimal import Decimal

import pytest

from dantaro_central.core.analyzers.order_book import pressure, spread

pytestmark = pytest.mark.unit

D = Decimal


def levels(*pairs: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(D(price), D(volume)) for price, volume in pairs]


@pytest.mark.parametrize(
    ("bids", "asks", "want"),
    [
        # Mid 100: 99 x 4 = 396 against 101 x 2 = 202: 194 / 598.
        pytest.param([("99", "4")], [("101", "2")], "0.3244", id="more-bought"),
        pytest.param([("99", "4"), ("98.99", "900")], [("101", "2")], "0.3244", id="far-bid"),
        pytest.param([("99", "4")], [("101.01", "900"), ("101", "2")], "0.3244", id="far-ask"),
        pytest.param([("100", "3")], [("100.5", "1")], "0.4981", id="close"),
        pytest.param([("99.5", "0")], [("100.5", "1")], "-1.0000", id="sells-alone"),
    ],
)
def test_the_heavier_side_within_one_percent(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]], want: str
) -> None:
    assert pressure(levels(*bids), levels(*asks)) == D(want)


@pytest.mark.parametrize(
    ("bids", "asks"),
    [
        pytest.param([], [("101", "2")], id="no-bid"),
        pytest.param([("99", "4")], [], id="no-ask"),
        pytest.param([("90", "4")], [("110", "2")], id="nothing-near"),
        pytest.param([("99", "0")], [("101", "0")], id="no-volume"),
    ],
)
def test_without_two_sides_near_the_middle_there_is_none(
    bids: list[tuple[str, str]], asks: list[tuple[str, str]]
) -> None:
    assert pressure(levels(*bids), levels(*asks)) is None


def test_the_spread_is_over_the_middle_price() -> None:
    # 101 - 99 over 100, whatever the order.
    book = levels(("98", "1"), ("99", "1")), levels(("103", "1"), ("101", "1"))
    assert spread(*book) == D("0.02")
    assert spread([], book[1]) is None
    assert spread(book[0], []) is None
