"""Calls of the API server: bounded in number and time, repeated where that is right."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp
from pydantic_core import from_json
from yarl import URL

from dantaro_crds.errors import AuthenticationError, TransientError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_operator.adapters.kubernetes.answers import Refusal, describe, read_refusal, to_error
from dantaro_operator.adapters.kubernetes.credentials import Credentials
from dantaro_operator.adapters.kubernetes.retry import UNREACHABLE, RetryPolicy
from dantaro_operator.adapters.kubernetes.session import DELIVERY_SECONDS, open_session
from dantaro_operator.errors import NotLeadingError

__all__ = ["NO_ANSWER", "ApiLimits", "Call", "Observed", "Transport"]

Observed = Callable[[str, int, float], None]
"""Told verb, HTTP status and seconds of each attempt that was sent, for metrics."""

NO_ANSWER = 0
"""What it gets in place of a status when none came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiLimits:
    """What one client may take.

    Attributes:
        connections: Calls under way at a time; the others wait for their turn, as long as it takes.
        connect: Seconds for a connection.
        attempt: Seconds for an attempt, from connecting to the last byte.
        delivery: Seconds that data may be on its way: a lease's duration less its renew deadline.
        retry: What follows a failed attempt.
    """

    connections: int = 20
    connect: float = 5.0
    attempt: float = 30.0
    delivery: float = DELIVERY_SECONDS
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One thing asked of the server.

    Attributes:
        verb: Its name in errors and metrics.
        method: HTTP's.
        path: Of the object or collection.
        query: As it stands in the address.
        content: The body, JSON.
        content_type: What kind of JSON.
        accept: What kind of JSON is wanted.
        repeatable: Whether doing it twice is the same as doing it once.
        compares: Whether it holds only for one version or for an absent object.
    """

    verb: str
    method: str
    path: str
    query: str = ""
    content: bytes | None = None
    content_type: str = "application/json"
    accept: str = "application/json"
    repeatable: bool = True
    compares: bool = False

    def to_error(self, refusal: Refusal) -> Exception:
        """Return our error for what the server said."""
        return to_error(self.verb, self.path, refusal, compares=self.compares)


class Transport:
    """Makes calls in one session."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        may_write: Callable[[], bool],
        limits: ApiLimits,
        observed: Observed | None,
        clock: Clock | None,
    ) -> None:
        self._credentials = credentials
        self._may_write = may_write
        self._limits = limits
        self._observed = observed
        self._clock = clock or SystemClock()
        # Waiting for a turn here and not in aiohttp keeps it out of the attempt's time limit.
        self._turns = asyncio.Semaphore(limits.connections)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = open_session(
            self._credentials,
            connections=self._limits.connections,
            may_write=self._may_write,
            delivery=self._limits.delivery,
            timeout=aiohttp.ClientTimeout(
                total=self._limits.attempt, sock_connect=self._limits.connect
            ),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the session; calls that are under way end with an error."""
        if self._session is not None:
            await self._session.close()

    async def make(self, call: Call) -> dict[str, Any]:
        """Make a call and return the object of the answer."""
        answer = await self.ask(call)
        if isinstance(answer, Refusal):
            raise call.to_error(answer)
        return answer

    async def ask(self, call: Call) -> dict[str, Any] | Refusal:
        """Make a call, again where that may help; return the object of the answer, or a 404."""
        policy = self._limits.retry
        backoff: Backoff | None = None  # a call that succeeds at once does without: 30 us
        attempt = 1
        while True:
            try:
                return await self._attempt(call)
            except NotLeadingError:
                raise
            except TransientError as error:
                backoff = backoff or policy.backoff()
                pause = policy.pause(error, backoff, attempt=attempt, repeatable=call.repeatable)
                if pause is None:
                    raise
            attempt += 1
            await self._clock.sleep(pause)

    async def _attempt(self, call: Call) -> dict[str, Any] | Refusal:
        async with self._turns:
            status, headers, body = await self._send(call)
        if 200 <= status < 300:
            return self._decode(call, body)
        refusal = read_refusal(status, headers, body)
        if status == 404:
            return refusal
        raise call.to_error(refusal)

    async def _send(self, call: Call) -> tuple[int, Any, bytes]:
        assert self._session is not None, "use it in `async with`"
        address = f"{self._credentials.server}{call.path}{'?' if call.query else ''}{call.query}"
        headers = {"Accept": call.accept}
        if call.content is not None:
            headers["Content-Type"] = call.content_type
        status: int | None = NO_ANSWER
        started = time.perf_counter()
        try:
            async with self._session.request(
                call.method,
                URL(address, encoded=True),
                data=call.content,
                headers=headers,
                allow_redirects=False,
            ) as response:
                body = await response.read()
                status = response.status
                return response.status, response.headers, body
        except NotLeadingError:
            status = None  # It was not sent.
            raise
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _no_answer(call, error) from error
        finally:
            if self._observed is not None and status is not None:
                self._observed(call.verb, status, time.perf_counter() - started)

    @staticmethod
    def _decode(call: Call, body: bytes) -> dict[str, Any]:
        try:
            content = from_json(body)  # holds keys and short texts that repeat once
        except ValueError as error:
            text = f"{call.verb} {describe(call.path)}: the answer was no JSON"
            raise TransientError(text) from error
        assert isinstance(content, dict), "an API server answers with an object"
        return content


def _no_answer(call: Call, error: Exception) -> Exception:
    text = f"{call.verb} {describe(call.path)}: no answer from the API server: "
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return AuthenticationError(
                f"{text}its certificate is not of the expected authority ({error})"
            )
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return TransientError(f"{text}{error}", code=UNREACHABLE)
        case _:
            return TransientError(f"{text}{str(error) or type(error).__name__}")
