"""The HTTP server: carries requests to `answers`, and spoils answers on command."""

import asyncio
import socket
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from json import dumps
from traceback import format_exc

from aiohttp import web

from tests.support.exchange.answers import Answer, Asked, answer, note_arrival
from tests.support.exchange.control import control, read_world
from tests.support.exchange.faults import Fault, FaultKind
from tests.support.exchange.orders import Refusal
from tests.support.exchange.wire import error_body
from tests.support.exchange.world import World

__all__ = ["Server"]

_PROXY_PAGE = "<html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, 0 s: a close sends RST."""

Struck = Mapping[FaultKind, Fault]


class Server:
    """Serves one world; `POST /control/world` puts another in its place."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path, _, query = request.raw_path.partition("?")
        body = await request.read() if request.can_read_body else b""
        if path.startswith("/control/"):
            return self._control(request.method, path, body)
        asked = Asked(
            method=request.method,
            path=path,
            query=query,
            body=body,
            content_type=request.headers.get("Content-Type", ""),
            authorization=request.headers.get("Authorization"),
            address=request.remote or "",
        )
        try:
            note_arrival(self.world, asked)
            struck = self.world.faults.strike(asked.method, asked.path)
            if not struck:
                return _response(answer(self.world, asked, struck), struck)
            return await self._spoilt(request, asked, struck)
        except Exception:
            # To the caller it is one more 5xx; the truth says that the judge itself broke.
            self.world.crashes.append(f"{asked.method} {request.raw_path}\n{format_exc()}")
            raise

    def _control(self, method: str, path: str, body: bytes) -> web.Response:
        try:
            if (method, path) == ("POST", "/control/world"):
                self.world = read_world(body)
                payload: object = {}
            else:
                payload = control(self.world, method, path, body)
        except Refusal as refusal:
            return _json(refusal.status, error_body(refusal))
        return _json(200, dumps(payload))

    async def _spoilt(
        self, request: web.BaseRequest, asked: Asked, struck: Struck
    ) -> web.StreamResponse:
        if fault := struck.get(FaultKind.DELAY_BEFORE):
            await asyncio.sleep(fault.seconds)
        if fault := struck.get(FaultKind.LOSE_BEFORE):
            return await _lose(request, fault)
        if fault := struck.get(FaultKind.ERROR_BEFORE):
            return _proxy_error(fault)
        given = answer(self.world, asked, struck)
        if fault := struck.get(FaultKind.DELAY_AFTER):
            await asyncio.sleep(fault.seconds)
        if fault := struck.get(FaultKind.LOSE_AFTER):
            return await _lose(request, fault)
        if fault := struck.get(FaultKind.ERROR_AFTER):
            return _proxy_error(fault)
        if FaultKind.GARBAGE in struck:
            return _json(given.status, given.body[: len(given.body) // 2])
        if FaultKind.CUT in struck:
            return await _cut(request, given)
        return _response(given, struck)


def _json(status: int, body: str) -> web.Response:
    return web.Response(
        status=status, body=body.encode(), headers={"Content-Type": "application/json"}
    )


def _response(given: Answer, struck: Struck) -> web.Response:
    response = _json(given.status, given.body)
    if given.remaining is not None:
        response.headers["Remaining-Req"] = given.remaining
    if fault := struck.get(FaultKind.SKEW):
        date = datetime.now(UTC) + timedelta(seconds=fault.seconds)
        response.headers["Date"] = format_datetime(date, usegmt=True)
    return response


def _proxy_error(fault: Fault) -> web.Response:
    page = _PROXY_PAGE.format(f"{fault.status} of a proxy")
    return web.Response(status=fault.status, text=page, content_type="text/html")


async def _lose(request: web.BaseRequest, fault: Fault) -> web.Response:
    """Let the answer disappear; what is returned goes to a connection that is gone."""
    if fault.how == "hang":
        await asyncio.sleep(fault.seconds)
    _break(request, is_reset=fault.how == "reset")
    return web.Response()


async def _cut(request: web.BaseRequest, given: Answer) -> web.StreamResponse:
    """Send half of the body, then break the connection."""
    body = given.body.encode()
    response = web.StreamResponse(status=given.status, headers={"Content-Type": "application/json"})
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    _break(request, is_reset=False)
    return response


def _break(request: web.BaseRequest, *, is_reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if is_reset:
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    else:
        transport.close()
