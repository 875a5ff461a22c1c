"""Calls to an exchange of ccxt: counted, sent once, and what they end with.

Nothing that is raised here holds a key, a header, or a text of ccxt.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import httpx

from dantaro_crds.errors import (
    AuthenticationError,
    DantaroError,
    OutcomeUnknownError,
    TransientError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_runtime.adapters.exchanges.calls import WHOLE_SECONDS, no_answer, read
from dantaro_runtime.adapters.exchanges.ccxt.failures import Failure, class_names, to_error
from dantaro_runtime.adapters.exchanges.ccxt.library import (
    LIBRARY_ERRORS,
    Answer,
    Exchange,
    Request,
    build_exchange,
)
from dantaro_runtime.adapters.exchanges.ccxt.profiles import Profile
from dantaro_runtime.adapters.exchanges.keys import KeyFolder
from dantaro_runtime.adapters.exchanges.limits import Group, Limits, Priority
from dantaro_runtime.ports import SECRET_MISSING

__all__ = ["CcxtClient"]

_LIMITED = {"RateLimitExceeded", "DDoSProtection"}
"""Classes of ccxt that ask for a pause."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Raised:
    error: Exception


class CcxtClient:
    """One account's door to an exchange of ccxt; one call at a time.

    Args:
        client: With a timeout; closed by whoever made it.
        exchange_id: ccxt's id.
        profile: What ccxt does not tell of it.
        base_url: Stands for the exchange's own scheme, host and start of the path; None is its own.
        key_folder: Holds the account's keys.
        limits: How often to ask.
        clock: Waiting.
        rng: Source of the pauses' jitter.

    Raises:
        ConfigError: ccxt is not installed.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        exchange_id: str,
        profile: Profile,
        base_url: str | None,
        key_folder: Path,
        limits: Limits,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._client = client
        self.profile = profile
        self.limits = limits
        self.clock = clock
        self._rng = rng
        self._key_folder = key_folder
        self._keys = KeyFolder(key_folder)
        self.exchange: Exchange = build_exchange(exchange_id, self, base_url=base_url)
        self.exchange.options |= dict(profile.options)
        self.began = clock.now()
        self.sent: set[str] = set()
        """Ids that this process may have sent, where they are not refused for ever."""
        self._turn = asyncio.Lock()
        self._group, self._priority = Group.DEFAULT, Priority.READ
        self._writes = False
        self._request: Request | None = None
        self._answer: Answer | None = None
        self._free_at = 0.0
        self._is_sent = False

    async def read(self, ask: Callable[[Exchange], Awaitable[T]]) -> T:
        """Ask, up to four times, until an answer makes sense.

        Raises:
            NotFoundError: There is no such order.
            AuthenticationError: The keys were refused or are missing.
            RateLimitedError: The exchange wants a longer pause.
            TransientError: No answer made sense.
        """

        async def call() -> T:
            return await self._call(ask, writes=False, group=Group.DEFAULT)

        return await read(call, clock=self.clock, rng=self._rng)

    async def write(
        self,
        ask: Callable[[Exchange], Awaitable[T]],
        *,
        priority: Priority,
        group: Group = Group.DEFAULT,
    ) -> T:
        """Send, once.

        Raises:
            VenueRefusedError: It was refused; nothing happened.
            NotFoundError: There is no such order.
            AuthenticationError: The keys were refused or are missing; nothing happened.
            RateLimitedError: The exchange wants a pause; look it up.
            OutcomeUnknownError: It may have happened.
            TransientError: The exchange could not be reached or is under maintenance; nothing
                happened.
        """
        return await self._call(ask, writes=True, group=group, priority=priority)

    # What ccxt calls

    async def take_turn(self, seconds: float) -> None:
        """Keep to ccxt's pace for reads; a write has its turn already."""
        if self._writes:
            return
        now = self.clock.monotonic()
        start = max(now, self._free_at)
        self._free_at = start + seconds
        if start > now:
            await self.clock.sleep(start - now)

    async def send(self, request: Request) -> Answer:
        """Send a request of the call that runs; of a write only one that changes something.

        Raises:
            DantaroError: There is no answer.
        """
        if self._writes and self._is_sent:
            raise OutcomeUnknownError(
                f"expected one request for one order, ccxt wants to send {request} too: it was not "
                "sent; look up what became of the first one"
            )
        if not self._writes:
            await self.limits.take_turn(self._group, self._priority)
        self._request, self._answer = request, None
        self._is_sent = self._is_sent or request.method != "GET"
        failure: Exception | None = None
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                got = await self._client.request(
                    request.method, request.url, headers=request.headers, content=request.body
                )
            answer = Answer(
                status=got.status_code,
                reason=got.reason_phrase,
                headers=dict(got.headers),
                text=got.text.strip(),
            )
        except (httpx.HTTPError, TimeoutError) as error:
            failure = error
        if failure is not None:
            # Raised out here: its context would hold the request, and that the keys.
            asked = f"{self.profile.title} did not answer {request}"
            raise no_answer(asked, failure, writes=self._writes)
        self._answer = answer
        return answer

    # Inside

    async def _call(
        self,
        ask: Callable[[Exchange], Awaitable[T]],
        *,
        writes: bool,
        group: Group,
        priority: Priority = Priority.READ,
    ) -> T:
        async with self._turn:
            if writes:
                await self.limits.take_turn(group, priority)
            self._group, self._priority, self._writes = group, priority, writes
            self._request, self._answer, self._is_sent = None, None, False
            self._put_keys()
            try:
                result = await self._try(ask)
            finally:
                self._writes = False
            if not isinstance(result, _Raised):
                self._heed(frozenset())
                return result
            raise self._explain(result.error, writes=writes)

    async def _try(self, ask: Callable[[Exchange], Awaitable[T]]) -> T | _Raised:
        """Return what a call gave, or what it raised: outside of it nobody sees its context."""
        try:
            return await ask(self.exchange)
        except (*LIBRARY_ERRORS, ValueError, DantaroError) as error:
            return _Raised(error)
        except Exception as error:
            if "BaseError" not in class_names(error):
                raise
            return _Raised(error)

    def _explain(self, failure: Exception, *, writes: bool) -> DantaroError:
        if isinstance(failure, DantaroError):
            is_late = isinstance(failure, TransientError) and writes and self._answer is not None
            if not is_late:
                return failure
            return OutcomeUnknownError(f"{failure.message}: it may have happened, look it up")
        kinds = class_names(failure)
        answer, request = self._answer, self._request
        error = to_error(
            Failure(
                asked=str(request) if request is not None else "nothing",
                writes=writes,
                is_sent=self._is_sent,
                status=answer.status if answer is not None else None,
                text=answer.text if answer is not None else "",
                hidden=(*self._secrets(), *(request.secrets if request is not None else ())),
                kinds=kinds,
                pause=self._heed(kinds),
            ),
            self.profile,
        )
        if isinstance(error, AuthenticationError):
            self._keys.forget()
        return error

    def _heed(self, kinds: frozenset[str]) -> timedelta | None:
        """Take note of the last answer; return the pause that it asks for."""
        answer = self._answer
        if answer is None:
            return None
        status = answer.status
        if kinds & _LIMITED and status != 418:
            status = 429
        wanted = answer.headers.get("retry-after", "")
        message = f"{wanted} s" if wanted.isascii() and wanted.isdigit() else answer.text
        is_long = status == 429 and message != answer.text and int(wanted) > 1
        return self.limits.heed(
            self._group, status=418 if is_long else status, remaining="", message=message
        )

    def _put_keys(self) -> None:
        keys = self._keys.read()
        self.exchange.apiKey, self.exchange.secret = keys.access, keys.secret
        if self.profile.needs_passphrase:
            self.exchange.password = self._passphrase()

    def _passphrase(self) -> str:
        found = ""
        with contextlib.suppress(OSError, UnicodeDecodeError):
            found = (self._key_folder / "passphrase").read_text().strip()
        if not found:
            raise AuthenticationError(
                f"expected the Secret's file passphrase beside access-key and secret-key, found "
                f"none: {self.profile.title} wants the words that the key was made with",
                code=SECRET_MISSING,
            )
        return found

    def _secrets(self) -> tuple[str, ...]:
        exchange = self.exchange
        return tuple(s for s in (exchange.apiKey, exchange.secret, exchange.password) if s)
