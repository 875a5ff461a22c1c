"""Calls of Upbit's public REST API within its limits.

Source:
    `upbit.md`, sections 5, 6 and 8.
"""

import json
import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from dantaro_crds.errors import NotFoundError, RateLimitedError, SpecError, TransientError
from dantaro_crds.kit.clock import Clock

__all__ = ["CALLS_PER_SECOND", "UPBIT_URL", "UpbitClient"]

UPBIT_URL = "https://api.upbit.com/v1"
"""Korea, the only region with KRW markets."""

CALLS_PER_SECOND = 8.0
"""In each group of calls; Upbit allows 10 for an address."""

_BLOCKED_PAUSE = timedelta(seconds=60)
_LONGEST_PAUSE = timedelta(hours=1)
_TIMEOUT_SECONDS = 10.0
_CLOCK_TOLERANCE = timedelta(seconds=30)

_GROUPS = {"market": "market", "candles": "candle", "ticker": "ticker", "orderbook": "orderbook"}
"""First part of a path to the group that is limited together."""


class UpbitClient:
    """One address's calls: each group of them has its pace, a block stops them all."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        clock: Clock,
        *,
        calls_per_second: float = CALLS_PER_SECOND,
    ) -> None:
        """Choose a server.

        Args:
            http: With the base URL set; closed by its owner.
            clock: Wall time and waiting.
            calls_per_second: Most calls of one group, > 0.
        """
        self._http = http
        self._clock = clock
        self._distance = 1 / calls_per_second
        self._turns: dict[str, float] = {}
        self._blocked_until = 0.0
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the wall time; Upbit's, where this machine's is more than 30 s off it."""
        return self._clock.now() - self._ahead

    @property
    def clock_problem(self) -> str:
        """What is wrong with this machine's clock, one sentence; empty if nothing is."""
        if not self._ahead:
            return ""
        seconds = round(abs(self._ahead).total_seconds())
        side = "ahead of" if self._ahead > timedelta(0) else "behind"
        return f"this machine's clock is {seconds} s {side} Upbit's, which is followed: set it"

    async def get(self, path: str, query: dict[str, str]) -> Any:
        """Return the parsed answer of a call, numbers as `Decimal`.

        Raises:
            RateLimitedError: Upbit asks for a pause; calls before its end do not go out.
            NotFoundError: Upbit does not know what was asked for.
            TransientError: Upbit does not answer as it should.
            SpecError: Upbit refuses the call.
        """
        group = _GROUPS.get(path.partition("/")[0], path)
        await self._wait_for_turn(group)
        try:
            response = await self._http.get(path, params=query, timeout=_TIMEOUT_SECONDS)
        except httpx.HTTPError as error:
            raise TransientError(
                f"Upbit {path}: expected an answer, found {type(error).__name__}: {error}"
            ) from error
        self._heed(group, response)
        if not response.is_success:
            raise self._error_of(path, group, response)
        try:
            return json.loads(response.text, parse_float=Decimal, parse_int=Decimal)
        except (ValueError, RecursionError) as error:
            raise TransientError(
                f"Upbit {path}: expected JSON, found {response.text[:80]!r}"
            ) from error

    async def _wait_for_turn(self, group: str) -> None:
        now = self._clock.monotonic()
        if now < self._blocked_until:
            pause = timedelta(seconds=self._blocked_until - now)
            raise RateLimitedError(
                f"Upbit has blocked this address for another {pause.total_seconds():.0f} s",
                retry_after=pause,
            )
        turn = max(self._turns.get(group, 0.0), now)
        self._turns[group] = turn + self._distance
        if turn > now:
            await self._clock.sleep(turn - now)

    def _heed(self, group: str, response: httpx.Response) -> None:
        """Wait for the next second when nothing is left of this one; compare the clocks."""
        match = re.search(r"\bsec=(\d+)", response.headers.get("Remaining-Req", ""))
        if match is not None and int(match[1]) == 0:
            self._pause(group, timedelta(seconds=1))
        with suppress(ValueError):
            told = parsedate_to_datetime(response.headers.get("Date", ""))
            ahead = self._clock.now() - told.astimezone(UTC)
            self._ahead = ahead if abs(ahead) > _CLOCK_TOLERANCE else timedelta(0)

    def _pause(self, group: str, pause: timedelta) -> None:
        end = self._clock.monotonic() + pause.total_seconds()
        self._turns[group] = max(self._turns.get(group, 0.0), end)

    def _error_of(self, path: str, group: str, response: httpx.Response) -> Exception:
        found = f"Upbit {path}: found status {response.status_code}: {response.text[:120]}"
        match response.status_code:
            case 429:
                pause = _retry_after(response) or timedelta(seconds=1)
                self._pause(group, pause)
                return RateLimitedError(found, retry_after=pause)
            case 418:
                pause = _retry_after(response) or _block_of(response.text)
                self._blocked_until = self._clock.monotonic() + pause.total_seconds()
                return RateLimitedError(found, retry_after=pause)
            case 404:
                return NotFoundError(found)
            case status if status in {403, 408} or status >= 500 or 300 <= status < 400:
                return TransientError(found)
        return SpecError(found)


def _retry_after(response: httpx.Response) -> timedelta | None:
    text = response.headers.get("Retry-After", "")
    return min(timedelta(seconds=int(text)), _LONGEST_PAUSE) if _is_count(text) else None


def _is_count(text: str) -> bool:
    return re.fullmatch(r"[0-9]{1,9}", text) is not None


def _block_of(text: str) -> timedelta:
    """Return how long a block lasts, from its message; a minute when it does not say."""
    match = re.search(r"(\d{1,9})\s*(second|sec|minute|min|초|분)", text)
    if match is None:
        return _BLOCKED_PAUSE
    unit = timedelta(minutes=1) if match[2] in {"minute", "min", "분"} else timedelta(seconds=1)
    return min(int(match[1]) * unit, _LONGEST_PAUSE)
