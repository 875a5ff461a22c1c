"""Rate limits by group: what is left, 429, then a ban that grows."""

from dataclasses import dataclass

from tests.support.exchange.config import LimitConfig
from tests.support.exchange.orders import Refusal

__all__ = ["Limits"]

_UNLIMITED = 1_000_000


@dataclass(slots=True)
class _Window:
    second: int = 0
    used: int = 0


@dataclass(slots=True)
class _Guilt:
    strikes: int = 0
    bans: int = 0
    until: float = 0


class Limits:
    """Counts calls by (group, whose); bans whole callers."""

    def __init__(self, config: LimitConfig) -> None:
        self.config = config
        self._windows: dict[tuple[str, str], _Window] = {}
        self._guilt: dict[str, _Guilt] = {}

    def take(self, group: str, whose: str, now: float) -> int:
        """Count a call and return how many are left in this second.

        Args:
            group: As in `Remaining-Req`.
            whose: Pocket or address.
            now: Seconds of the clock that counts.

        Raises:
            Refusal: 429, or 418 with the length of the ban in its message.
        """
        guilt = self._guilt.setdefault(whose, _Guilt())
        if now < guilt.until:
            raise _banned(guilt.until - now)
        rate = self.config.per_second.get(group) if self.config.enabled else None
        if rate is None:
            return _UNLIMITED
        limit, second = max(1, int(rate)), int(now * min(1, rate))
        window = self._windows.setdefault((group, whose), _Window())
        if window.second != second:
            window.second, window.used = second, 0
        if window.used >= limit:
            guilt.strikes += 1
            if guilt.strikes > self.config.patience:
                self.ban(whose, now)
                raise _banned(guilt.until - now)
            raise Refusal(429, "too_many_requests", "too many requests in this second")
        guilt.strikes = 0
        window.used += 1
        return limit - window.used

    def ban(self, whose: str, now: float, seconds: float | None = None) -> None:
        """Shut a caller out; by rule each ban is twice as long as the one before."""
        guilt = self._guilt.setdefault(whose, _Guilt())
        length = self.config.ban_seconds * 2**guilt.bans if seconds is None else seconds
        guilt.bans += 1
        guilt.strikes = 0
        guilt.until = now + length


def _banned(seconds: float) -> Refusal:
    return Refusal(418, "too_many_requests", f"blocked for {max(1, round(seconds))} seconds")
