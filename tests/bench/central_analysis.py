"""`python -m tests.bench.central_analysis`: 200 markets with 90 days of hours, analysed once."""

import resource
import time
from datetime import timedelta
from decimal import Decimal

import numpy as np

from dantaro_central.core.analysis import Analyst
from dantaro_central.core.candles import Candle, complete_history
from dantaro_central.core.market_state import MarketState
from dantaro_crds.values import Interval
from tests.support.candles import START

__all__ = ["main", "measure_analysis"]

MARKETS = 200
HOURS = 90 * 24

GOALS = {"seconds": 10.0, "memory": 400.0}


def measure_analysis(markets: int = MARKETS, hours: int = HOURS) -> dict[str, float]:
    """Return the figures of one analysis of all markets, fetched one after the other.

    Returns:
        `seconds`: of CPU, to take in all candles, build 240m and 1d of them, and make indicators of
        three intervals, support levels with confidence, market status and scores; not to make up;
        `memory`: the most that was resident, MiB; `indicators`: rows that were found.
    """
    states = []
    seconds = 0.0
    for n in range(markets):
        candles = _hours(n, hours)
        began = time.perf_counter()
        state = MarketState(f"KRW-M{n:03}", since=START)
        state.restore(complete_history({Interval.M60: candles}, until=START), until=START)
        states.append(state)
        seconds += time.perf_counter() - began
    began = time.perf_counter()
    found = Analyst(states).analyse(START)
    seconds += time.perf_counter() - began
    assert len(found.levels) == len(found.scores) == markets
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "memory": peak, "indicators": float(len(found.indicators))}


def _hours(seed: int, count: int) -> list[Candle]:
    """Return made-up hours that end at START: a random walk, 1 % an hour."""
    rng = np.random.default_rng(seed)
    closes = 10_000 * np.exp(np.cumsum(rng.normal(0, 0.01, count)))
    wicks = rng.uniform(0, 0.005, (2, count))
    volumes = rng.uniform(1, 1000, count)
    candles = []
    before = 10_000.0
    for n, close in enumerate(closes.tolist()):
        candles.append(
            Candle(
                time=START - (count - n) * timedelta(hours=1),
                open=_price(before),
                high=_price(max(before, close) * (1 + wicks[0, n])),
                low=_price(min(before, close) * (1 - wicks[1, n])),
                close=_price(close),
                volume=Decimal(f"{volumes[n]:.8f}"),
            )
        )
        before = close
    return candles


def _price(value: float) -> Decimal:
    return Decimal(f"{value:.2f}")


def main() -> None:
    """Measure and print."""
    figures = measure_analysis()
    print(f"{MARKETS} markets, 90 days of 60-minute candles, all analysed once:")
    print(
        "  {seconds:.1f} s of CPU, {memory:.0f} MiB at most, {indicators:.0f} rows".format(
            **figures
        ),
        "(goals {seconds:.0f} s, {memory:.0f} MiB)".format(**GOALS),
    )


if __name__ == "__main__":
    main()
