"""Market time: whose market the database holds, from when on, and how far it got."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from dantaro_central.core.candles import MINUTE, floor_time

__all__ = [
    "HISTORY_COMING",
    "LIVE_GRACE",
    "LivePace",
    "Market",
    "MarketClock",
    "MarketUse",
    "MaxPace",
    "Pace",
    "SourceIdentity",
    "SteppedPace",
]

LIVE_GRACE = timedelta(seconds=2)
"""How long after a minute's end a venue may complete its candle."""

HISTORY_COMING = "its history is being fetched: try again in some minutes"
"""Why a market of a live source cannot be used yet."""

_FOREVER = timedelta(days=3650)


class MarketUse(StrEnum):
    """What a market is good for."""

    TRADED = "Traded"
    ANALYSED = "Analysed"
    UNUSED = "Unused"
    BROKEN = "Broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One market of a source.

    Attributes:
        symbol: Name of the market.
        use: Whether it has 1-minute candles (Traded), hours alone (Analysed), or neither (Unused,
            Broken).
        reason: Why it is not traded, one sentence; empty if it is.
    """

    symbol: str
    use: MarketUse
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIdentity:
    """What makes two runs see the same market.

    Attributes:
        name: `simulated`, `replay` or a venue.
        live: Whether market time is wall time.
        folder: Absolute folder of a replay, else empty.
        seed: Seed of a simulated market, else None.
        start: Market time asked for with `--from`, RFC 3339, else empty.
    """

    name: str
    live: bool
    folder: str = ""
    seed: int | None = None
    start: str = ""

    def __str__(self) -> str:
        """Return the identity for a message."""
        parts = [self.name]
        parts += [f"folder {self.folder}"] if self.folder else []
        parts += [f"seed {self.seed}"] if self.seed is not None else []
        parts += [f"from {self.start}"] if self.start else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketClock:
    """Market time.

    Attributes:
        source: Whose market it is.
        start: Open of the first 1-minute candle that is served.
        cursor: Every candle that closed up to here is stored, and every analysis due up to here.
        ended: Whether there will be no more candles.
    """

    source: SourceIdentity
    start: datetime
    cursor: datetime
    ended: bool = False


class Pace(Protocol):
    """Says how far market time may go."""

    def due(self, *, cursor: datetime, now: datetime, monotonic: float) -> datetime:
        """Return the market time that is due.

        Args:
            cursor: Market time.
            now: Wall time.
            monotonic: Seconds that never go back.
        """
        ...

    def pause(self) -> float:
        """Return how long to wait before asking again when nothing is due, seconds."""
        ...


class SteppedPace:
    """Market time goes `speed` times as fast as wall time, from the first question on."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._first: tuple[datetime, float] | None = None

    def due(self, *, cursor: datetime, now: datetime, monotonic: float) -> datetime:
        """Return the market time that is due, whole minutes."""
        del now
        if self._first is None:
            self._first = cursor, monotonic
        start, began = self._first
        return floor_time(start + timedelta(seconds=(monotonic - began) * self._speed), MINUTE)

    def pause(self) -> float:
        """Return a tenth of a market minute, within 20 ms and 1 s."""
        return min(max(6.0 / self._speed, 0.02), 1.0)


class MaxPace:
    """Market time goes as fast as it can."""

    def due(self, *, cursor: datetime, now: datetime, monotonic: float) -> datetime:
        """Return a time far ahead."""
        del now, monotonic
        return cursor + _FOREVER

    def pause(self) -> float:
        """Return no pause."""
        return 0.0


class LivePace:
    """Market time is wall time, less a moment in which a venue completes its candle."""

    def due(self, *, cursor: datetime, now: datetime, monotonic: float) -> datetime:
        """Return the last whole minute that a venue has closed."""
        del cursor, monotonic
        return floor_time(now - LIVE_GRACE, MINUTE)

    def pause(self) -> float:
        """Return half a second."""
        return 0.5
