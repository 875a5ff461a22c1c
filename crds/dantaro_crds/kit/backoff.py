"""Growing pauses between tries."""

import random
from dataclasses import dataclass, field

__all__ = ["Backoff"]


@dataclass(kw_only=True)
class Backoff:
    """Pauses that double up to a limit, each shortened by a random part.

    Attributes:
        first: First pause, seconds.
        longest: Longest pause, seconds.
        jitter: Largest part of a pause that is left out, fraction 0..1.
        rng: Source of the jitter; give a seeded one for a repeatable run.
    """

    first: float
    longest: float
    jitter: float = 0.25
    rng: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def next(self) -> float:
        """Return the pause before the next try and count a failure."""
        pause = min(self.first * 2.0 ** min(self.failures, 30), self.longest)
        self.failures += 1
        return pause * (1 - self.jitter * self.rng.random())

    def reset(self) -> None:
        """Start from the first pause again."""
        self.failures = 0
