"""Sends HTTP requests over raw connections, at a rate or as fast as they are answered."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

__all__ = ["Outcome", "Reply", "Request", "run_load"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back."""

    status: int
    head: bytes


@dataclass(slots=True)
class Outcome:
    """Figures of one run: seconds of each request, counts of each status."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    duration: float = 0.0

    def percentile(self, percent: float) -> float:
        """Return a percentile of the latencies, milliseconds."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)] * 1000

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return len(self.seconds) / self.duration


Request = Callable[[int], tuple[bytes, Callable[[Reply], None]]]
"""Number of a request -> what is sent, and who is told of the reply."""


class _Connection(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._waiting: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not of that class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        at = head.find(b"content-length: ")
        length = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        reply = Reply(status=int(self._buffer[9:12]), head=self._buffer[:end])
        self._buffer = b""
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("closed"))

    async def exchange(self, data: bytes) -> Reply:
        """Send a request and return the reply."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        return await self._waiting

    def close(self) -> None:
        """Close."""
        if self._transport is not None:
            self._transport.close()


async def run_load(
    port: int, request: Request, *, seconds: float, connections: int, rate: float | None = None
) -> Outcome:
    """Send requests for a while.

    Args:
        port: On loopback.
        request: Makes each one.
        seconds: How long.
        connections: How many are open; each has one request at a time.
        rate: Requests per second; a latency counts from when a request was due, so that a late
            answer also burdens those that wait behind it. None: as fast as they are answered.
    """
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(_Connection, "127.0.0.1", port))[1]
        for _ in range(connections)
    ]
    outcome = Outcome()
    began = time.perf_counter()
    number = 0

    async def work(connection: _Connection) -> None:
        nonlocal number
        while True:
            mine, number = number, number + 1
            due = time.perf_counter() if rate is None else began + mine / rate
            if due - began >= seconds:
                return
            if (pause := due - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            data, told = request(mine)
            reply = await connection.exchange(data)
            outcome.seconds.append(time.perf_counter() - due)
            outcome.statuses[reply.status] = outcome.statuses.get(reply.status, 0) + 1
            told(reply)

    try:
        async with asyncio.TaskGroup() as group:
            for connection in opened:
                group.create_task(work(connection))
    finally:
        for connection in opened:
            connection.close()
    outcome.duration = time.perf_counter() - began
    return outcome
