"""How well a support level is founded: how often the price came down to it, and what was traded
there.
"""

from datetime import datetime

import numpy as np

from dantaro_central.core.analyzers.bars import Floats

__all__ = ["HourTape", "confidence"]

_NEAR_ABOVE, _NEAR_OF = 201, 200
"""At the level: at most 201/200 of it, in whole numbers, so that the edge itself counts."""

_ENOUGH_VISITS = 5


def confidence(low: Floats, traded: Floats, level: float) -> float:
    """Return how well a level is founded, fraction 0..1 with 2 decimals.

    An hour is at the level if its low is at most 0.5 % above it. The mean of two parts:

    - visits: runs of such hours without another between, 5 and more count 1;
    - volume: value traded in an hour at the level over that of an hour at large; twice as much and
      more counts 1, as much 0.5. Nothing traded at all: 0.5.

    Args:
        low: Lows of the hours, oldest first, n >= 1.
        traded: Value traded in them, >= 0.
        level: The level, > 0; some low is at it.

    Source:
        Own definition: indicators definition, section 5, asks for touches and volume share.
    """
    at = low * _NEAR_OF <= level * _NEAR_ABOVE
    visits = int(np.count_nonzero(at[1:] & ~at[:-1])) + int(at[0])
    everything = float(traded.sum())
    part = 0.5
    if everything:
        part = min(float(traded[at].sum()) / everything * len(at) / (2 * int(at.sum())), 1.0)
    return round((min(visits / _ENOUGH_VISITS, 1.0) + part) / 2, 2)


class HourTape:
    """Lows and values traded of the hours of a span, as arrays."""

    def __init__(self, hours: int) -> None:
        """Choose how many of the newest hours are kept."""
        self._hours = hours
        self._rows: Floats = np.empty((3, 2 * hours))
        self._end = 0

    def add(self, time: datetime, low: float, traded: float) -> None:
        """Take in an hour, later than all before."""
        if self._end == self._rows.shape[1]:
            self._rows[:, : self._hours] = self._rows[:, -self._hours :]
            self._end = self._hours
        self._rows[:, self._end] = time.timestamp(), low, traded
        self._end += 1

    def since(self, time: datetime) -> tuple[Floats, Floats]:
        """Return lows and values of the hours that opened at `time` or later."""
        times = self._rows[0, : self._end]
        first = int(np.searchsorted(times, time.timestamp()))
        return self._rows[1, first : self._end], self._rows[2, first : self._end]
