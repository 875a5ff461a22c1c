"""The drawing of charts: what the pictures of the guide can be trusted with."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_runtime.core.orders import Fill, Side
from tests.support.chart import Chart, Point, Rest, draw, thinned

pytestmark = pytest.mark.unit

START = datetime(2025, 9, 1, tzinfo=UTC)


def at(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


def points(figures: list[int]) -> list[Point]:
    return [Point(at(number), Decimal(figure)) for number, figure in enumerate(figures)]


def make_fill(minute: int, side: Side, price: int) -> Fill:
    return Fill(
        trade_id=str(minute),
        client_id="c",
        time=at(minute),
        side=side,
        price=Decimal(price),
        volume=Decimal(1),
        fee=Decimal(0),
        maker=True,
    )


def make_chart(figures: list[int]) -> Chart:
    return Chart(
        title="A <b> & c",
        subtitle="below",
        prices=points(figures),
        equity=points(figures),
        budget=Decimal(1000),
        currency="KRW",
        fills=[
            make_fill(1, Side.BUY, 1010),
            make_fill(2, Side.SELL, 1020),
            make_fill(3, Side.BUY, 1005),
        ],
        rests=[Rest("s0", "buy", Decimal(990), at(0), at(3))],
    )


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=200), st.integers(1, 50))
def test_a_thinned_line_keeps_its_ends_and_extremes(figures: list[int], buckets: int) -> None:
    line = points(figures)
    kept = thinned(line, buckets)
    assert len(kept) <= 2 * buckets + 2
    assert [kept[0], kept[-1]] == [line[0], line[-1]]
    assert {min(p.figure for p in line), max(p.figure for p in line)} <= {p.figure for p in kept}
    assert [p.time for p in kept] == sorted({p.time for p in kept})


def test_a_chart_has_a_mark_for_each_fill_and_a_line_for_each_rest() -> None:
    drawing = ET.fromstring(draw(make_chart([1000, 1010, 1020, 1005])))
    paths: dict[str, list[str]] = {}
    for path in drawing.iter("{http://www.w3.org/2000/svg}path"):
        paths.setdefault(path.attrib["class"], []).append(path.attrib["d"])
    # The first of each mark is that of the legend.
    assert [d.count("z") for d in paths["buy"]] == [1, 2]
    assert [d.count("z") for d in paths["sell"]] == [1, 1]
    assert [d.count("H") for d in paths["rests-buy"]] == [1]
    assert "rests-sell" not in paths


@pytest.mark.parametrize(
    "figures", [[1000] * 4, [1, 2, 3], [149_000_000, 151_000_000], [7, 7, 8]], ids=str
)
def test_everything_lies_on_the_page(figures: list[int]) -> None:
    page = ET.fromstring(draw(make_chart(figures)))
    for element in page.iter():
        for name in ("x", "x1", "x2"):
            assert 0 <= float(element.attrib.get(name, 0)) <= 960
        for name in ("y", "y1", "y2"):
            assert 0 <= float(element.attrib.get(name, 0)) <= 600


@pytest.mark.parametrize("span", [3, 40, 400, 25_000, 9_000_000])
def test_figures_of_a_scale_differ(span: int) -> None:
    low = 149_000_000
    chart = replace(make_chart([low, low + span]), fills=[], rests=[], equity=points([1, 2]))
    labels = re.findall(r'text-anchor="end">([\d,.]+M)<', draw(chart))
    assert len(labels) >= 2
    assert len(set(labels)) == len(labels)
