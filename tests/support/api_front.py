"""A front of the API server that loses, delays and refuses on command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from dantaro_operator.adapters.kubernetes.credentials import Credentials

__all__ = ["DROP", "HANG", "LOSE", "ApiFront", "api_front"]

DROP, LOSE, HANG = "drop", "lose", "hang"
"""Close the connection before, or after, the server has done it; never answer."""


@dataclass(kw_only=True)
class ApiFront:
    """What it does with the next requests, and what it saw.

    Attributes:
        address: Of the front.
        faults: One for each of the next requests: DROP, LOSE, HANG, an HTTP status with the seconds
            of its Retry-After (0: none), or None; without any it only forwards.
        seen: Method and last part of the path of each request.
        most: So many were under way at a time.
    """

    address: str = ""
    faults: list[str | tuple[int, int] | None] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    most: int = 0
    under_way: int = 0


@asynccontextmanager
async def api_front(credentials: Credentials) -> AsyncIterator[ApiFront]:
    """Run a front on loopback for the length of a block."""
    front = ApiFront()
    ended = asyncio.Event()
    connector = aiohttp.TCPConnector(ssl=credentials.trust)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def forward(request: web.BaseRequest) -> web.StreamResponse:
            async with session.request(
                request.method,
                f"{credentials.server}{request.path_qs}",
                data=await request.read(),
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

        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            front.seen.append(f"{request.method} {request.path.rpartition('/')[2]}")
            fault = front.faults.pop(0) if front.faults else None
            if fault is None:
                return await forward(request)
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

        runner = web.ServerRunner(web.Server(count), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0]
        front.address = f"http://{host}:{port}"
        try:
            yield front
        finally:
            ended.set()
            await runner.cleanup()
