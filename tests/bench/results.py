"""`python -m tests.bench.results`: what each strategy made of a recorded month, run twice."""

import sys
from collections.abc import Iterator
from decimal import Decimal

from dantaro_crds.money import exact
from dantaro_runtime.core.orders import Fill
from tests.support.recorded import find_recorded_candles
from tests.support.recorded_runs import (
    BUDGET,
    MARKETS,
    STRATEGIES,
    plain_replay,
    walk_recording,
)
from tests.support.replay import Result, recorded_minutes

__all__ = ["main", "result_rows"]

_HEAD = (
    "| Strategy | Market | Market moved | Fills | Realised | Fees | Final equity | Max drawdown |"
)
_RULE = "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"


@exact
def result_rows(name: str, symbol: str, *, count: int | None = None) -> tuple[str, bool]:
    """Return one row of the table, and whether a second run led to the same.

    Args:
        name: A strategy.
        symbol: A market.
        count: How many candles to walk; default: all.
    """
    candles = recorded_minutes(symbol, count=count)
    first, second = (
        walk_recording(name, symbol, candles, make=plain_replay).result() for _ in range(2)
    )
    moved = candles[-1].close / candles[0].open - 1
    row = (
        f"| {name} | {symbol} | {moved:+.1%} | {len(first.fills)} | {first.book.realized:,.0f} "
        f"| {first.ledger.fees:,.0f} | {first.equity:,.0f} | {first.max_drawdown:.1%} |"
    )
    return row, _outcome(first) == _outcome(second)


def _outcome(result: Result) -> tuple[tuple[Fill, ...], Decimal, Decimal, object]:
    return result.fills, result.equity, result.book.realized, result.curve


def _heading() -> Iterator[str]:
    yield f"September 2025, 1-minute candles, on paper, {BUDGET:,} KRW for each bot."
    yield "Fees 0.05 % a side, one tick of slippage. Nothing is sold at the end.\n"
    for name, strategy in STRATEGIES.items():
        yield f"- {name}: {strategy.parameters}"
    yield ""
    yield _HEAD
    yield _RULE


def main() -> int:
    """Print the table of every strategy, or of those named on the command line."""
    if find_recorded_candles() is None:
        print("not run: there are no recorded candles at ../shared/data/candles")
        return 1
    print("\n".join(_heading()))
    differing = []
    for name in sys.argv[1:] or STRATEGIES:
        for symbol in MARKETS:
            row, is_same = result_rows(name, symbol)
            print(row, flush=True)
            if not is_same:
                differing.append(f"{name} on {symbol}")
    print(f"\ntwo runs differ: {', '.join(differing)}" if differing else "\ntwo runs: equal")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
