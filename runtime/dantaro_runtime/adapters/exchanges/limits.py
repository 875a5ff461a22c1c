"""How often a bot may ask: a bucket of tokens per group of calls, and what it was told.

Upbit counts per second and group, the orders per account, public data per address. A bot stays
below; what Upbit's answers say corrects it downwards only, since others share the same numbers.

Source:
    Upbit API 1.6.4, rate limits. freqtrade issue 12441: six bots on one address were banned.
"""

import itertools
import random
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import IntEnum, StrEnum

from dantaro_crds.errors import RateLimitedError
from dantaro_crds.kit.clock import Clock
from dantaro_runtime.ports import BANNED

__all__ = ["Bucket", "Group", "Limits", "Priority"]


class Group(StrEnum):
    """Calls that Upbit counts together."""

    ORDER = "order"
    ORDER_TEST = "order-test"
    DEFAULT = "default"
    """Accounts, order chance, reads of orders, cancels."""
    TICKER = "ticker"
    ORDERBOOK = "orderbook"
    MARKET = "market"


class Priority(IntEnum):
    """Who goes first when calls wait; a smaller number does."""

    CANCEL = 0
    EXIT = 1
    READ = 2
    ENTRY = 3


_RATES: dict[Group, tuple[float, float]] = {
    Group.ORDER: (8.0, 4.0),
    Group.ORDER_TEST: (4.0, 4.0),
    Group.DEFAULT: (25.0, 5.0),
    Group.TICKER: (8.0, 2.0),
    Group.ORDERBOOK: (8.0, 2.0),
    Group.MARKET: (8.0, 2.0),
}
"""Calls per second, and calls at once: together they are at most what Upbit takes in any second
(12, 8, 30, 10, 10, 10)."""

_KEPT = {Group.ORDER: 0.3, Group.DEFAULT: 0.3}
"""Part of a bucket that only cancels and exits may use."""

_SECOND = 1.0
"""After this long Upbit counts anew, whatever its clock says."""

_JITTER = 0.25
"""Longest addition to a pause, seconds, so that bots do not come back all at once."""

_SLOW_AFTER = 3
"""Refusals in a row after which a group slows down to one call per second."""

_SLOW_SECONDS = 60.0
"""How long it stays slow after the last refusal."""

_BAN = timedelta(seconds=60)
"""First ban that does not say how long it lasts; each one after it counts double."""

_LONGEST_BAN = timedelta(hours=24)
"""No ban is taken to be longer."""

_ENOUGH = 1e-9
"""Part of a token that rounding may lose."""


@dataclass(kw_only=True)
class Bucket:
    """Tokens of one group of calls; time comes in as monotonic seconds.

    Attributes:
        rate: Tokens per second, > 0.
        burst: Most tokens, >= 1.
        kept: Part of them that is kept for urgent calls, fraction.
        tokens: Tokens now.
        refusals: Refusals in a row.
    """

    rate: float
    burst: float
    kept: float = 0.0
    tokens: float = 0.0
    refusals: int = 0
    _filled: float = 0.0
    _closed_until: float = 0.0
    _slow_until: float = 0.0

    def delay(self, now: float, *, urgent: bool) -> float:
        """Return the seconds until a token may be taken; 0 is at once."""
        self._fill(now)
        rate, burst = self._pace(now)
        kept = max(1.0, self.kept * burst) if self.kept and not urgent else 0.0
        missing = min(1.0 + kept, burst) - self.tokens
        refill = missing / rate if missing > _ENOUGH else 0.0
        return max(refill, self._closed_until - now, 0.0)

    def take(self, now: float) -> None:
        """Take a token."""
        self._fill(now)
        self.tokens -= 1.0

    def correct(self, now: float, left: int) -> None:
        """Have no more tokens than Upbit says that are left of this second."""
        self._fill(now)
        self.tokens = min(self.tokens, float(left))
        if left == 0:
            self._closed_until = max(self._closed_until, now + _SECOND)

    def refuse(self, now: float, *, pause: float) -> None:
        """Take note of a refusal: nothing before the pause is over, and slowly after the third."""
        self.refusals += 1
        self.tokens = min(self.tokens, 1.0)
        self._closed_until = max(self._closed_until, now + pause)
        if self.refusals >= _SLOW_AFTER:
            self._slow_until = now + _SLOW_SECONDS

    def _pace(self, now: float) -> tuple[float, float]:
        return (min(self.rate, 1.0), 1.0) if now < self._slow_until else (self.rate, self.burst)

    def _fill(self, now: float) -> None:
        rate, burst = self._pace(now)
        self.tokens = min(self.tokens + (now - self._filled) * rate, burst)
        self._filled = now


class Limits:
    """The buckets of one bot, the queue before each, and bans.

    Args:
        clock: Monotonic for the buckets, wall time for bans.
        rng: Source of the jitter.
        orders_per_second: This bot's part of the account's order rate; None takes all of it.
        banned_until: End of a ban that an earlier process was told of.
        venue: Name of the exchange.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rng: random.Random,
        orders_per_second: Decimal | None = None,
        banned_until: datetime | None = None,
        venue: str = "Upbit",
    ) -> None:
        self._clock = clock
        self._venue = venue
        self._rng = rng
        self._banned_until = banned_until
        self._bans = 0
        self._numbers = itertools.count()
        self._waiting: dict[Group, list[tuple[Priority, int]]] = {group: [] for group in Group}
        now = clock.monotonic()
        self._buckets = {
            group: Bucket(
                rate=rate, burst=burst, kept=_KEPT.get(group, 0.0), tokens=burst, _filled=now
            )
            for group, (rate, burst) in _RATES.items()
        }
        self.narrow(orders_per_second)

    @property
    def banned_until(self) -> datetime | None:
        """End of the ban that holds, or of the last one; None if there was none. Store it."""
        return self._banned_until

    def narrow(self, orders_per_second: Decimal | None) -> None:
        """Set this bot's part of the account's order rate; it is never above Upbit's own.

        Two orders may go at once even where the part is small: an exit does not wait for the entry
        before it.
        """
        rate, burst = _RATES[Group.ORDER]
        bucket = self._buckets[Group.ORDER]
        if orders_per_second is not None:
            rate = min(rate, float(orders_per_second))
        bucket.rate, bucket.burst = rate, min(burst, max(2.0, rate))
        bucket.tokens = min(bucket.tokens, bucket.burst)

    async def take_turn(self, group: Group, priority: Priority) -> None:
        """Wait until a call may be sent, and count it.

        Raises:
            RateLimitedError: A ban holds; code `BANNED`. Nothing was sent.
        """
        bucket, waiting = self._buckets[group], self._waiting[group]
        ticket = (priority, next(self._numbers))
        waiting.append(ticket)
        urgent = priority in {Priority.CANCEL, Priority.EXIT}
        try:
            while True:
                self._refuse_if_banned()
                now = self._clock.monotonic()
                delay = bucket.delay(now, urgent=urgent)
                if ticket != min(waiting):
                    delay = max(delay, 1.0 / bucket.rate)
                if delay <= 0.0:
                    bucket.take(now)
                    return
                await self._clock.sleep(delay)
        finally:
            waiting.remove(ticket)

    def heed(self, group: Group, *, status: int, remaining: str, message: str) -> timedelta | None:
        """Take note of an answer.

        Args:
            group: The call's.
            status: HTTP status.
            remaining: Header `Remaining-Req`, such as `group=order; min=1800; sec=7`; may be empty.
            message: Text of the error; a ban's says how long it lasts.

        Returns:
            The pause that Upbit wants; None when it served the call.
        """
        bucket, now = self._buckets[group], self._clock.monotonic()
        left = re.search(r"\bsec\s*=\s*([0-9]{1,6})\b", remaining)
        if left is not None:
            bucket.correct(now, int(left[1]))
        if status == 418:
            return self._ban(message)
        if status == 429:
            pause = _SECOND + _JITTER * self._rng.random()
            bucket.refuse(now, pause=pause)
            return timedelta(seconds=pause)
        bucket.refusals = 0
        if status < 400:
            self._bans = 0
        return None

    def _ban(self, message: str) -> timedelta:
        span = _stated_span(message) or _BAN * 2.0 ** min(self._bans, 20)
        span = min(span, _LONGEST_BAN)
        self._bans += 1
        until = self._clock.now() + span
        self._banned_until = max(self._banned_until or until, until)
        return span

    def _refuse_if_banned(self) -> None:
        left = self._banned_until and self._banned_until - self._clock.now()
        if left and left > timedelta(0):
            raise RateLimitedError(
                f"{self._venue} has banned this account or address for "
                f"{left.total_seconds():.0f} s more: nothing is sent before that, since each call "
                "would lengthen it",
                retry_after=left,
                code=BANNED,
            )


_UNITS = {
    timedelta(seconds=1): ("s", "sec", "secs", "second", "seconds", "초"),
    timedelta(minutes=1): ("m", "min", "mins", "minute", "minutes", "분"),
    timedelta(hours=1): ("h", "hour", "hours", "시간"),
}


def _stated_span(message: str) -> timedelta | None:
    """Return the span of time that a message names, None if it names none above zero."""
    total = timedelta(0)
    for number, word in re.findall(r"([0-9]{1,6})\s*([a-z]+|초|분|시간)", message.lower()):
        unit = next((unit for unit, words in _UNITS.items() if word in words), timedelta(0))
        total += int(number) * unit
    return total or None
