"""Who may ask, how often, and how much a request may hold."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dantaro_central.routes.answers import header_of
from dantaro_central.routes.dependencies import API_PREFIX
from dantaro_central.routes.problem import problem_response
from dantaro_central.services.keys import KeyService
from dantaro_central.services.rate_limit import RateLimiter
from dantaro_crds.errors import DantaroError

__all__ = ["MAX_BODY_BYTES", "Guard"]

MAX_BODY_BYTES = 64 * 1024
"""Of a request: 100 parts of `POST /bundle` are 10 KiB."""

_PREFIX = f"{API_PREFIX}/"


class Guard:
    """Wraps the app: below `/api/v1/` a key is needed, and its requests are counted."""

    def __init__(self, app: ASGIApp, *, keys: KeyService, limiter: RateLimiter) -> None:
        self._app = app
        self._keys = keys
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        try:
            header = header_of(scope["headers"], b"authorization")
            caller = self._keys.find(header) or await self._keys.check(header)
            if not caller.unlimited:
                self._limiter.take(caller.sha256)
        except DantaroError as error:
            await problem_response(error)(scope, receive, send)
            return
        scope["dantaro.caller"] = caller
        if scope["method"] not in {"GET", "HEAD"}:
            receive = _Bounded(receive)
        await self._app(scope, receive, send)


class _Bounded:
    """Reads a body up to its limit."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._bytes = 0

    async def __call__(self) -> Message:
        """Return the next part.

        Raises:
            HTTPException: The body is too long; 413.
        """
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > MAX_BODY_BYTES:
            raise HTTPException(413, f"expected a body of at most {MAX_BODY_BYTES} bytes")
        return message
