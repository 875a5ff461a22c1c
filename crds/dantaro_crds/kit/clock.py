"""The one door to wall time, so that tests can step it by hand."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

__all__ = ["Clock", "ScaledClock", "SystemClock"]


class Clock(Protocol):
    """Wall time and waiting."""

    def now(self) -> datetime:
        """Return the wall time, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; 0 lets other tasks run."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the wall time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class ScaledClock:
    """A clock that runs faster than the machine's, for rehearsals against an emulated exchange.

    Processes with the same three figures tell the same time.

    Args:
        speed: Seconds that pass in one of the machine's, > 0.
        wall: A moment of the machine's clock.
        shown: What this clock shows at that moment.
    """

    def __init__(self, *, speed: float, wall: datetime, shown: datetime) -> None:
        self._speed = speed
        self._wall = wall
        self._shown = shown

    def now(self) -> datetime:
        """Return the time that is shown."""
        return self._shown + (datetime.now(UTC) - self._wall) * self._speed

    def monotonic(self) -> float:
        """Return monotonic seconds of this clock."""
        return time.monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait until so many of this clock's seconds have passed."""
        await asyncio.sleep(seconds / self._speed)
