"""Calls to Upbit: signed, counted, sent, and their answers read. A write is sent once.

Nothing that is raised or logged here holds a key, a token or a header.
"""

import asyncio
import json
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from dantaro_crds.errors import (
    AuthenticationError,
    OutcomeUnknownError,
    TransientError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_runtime.adapters.exchanges.calls import WHOLE_SECONDS, no_answer, read
from dantaro_runtime.adapters.exchanges.keys import KeyFolder
from dantaro_runtime.adapters.exchanges.limits import Group, Limits, Priority
from dantaro_runtime.adapters.exchanges.upbit.messages import parse_body
from dantaro_runtime.adapters.exchanges.upbit.refusals import Refusal, to_error
from dantaro_runtime.adapters.exchanges.upbit.signing import (
    Algorithm,
    Keys,
    Pairs,
    sign,
    wire_query,
)

__all__ = ["Call", "UpbitClient"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One question or one write.

    Attributes:
        method: GET and DELETE send the pairs in the query, POST as a JSON object.
        path: Such as `/v1/orders`.
        pairs: Parameters, in the order sent.
        group: How Upbit counts it.
        priority: Who goes first.
        is_signed: Whether it is asked in the account's name.
    """

    path: str
    pairs: Pairs = ()
    method: str = "GET"
    group: Group = Group.DEFAULT
    priority: Priority = Priority.READ
    is_signed: bool = True

    def __str__(self) -> str:
        """Return it without its parameters."""
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method != "GET"


class UpbitClient:
    """One account's door to Upbit.

    Args:
        client: With a timeout; closed by whoever made it.
        base_url: Root, such as https://api.upbit.com.
        keys: The account's.
        limits: How often to ask.
        clock: Waiting between tries.
        rng: Source of the pauses' jitter.
        algorithm: How to sign.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        keys: KeyFolder,
        limits: Limits,
        clock: Clock,
        rng: random.Random,
        algorithm: Algorithm = Algorithm.HS256,
    ) -> None:
        self._client = client
        self._base_url = base_url.rstrip("/").removesuffix("/v1")
        self._keys = keys
        self.limits = limits
        self._clock = clock
        self._rng = rng
        self._algorithm = algorithm

    async def read(self, call: Call, parse: Callable[[Any], T]) -> T:
        """Ask, up to four times, until an answer makes sense.

        Raises:
            NotFoundError: There is no such order.
            AuthenticationError: The keys were refused or are missing.
            RateLimitedError: Upbit wants a longer pause.
            TransientError: No answer made sense.
        """

        async def ask() -> T:
            return parse(await self._send(call))

        return await read(ask, clock=self._clock, rng=self._rng)

    async def write(self, call: Call, parse: Callable[[Any], T]) -> T:
        """Send, once.

        Raises:
            VenueRefusedError: Upbit refused it; nothing happened.
            NotFoundError: There is no such order.
            AuthenticationError: The keys were refused or are missing; nothing happened.
            RateLimitedError: Upbit wants a pause; look it up.
            OutcomeUnknownError: It may have happened.
            TransientError: Upbit could not be reached or is under maintenance; nothing happened.
        """
        body = await self._send(call)
        try:
            return parse(body)
        except TransientError as error:
            raise OutcomeUnknownError(f"{call}: {error.message}") from error

    async def _send(self, call: Call) -> Any:
        await self.limits.take_turn(call.group, call.priority)
        keys = self._keys.read() if call.is_signed else None
        token = self._token(call, keys) if keys is not None else ""
        try:
            async with asyncio.timeout(WHOLE_SECONDS):
                answer = await self._client.send(self._request(call, token))
        except (httpx.HTTPError, TimeoutError) as error:
            # The cause holds the request, and the request the token.
            raise no_answer(f"Upbit did not answer {call}", error, writes=call.writes) from None
        return self._read_answer(call, answer, hidden=_hidden(keys, token))

    def _token(self, call: Call, keys: Keys) -> str:
        return sign(keys, call.pairs, nonce=str(uuid.uuid4()), algorithm=self._algorithm)

    def _request(self, call: Call, token: str) -> httpx.Request:
        url, content = f"{self._base_url}{call.path}", None
        headers = {"Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if call.method == "POST":
            content = json.dumps(dict(call.pairs)).encode()
            headers["Content-Type"] = "application/json; charset=utf-8"
        elif call.pairs:
            url = f"{url}?{wire_query(call.pairs)}"
        return self._client.build_request(call.method, url, content=content, headers=headers)

    def _read_answer(self, call: Call, answer: httpx.Response, *, hidden: tuple[str, ...]) -> Any:
        refusal = None if answer.is_success else Refusal.of(answer.status_code, answer.content)
        pause = self.limits.heed(
            call.group,
            status=answer.status_code,
            remaining=answer.headers.get("Remaining-Req", ""),
            message=refusal.message if refusal is not None else "",
        )
        if refusal is not None:
            said = _without(refusal, hidden)
            error = to_error(said, asked=str(call), writes=call.writes, pause=pause)
            if isinstance(error, AuthenticationError):
                self._keys.forget()
            raise error
        try:
            return parse_body(answer.content)
        except TransientError as error:
            if call.writes:
                raise OutcomeUnknownError(f"{call}: {error.message}") from error
            raise


def _hidden(keys: Keys | None, token: str) -> tuple[str, ...]:
    return () if keys is None else (token, keys.secret, keys.access)


def _without(refusal: Refusal, hidden: tuple[str, ...]) -> Refusal:
    """Return a refusal whose texts do not quote what was sent."""
    name, message = refusal.name, refusal.message
    for text in hidden:
        name, message = name.replace(text, "***"), message.replace(text, "***")
    return Refusal(status=refusal.status, name=name, message=message)
