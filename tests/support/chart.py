"""Draws what a strategy did as SVG: price, resting orders and fills above, equity below.

The text is written directly: no library, no web font, no script. Every picture has a background of
its own, so that it can be read on light and on dark pages.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from math import ceil, floor, log10
from typing import NamedTuple

from dantaro_runtime.core.orders import Fill, Side

__all__ = ["Chart", "Point", "Rest", "draw", "thinned"]

_WIDTH, _HEIGHT = 960, 600
_LEFT, _RIGHT = 106, 940
_PRICE = (92.0, 400.0)
_EQUITY = (446.0, 556.0)

_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f; }
.page { fill: #ffffff; } .title { font-size: 17px; font-weight: 600; } .quiet { fill: #57606a; }
.scale { stroke: #e4e8ec; } .frame { stroke: #afb8c1; }
path, line { fill: none; } .price { stroke: #6e7781; } .equity { stroke: #8250df; }
.mean { stroke: #57606a; stroke-dasharray: 5 4; }
.rests-buy { stroke: #0969da; } .rests-sell { stroke: #bc4c00; } .rests-watched { stroke: #cf222e; }
.rests-buy, .rests-sell { stroke-opacity: .45; } .rests-watched { stroke-dasharray: 3 3; }
.buy { fill: #0969da; } .sell { fill: #bc4c00; } .buy, .sell { stroke: #ffffff; stroke-width: .8; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .page { fill: #0d1117; } .quiet { fill: #9198a1; }
.scale { stroke: #21262d; } .frame { stroke: #484f58; }
.price { stroke: #8b949e; } .equity { stroke: #bc8cff; } .mean { stroke: #9198a1; }
.rests-buy { stroke: #58a6ff; } .rests-sell { stroke: #f0883e; } .rests-watched { stroke: #ff7b72; }
.buy { fill: #58a6ff; } .sell { fill: #f0883e; } .buy, .sell { stroke: #0d1117; }
}"""


class Point(NamedTuple):
    """A figure at a time, quote currency."""

    time: datetime
    figure: Decimal


class Rest(NamedTuple):
    """An order that rested, or a price that was watched, for some time.

    Attributes:
        name: Slot of the order, or name of the trigger.
        kind: `buy`, `sell` or `watched`.
        price: Quote currency.
        start: First candle at whose close it stood.
        end: First candle at whose close it stood no more.
    """

    name: str
    kind: str
    price: Decimal
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What one picture shows.

    Attributes:
        title: First line.
        subtitle: Second line.
        prices: Market, rising times.
        equity: Equity, rising times.
        budget: Money put in, quote currency.
        currency: Of prices and equity.
        fills: Buys and sells.
        rests: Resting orders and watched prices.
    """

    title: str
    subtitle: str
    prices: Sequence[Point]
    equity: Sequence[Point]
    budget: Decimal
    currency: str
    fills: Sequence[Fill]
    rests: Sequence[Rest]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """A scale from figures to places."""

    low: float
    high: float
    first: float
    last: float

    def at(self, figure: float) -> float:
        """Return the place of a figure."""
        share = (figure - self.low) / (self.high - self.low)
        return self.first + share * (self.last - self.first)


def thinned(points: Sequence[Point], buckets: int = 400) -> list[Point]:
    """Return both ends, and the lowest and highest point of each of `buckets` equal parts."""
    size = max(1, ceil(len(points) / buckets))
    kept: list[Point] = []
    for start in range(0, len(points), size):
        part = points[start : start + size]
        ends = {min(part, key=_figure_of), max(part, key=_figure_of)}
        kept += sorted(ends, key=lambda point: point.time)
    first = [] if kept[0] == points[0] else [points[0]]
    last = [] if kept[-1] == points[-1] else [points[-1]]
    return first + kept + last


def draw(chart: Chart) -> str:
    """Return a chart as the text of an SVG file."""
    times = _Axis(
        low=chart.prices[0].time.timestamp(),
        high=chart.prices[-1].time.timestamp(),
        first=_LEFT,
        last=_RIGHT,
    )
    seen = [p.figure for p in chart.prices] + [fill.price for fill in chart.fills]
    prices = _scale([*seen, *(r.price for r in chart.rests)], _PRICE)
    equity = _scale([*(p.figure for p in chart.equity), chart.budget], _EQUITY)
    middle = f"{equity.at(float(chart.budget)):.1f}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(chart.title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>',
        f'<text class="title" x="20" y="30">{escape(chart.title)}</text>',
        f'<text class="quiet" x="20" y="52">{escape(chart.subtitle)}</text>',
        *_legend(chart),
        *_figures(prices, f"price, {chart.currency}"),
        *_figures(equity, f"equity, {chart.currency}"),
        *_days(times),
        *_rests(chart.rests, times, prices),
        _line("price", thinned(chart.prices), times, prices),
        *(_marks(chart.fills, side, times, prices) for side in Side),
        f'<line class="mean" x1="{_LEFT}" x2="{_RIGHT}" y1="{middle}" y2="{middle}"/>',
        _line("equity", thinned(chart.equity), times, equity),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def _figure_of(point: Point) -> Decimal:
    return point.figure


def _scale(figures: Iterable[Decimal], place: tuple[float, float]) -> _Axis:
    known = [float(figure) for figure in figures]
    low, high = min(known), max(known)
    margin = (high - low or high or 1.0) * 0.04
    return _Axis(low=low - margin, high=high + margin, first=place[1], last=place[0])


def _line(name: str, points: Sequence[Point], times: _Axis, figures: _Axis) -> str:
    places = " ".join(
        f"{times.at(p.time.timestamp()):.1f},{figures.at(float(p.figure)):.1f}" for p in points
    )
    return f'<path class="{name}" stroke-width="1.1" stroke-linejoin="round" d="M{places}"/>'


def _rests(rests: Sequence[Rest], times: _Axis, prices: _Axis) -> Iterable[str]:
    for kind in ("buy", "sell", "watched"):
        steps = [
            f"M{times.at(r.start.timestamp()):.1f} {prices.at(float(r.price)):.1f}"
            f"H{times.at(r.end.timestamp()):.1f}"
            for r in rests
            if r.kind == kind
        ]
        if steps:
            yield f'<path class="rests-{kind}" d="{"".join(steps)}"/>'


def _marks(fills: Sequence[Fill], side: Side, times: _Axis, prices: _Axis) -> str:
    # The tip of a mark is where the fill was: a buy points up from below, a sell down from above.
    way = 1 if side is Side.BUY else -1
    tips = "".join(
        f"M{times.at(fill.time.timestamp()):.1f} {prices.at(float(fill.price)):.1f}l4 {8 * way}h-8z"
        for fill in fills
        if fill.side is side
    )
    return f'<path class="{side.value.lower()}" d="{tips}"/>' if tips else ""


def _legend(chart: Chart) -> Iterable[str]:
    kinds = {rest.kind for rest in chart.rests}
    sides = {fill.side for fill in chart.fills}
    entries: list[tuple[str, Callable[[float], str]]] = [
        ("market price", lambda x: _sample("price", x)),
    ]
    if "buy" in kinds:
        entries.append(("resting buy", lambda x: _sample("rests-buy", x)))
    if "sell" in kinds:
        entries.append(("resting sell", lambda x: _sample("rests-sell", x)))
    if "watched" in kinds:
        entries.append(("watched price", lambda x: _sample("rests-watched", x)))
    if Side.BUY in sides:
        entries.append(("bought", lambda x: f'<path class="buy" d="M{x + 11} 70l4 8h-8z"/>'))
    if Side.SELL in sides:
        entries.append(("sold", lambda x: f'<path class="sell" d="M{x + 11} 78l4 -8h-8z"/>'))
    entries.append(("equity", lambda x: _sample("equity", x)))
    entries.append(("money put in", lambda x: _sample("mean", x)))
    x = 20.0
    for text, symbol in entries:
        yield f'{symbol(x)}<text class="quiet" x="{x + 28:.0f}" y="78">{text}</text>'
        x += 28 + 7.4 * len(text) + 16


def _sample(name: str, x: float) -> str:
    return f'<line class="{name}" stroke-width="1.6" x1="{x}" x2="{x + 22}" y1="74" y2="74"/>'


def _figures(axis: _Axis, title: str) -> Iterable[str]:
    step = _nice_step((axis.high - axis.low) / (6 if axis.first - axis.last > 200 else 3))
    unit, sign = (1e6, "M") if axis.high >= 1e7 else (1.0, "")
    places = max(0, ceil(-log10(step / unit) - 1e-9))
    if step / unit / 10.0**-places % 1 > 1e-6:
        places += 1
    for number in range(ceil(axis.low / step), floor(axis.high / step) + 1):
        y = axis.at(number * step)
        text = f"{number * step / unit:,.{places}f}{sign}"
        yield f'<line class="scale" x1="{_LEFT}" x2="{_RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield (
            f'<text class="quiet" x="{_LEFT - 8}" y="{y + 4.5:.1f}" text-anchor="end">{text}</text>'
        )
    y = (axis.first + axis.last) / 2
    yield f'<line class="frame" x1="{_LEFT}" x2="{_LEFT}" y1="{axis.last}" y2="{axis.first}"/>'
    yield (
        f'<text class="quiet" text-anchor="middle" transform="translate(22 {y:.0f}) rotate(-90)">'
        f"{escape(title)}</text>"
    )


def _nice_step(least: float) -> float:
    power = 10.0 ** floor(log10(least))
    return next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= least)


def _days(times: _Axis) -> Iterable[str]:
    count = (times.high - times.low) / 86400
    step = timedelta(days=next(d for d in (1, 2, 3, 5, 7, 14, 30, 90, 365) if count / d <= 9))
    day = datetime.fromtimestamp(times.low, UTC)
    for bottom in (_PRICE[1], _EQUITY[1]):
        yield f'<line class="frame" x1="{_LEFT}" x2="{_RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    while day.timestamp() <= times.high:
        x = times.at(day.timestamp())
        for top, bottom in (_PRICE, _EQUITY):
            yield f'<line class="scale" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
        anchor = "start" if x < _LEFT + 20 else "middle"
        text = f"{day.day} {day:%b}"
        for bottom in (_PRICE[1], _EQUITY[1]):
            yield (
                f'<text class="quiet" x="{x:.1f}" y="{bottom + 18:.0f}" text-anchor="{anchor}">'
                f"{text}</text>"
            )
        day += step
