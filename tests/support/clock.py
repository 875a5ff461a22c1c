"""A clock that only the test moves."""

from datetime import UTC, datetime, timedelta

__all__ = ["MovingClock", "StepClock"]


class StepClock:
    """Stands still until somebody sleeps on it or sets `seconds`."""

    def __init__(self, now: datetime = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)) -> None:
        self.seconds = 0.0
        self._now = now

    def now(self) -> datetime:
        """Return the wall time that was given."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds so far."""
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        """Move on without waiting."""
        self.seconds += seconds


class MovingClock(StepClock):
    """Its wall time moves on with its seconds."""

    def now(self) -> datetime:
        """Return the wall time that was given, and the seconds since."""
        return super().now() + timedelta(seconds=self.seconds)
