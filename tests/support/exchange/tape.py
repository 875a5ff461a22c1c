"""What was traded on one market: candles made of the moves of its price."""

from bisect import bisect_left
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.support.exchange.engine import exactly

__all__ = ["DAY", "Candle", "Tape", "Tick"]

DAY = 1440
"""Minutes of the longest candle."""

_ZERO = Decimal(0)
_MINUTE = timedelta(minutes=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICKS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A move of the price, shown as a trade of others."""

    time: datetime
    price: Decimal
    volume: Decimal
    number: int
    is_up: bool


@dataclass(kw_only=True, slots=True)
class Candle:
    """One candle; `value` is price x volume. `time` is its start."""

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = _ZERO
    value: Decimal = _ZERO
    last_at: datetime = _EPOCH

    def add(self, other: "Candle") -> None:
        """Take in a later candle."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume
        self.value += other.value
        self.last_at = other.last_at

    def copy(self, *, time: datetime) -> "Candle":
        """Return a candle with the same figures at another start."""
        return Candle(
            time=time,
            open=self.open,
            high=self.high,
            low=self.low,
            close=self.close,
            volume=self.volume,
            value=self.value,
            last_at=self.last_at,
        )


def _start(time: datetime, minutes: int) -> datetime:
    length = timedelta(minutes=minutes)
    return _EPOCH + (time - _EPOCH) // length * length


@dataclass(kw_only=True)
class Tape:
    """The candles of a market, oldest first; the newest may still run.

    Only minutes are kept as they come; longer candles are added up when somebody asks, and then
    only from what is new.
    """

    minutes: list[Candle] = field(default_factory=list)
    ticks: list[Tick] = field(default_factory=list)
    _longer: dict[int, tuple[list[Candle], int]] = field(default_factory=dict)
    _sums: list[tuple[Decimal, Decimal]] = field(default_factory=lambda: [(_ZERO, _ZERO)])
    _number: int = 0

    @exactly
    def record(self, price: Decimal, time: datetime, volume: Decimal) -> None:
        """Add a trade of others."""
        start = _start(time, 1)
        one = Candle(
            time=start,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=volume,
            value=price * volume,
            last_at=time,
        )
        is_up = not self.minutes or price >= self.minutes[-1].close
        if self.minutes and self.minutes[-1].time >= start:
            self.minutes[-1].add(one)
        else:
            self.minutes.append(one)
        self._number += 1
        self.ticks.append(
            Tick(time=time, price=price, volume=volume, number=self._number, is_up=is_up)
        )
        if len(self.ticks) > 2 * _TICKS:
            del self.ticks[:_TICKS]

    def candles(self, unit: int) -> list[Candle]:
        """Return candles of `unit` minutes, oldest first."""
        return self.minutes if unit == 1 else self._added_up(unit)

    @exactly
    def _added_up(self, unit: int) -> list[Candle]:
        """Return longer candles; the one that may still change is made anew each time."""
        made, done = self._longer.get(unit, ([], 0))
        if made:
            newest = made.pop()
            done = bisect_left(self.minutes, newest.time, key=lambda candle: candle.time)
        for candle in self.minutes[done:]:
            start = _start(candle.time, unit)
            if made and made[-1].time == start:
                made[-1].add(candle)
            else:
                made.append(candle.copy(time=start))
        self._longer[unit] = (made, len(self.minutes))
        return made

    @exactly
    def last_day(self, now: datetime) -> tuple[Decimal, Decimal]:
        """Return the value and the volume traded in the 24 hours before `now`."""
        while len(self._sums) < len(self.minutes):  # the newest minute may still change
            candle = self.minutes[len(self._sums) - 1]
            value, volume = self._sums[-1]
            self._sums.append((value + candle.value, volume + candle.volume))
        if not self.minutes:
            return _ZERO, _ZERO
        first = bisect_left(self.minutes, now - timedelta(days=1), key=lambda candle: candle.time)
        first = min(first, len(self._sums) - 1)
        newest = self.minutes[-1]
        return (
            self._sums[-1][0] - self._sums[first][0] + newest.value,
            self._sums[-1][1] - self._sums[first][1] + newest.volume,
        )
