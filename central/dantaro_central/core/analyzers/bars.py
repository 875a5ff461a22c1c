"""The last candles of one interval as arrays, without gaps."""

from dataclasses import dataclass
from datetime import datetime
from math import frexp, isfinite

import numpy as np
from numpy.typing import NDArray

from dantaro_central.core.candles import Candle, floor_time
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval, utc_text

__all__ = ["BARS", "Bars", "Floats", "Ring", "mean"]

BARS = 200
"""How many candles an analysis is given, always: recursive indicators depend on where they begin.

Source: indicators definition, section 1.
"""

_ROOM = 2 * BARS
_SCALED_EXPONENT = 20

Floats = NDArray[np.float64]


def mean(values: Floats) -> float:
    """Return the mean, n >= 1."""
    return float(np.add.reduce(values)) / len(values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Closed candles of one interval, oldest first, 1 <= n <= 200, without gaps.

    Prices are multiplied by `scale`, a power of two that brings the newest close to about a
    million. That changes no digit, and keeps prices of any coin clear of the thresholds below which
    TA-Lib takes a number for zero.

    Attributes:
        open: First prices.
        high: Highest prices.
        low: Lowest prices.
        close: Last prices.
        volume: Traded amounts, base currency.
        scale: What prices were multiplied by.
    """

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    scale: float

    def __len__(self) -> int:
        """Return how many candles there are."""
        return len(self.close)

    @property
    def is_full(self) -> bool:
        """Whether there are as many as recursive indicators need."""
        return len(self.close) >= BARS


class Ring:
    """Takes in the candles of one interval and keeps the last 200, gaps filled.

    A candle that is missing between two others gets the close before it and volume 0.
    """

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self._span = interval.span
        self._rows: Floats = np.empty((5, _ROOM))
        self._end = 0
        self._next: datetime | None = None

    @property
    def newest(self) -> datetime | None:
        """Open of the newest candle, None before the first."""
        return None if self._next is None else self._next - self._span

    def add(self, candle: Candle) -> None:
        """Take in a closed candle, later than all before.

        Raises:
            SpecError: A figure is not finite.
        """
        figures = (
            float(candle.open),
            float(candle.high),
            float(candle.low),
            float(candle.close),
            float(candle.volume),
        )
        if not isfinite(sum(figures)):
            raise SpecError(
                f"candle {utc_text(candle.time)}: expected finite numbers, found {figures}; "
                "correct or remove it at its source"
            )
        self.fill(candle.time)
        self._append(figures)
        self._next = candle.time + self._span

    def fill(self, until: datetime) -> None:
        """Fill every candle that ended by `until` with the last close; nothing before the first."""
        if self._next is None:
            return
        missing = (floor_time(until, self._span) - self._next) // self._span
        if missing <= 0:
            return
        close = float(self._rows[3, self._end - 1])
        for _ in range(min(missing, BARS)):
            self._append((close, close, close, close, 0.0))
        self._next += missing * self._span

    def bars(self) -> Bars | None:
        """Return the last candles, None before the first; not to be kept: the ring goes on."""
        if not self._end:
            return None
        rows = self._rows[:, max(self._end - BARS, 0) : self._end]
        scale = 2.0 ** (_SCALED_EXPONENT - frexp(float(rows[3, -1]))[1])
        prices = rows[:4] * scale
        return Bars(
            open=prices[0],
            high=prices[1],
            low=prices[2],
            close=prices[3],
            volume=rows[4],
            scale=scale,
        )

    def _append(self, figures: tuple[float, ...]) -> None:
        if self._end == _ROOM:
            self._rows[:, :BARS] = self._rows[:, -BARS:]
            self._end = BARS
        self._rows[:, self._end] = figures
        self._end += 1
