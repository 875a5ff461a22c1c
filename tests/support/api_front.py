"""A front of the API server that loses, delays and refuses on command."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from dantaro_operator.adapters.kubernetes.credentials import Credentials

__all__ = ["CONFLICT", "CUT", "DROP", "GONE", "HANG", "LOSE", "ApiFront", "api_front"]

DROP, LOSE, HANG = "drop", "lose", "hang"
"""Close the connection before, or after, the server has done it; never answer."""

CONFLICT = (409, 0)
"""What no server says to a read."""

GONE, CUT = "gone", "cut"
"""Of a watch: say that its version is too old; close the connection after a moment."""

_CUT_SECONDS = 0.5

_TOO_OLD = {
    "type": "ERROR",
    "object": {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": "too old resource version",
        "reason": "Expired",
        "code": 410,
    },
}


@dataclass(kw_only=True)
class ApiFront:
    """What it does with the next requests, and what it saw.

    Attributes:
        address: Of the front.
        faults: One for each of the next requests: DROP, LOSE, HANG, an HTTP status with the seconds
            of its Retry-After (0: none), or None; without any it only forwards.
        watch_faults: GONE or CUT for each of the next watches.
        seen: Method and last part of the path of each request.
        most: So many were under way at a time.
    """

    address: str = ""
    faults: list[str | tuple[int, int] | None] = field(default_factory=list)
    watch_faults: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    most: int = 0
    under_way: int = 0


@asynccontextmanager
async def api_front(
    credentials: Credentials, *, trust: ssl.SSLContext | None = None
) -> AsyncIterator[ApiFront]:
    """Run a front on loopback for the length of a block; with a certificate it speaks TLS."""
    front = ApiFront()
    ended = asyncio.Event()
    connector = aiohttp.TCPConnector(ssl=credentials.trust)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def forward(request: web.BaseRequest) -> web.StreamResponse:
            async with session.request(
                request.method,
                f"{credentials.server}{request.path_qs}",
                data=await request.read() or None,
                headers={
                    key: request.headers[key]
                    for key in ("Authorization", "Content-Type")
                    if key in request.headers
                },
            ) as answer:
                return web.Response(
                    status=answer.status,
                    body=await answer.read(),
                    headers={"Content-Type": answer.headers["Content-Type"]},
                )

        async def watch(request: web.BaseRequest) -> web.StreamResponse:
            fault = front.watch_faults.pop(0) if front.watch_faults else None
            stream = web.StreamResponse(headers={"Content-Type": "application/json"})
            await stream.prepare(request)
            if fault == GONE:
                await stream.write(json.dumps(_TOO_OLD).encode() + b"\n")
                return stream
            headers = {"Authorization": request.headers["Authorization"]}
            address = f"{credentials.server}{request.path_qs}"
            async with session.get(address, headers=headers, raise_for_status=True) as answer:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_CUT_SECONDS if fault == CUT else None):
                        async for part in answer.content.iter_any():
                            await stream.write(part)
            if fault == CUT and request.transport is not None:
                request.transport.abort()
            return stream

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            front.seen.append(f"{request.method} {request.path.rpartition('/')[2]}")
            fault = front.faults.pop(0) if front.faults else None
            if fault is None or (request.method == "GET" and fault == CONFLICT):
                is_watch = "watch" in request.query
                return await (watch(request) if is_watch else forward(request))
            if isinstance(fault, tuple):
                status, seconds = fault
                headers = {"Retry-After": str(seconds)} if seconds else {}
                return web.json_response({"message": "busy"}, status=status, headers=headers)
            if fault == HANG:
                await ended.wait()
            if fault == LOSE:
                await forward(request)
            if request.transport is not None:  # the client may have gone
                request.transport.abort()
            return web.Response()

        async def count(request: web.BaseRequest) -> web.StreamResponse:
            front.under_way += 1
            front.most = max(front.most, front.under_way)
            try:
                return await handle(request)
            finally:
                front.under_way -= 1

        # A watch ends with its client.
        server = web.Server(count, handler_cancellation=True)
        runner = web.ServerRunner(server, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust).start()
        host, port = runner.addresses[0]
        front.address = f"{'https' if trust else 'http'}://{host}:{port}"
        try:
            yield front
        finally:
            ended.set()
            await runner.cleanup()
