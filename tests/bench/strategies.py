"""How long one step of a strategy takes, and a month of candles through one grid bot's engine.

Nothing here waits for anything, so processor time is what the wall shows on a machine of its own.
"""

import time
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

from dantaro_crds.v1alpha1.strategies import GridParameters, Spacing
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle
from tests.support.recorded_runs import (
    BUDGET,
    MARKETS,
    STRATEGIES,
    plain_replay,
    walk_recording,
)
from tests.support.replay import Replay, recorded_minutes

__all__ = ["StepTimes", "measure_grid", "measure_strategies"]


@dataclass(kw_only=True)
class StepTimes:
    """Milliseconds of processor time that the steps of one replay took.

    Attributes:
        fills: From a fill to the last order that answers it, each.
        idle: Of a whole candle without a fill: four moves, limits and decision at its open, each.
    """

    fills: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)

    @property
    def at_fill(self) -> float:
        """Median step at a fill; nan without any."""
        return median(self.fills) if self.fills else float("nan")

    @property
    def at_rest(self) -> float:
        """Median candle without a fill."""
        return median(self.idle)


class _TimedReplay(Replay):
    """A replay that times its reactions."""

    def __init__(self, config: StrategyConfig, budget: Decimal, symbol: str) -> None:
        super().__init__(config, budget, symbol=symbol)
        self.times = StepTimes()

    def settle(self) -> None:
        """Act until nothing is left to do, and note how long that took if there was a fill."""
        before = len(self.fills)
        began = time.process_time()
        super().settle()
        if taken := len(self.fills) - before:
            self.times.fills.append((time.process_time() - began) * 1000 / taken)

    def consume(self, candle: Candle, analysis: Analysis | None = None) -> None:
        """Go through one candle, and note how long that took if nothing was filled."""
        before = len(self.fills)
        began = time.process_time()
        super().consume(candle, analysis)
        if len(self.fills) == before:
            self.times.idle.append((time.process_time() - began) * 1000)


def measure_grid(lines: int = 100) -> tuple[StepTimes, float]:
    """Return the steps of a grid over a recorded month, and the seconds of the same replay untimed.

    Args:
        lines: Number of cells, between 5 % below and 10 % above the first price.
    """
    symbol = MARKETS[0]
    candles = recorded_minutes(symbol)
    ticks, first = rules_for("paper", symbol).ticks, candles[0].open
    grid = GridParameters(
        lower_price=ticks.floor(first * Decimal("0.95")) or first,
        upper_price=ticks.ceil(first * Decimal("1.1")),
        grids=lines,
        spacing=Spacing.GEOMETRIC,
    )
    config = StrategyConfig(grid=grid)
    timed = _TimedReplay(config, 5 * BUDGET, symbol)
    timed.walk(candles)
    plain = plain_replay(config, 5 * BUDGET, symbol)
    began = time.process_time()
    plain.walk(candles)
    return timed.times, time.process_time() - began


def measure_strategies() -> dict[str, StepTimes]:
    """Return the steps of each strategy over a recorded month."""
    symbol = MARKETS[-1]
    candles = recorded_minutes(symbol)
    return {
        name: walk_recording(name, symbol, candles, make=_TimedReplay).times for name in STRATEGIES
    }
