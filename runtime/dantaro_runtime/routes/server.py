"""A small HTTP/1.1 server for GET on h11; a web framework would cost more than a strategy."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import h11

from dantaro_crds.kit.clock import Clock

__all__ = ["Answer", "HttpServer"]

_IDLE_SECONDS = 30.0
"""How long a connection may stay without a request."""

_READ_BYTES = 16 * 1024

_METHODS = frozenset({"GET", "HEAD"})
"""Methods that are answered; the others share one label, since a client may invent any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status and body of an answer."""

    status: int
    body: bytes
    content_type: str = "application/json"


class HttpServer:
    """Answers GET by a table of routes.

    Args:
        routes: Path to the function that makes its answer.
        clock: Measures the time to answer.
        observe: Called after each answer with method, route, status and seconds.
    """

    def __init__(
        self,
        routes: Mapping[str, Callable[[], Answer]],
        *,
        clock: Clock,
        observe: Callable[..., None],
    ) -> None:
        self._routes = routes
        self._clock = clock
        self._observe = observe

    async def start(self, *, host: str, port: int) -> tuple[asyncio.Server, int]:
        """Listen and return the server with its port; port 0 takes a free one."""
        server = await asyncio.start_server(self._serve, host, port, limit=_READ_BYTES)
        return server, server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_READ_BYTES)
        try:
            async with asyncio.timeout(None) as limit:
                while connection.states[h11.CLIENT] is not h11.MUST_CLOSE:
                    limit.reschedule(asyncio.get_running_loop().time() + _IDLE_SECONDS)
                    if not await self._answer_one(connection, reader, writer):
                        break
        except (TimeoutError, ConnectionError, h11.ProtocolError):
            pass  # a broken or silent client is closed; nothing of ours is lost
        finally:
            writer.close()

    async def _answer_one(
        self,
        connection: h11.Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        request: h11.Request | None = None
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(_READ_BYTES))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.EndOfMessage) and request is not None:
                break
            elif isinstance(event, h11.ConnectionClosed):
                return False
        answer = self._route(request)
        for part in (
            h11.Response(
                status_code=answer.status,
                headers=[
                    ("content-type", answer.content_type),
                    ("content-length", str(len(answer.body))),
                    ("cache-control", "no-store"),
                ],
            ),
            h11.Data(data=answer.body if request.method != b"HEAD" else b""),
            h11.EndOfMessage(),
        ):
            writer.write(connection.send(part) or b"")
        await writer.drain()
        if connection.our_state is h11.MUST_CLOSE:
            return False
        connection.start_next_cycle()
        return True

    def _route(self, request: Any) -> Answer:
        started = self._clock.monotonic()
        path = request.target.split(b"?", 1)[0].decode("ascii", "replace")
        method = request.method.decode("ascii", "replace")
        maker = self._routes.get(path)
        if maker is None:
            answer = _problem(404, "NotFound", f"there is {', '.join(self._routes)}")
        elif method not in _METHODS:
            answer = _problem(405, "MethodNotAllowed", "this server answers GET only")
        else:
            answer = maker()
        self._observe(
            method if method in _METHODS else "other",
            path if maker else "other",
            answer.status,
            seconds=self._clock.monotonic() - started,
        )
        return answer


def _problem(status: int, code: str, detail: str) -> Answer:
    body = (
        f'{{"type":"about:blank","title":"{code}","status":{status},'
        f'"detail":"{detail}","code":"{code}"}}'
    )
    return Answer(status=status, body=body.encode(), content_type="application/problem+json")
