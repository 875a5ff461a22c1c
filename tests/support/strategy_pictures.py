"""Draws the pictures of the strategy guide from recorded candles: `make pictures`."""

import sys
from pathlib import Path

from dantaro_crds.money import exact
from tests.support.chart import Chart, Point, draw
from tests.support.recorded import find_recorded_candles
from tests.support.recorded_runs import BUDGET, STRATEGIES, walk_recording, watched_replay
from tests.support.replay import recorded_minutes

__all__ = ["main", "picture"]

_IMAGES = Path(__file__).parents[2] / "docs" / "images"

_MARKETS = {
    "grid": "KRW-SOL",
    "staged": "KRW-XRP",
    "signal": "KRW-ETH",
    "breakout": "KRW-SOL",
    "ai": "KRW-BTC",
}
"""Strategy and market of each picture."""


@exact
def picture(name: str) -> str:
    """Return the picture of a strategy as the text of an SVG file.

    Args:
        name: A strategy that has a picture.
    """
    symbol = _MARKETS[name]
    bot = walk_recording(name, symbol, recorded_minutes(symbol), make=watched_replay)
    result = bot.result()
    chart = Chart(
        title=f"{STRATEGIES[name].title} on {symbol}, September 2025, 1-minute candles, on paper",
        subtitle=STRATEGIES[name].parameters,
        prices=[Point(mark.time, mark.last) for mark in result.curve],
        equity=[Point(mark.time, mark.equity) for mark in result.curve],
        budget=BUDGET,
        currency="KRW",
        fills=result.fills,
        rests=bot.rests(),
    )
    return draw(chart)


def main() -> int:
    """Draw every picture of the guide, or those named on the command line."""
    if find_recorded_candles() is None:
        print("not drawn: there are no recorded candles at ../shared/data/candles")
        return 1
    for name in sys.argv[1:] or _MARKETS:
        path = _IMAGES / f"strategy-{name}.svg"
        path.write_text(picture(name), encoding="ascii")
        print(f"drawn: {path.relative_to(_IMAGES.parents[1])}, {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
