"""One HTTP session to an API server: log-in, limits, and the gate before every write.

Our client and kopf both use such a session, so an operator that no longer leads writes nothing.
"""

import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from pydantic_core import from_json

from dantaro_operator.adapters.kubernetes.credentials import Credentials
from dantaro_operator.errors import NotLeadingError

__all__ = ["DELIVERY_SECONDS", "READS", "open_session", "open_socket"]

READS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that pass the gate at any time."""

DELIVERY_SECONDS = 5.0
"""A lease's duration less its renew deadline."""

KEEPALIVE_SECONDS = (15, 5)
"""A connection that was silent for the first is probed, every so many seconds of the second."""


def open_session(
    credentials: Credentials,
    *,
    connections: int,
    may_write: Callable[[], bool],
    delivery: float = DELIVERY_SECONDS,
    timeout: aiohttp.ClientTimeout | None = None,
) -> aiohttp.ClientSession:
    """Open a session; it must be closed.

    Args:
        credentials: Whom we talk to, and as whom.
        connections: At most so many at a time; every watch needs one for itself.
        may_write: Asked at the moment when a write goes to the connection.
        delivery: Seconds that data may be on its way; then the kernel gives the connection up and
            sends nothing again (Linux). Else a write of an old leader could arrive minutes later,
            when a partition ends.
        timeout: Limits of a request that does not bring its own.
    """

    async def log_in(
        request: ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if (header := credentials.authorization()) is not None:
            request.headers["Authorization"] = header
        return await handler(request)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections,
            ssl=credentials.trust,
            keepalive_timeout=60,
            socket_factory=partial(open_socket, delivery),
        ),
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(log_in,),
        proxy=credentials.proxy,
        request_class=_gated(may_write),
        response_class=_Answer,
        timeout=timeout or aiohttp.ClientTimeout(),
    )


class _Answer(aiohttp.ClientResponse):
    """Reads the long lists that kopf asks for in a third of the time."""

    async def json(self, **options: Any) -> Any:
        return await super().json(**{"loads": from_json, **options})


def _gated(may_write: Callable[[], bool]) -> type[ClientRequest]:
    """Return requests that ask before they write.

    A middleware would ask too early: after it comes the wait for a connection, and aiohttp sends
    PUT and DELETE again by itself when a kept connection turns out to be closed.
    """

    class GatedRequest(ClientRequest):
        """Asks twice: for what has no body `send` writes, for the rest `write_bytes`."""

        def _refusal(self) -> NotLeadingError | None:
            if self.method in READS or may_write():
                return None
            return NotLeadingError(
                f"{self.method} {self.url.path} was not sent: this operator does not lead"
            )

        async def send(self, conn: Connection) -> aiohttp.ClientResponse:
            if refusal := self._refusal():
                raise refusal
            return await super().send(conn)

        async def write_bytes(
            self, writer: AbstractStreamWriter, conn: Connection, content_length: int | None = None
        ) -> None:
            # A task of its own, one turn of the loop after `send`; headers wait for the body.
            if refusal := self._refusal():
                assert conn.protocol is not None
                conn.protocol.set_exception(refusal)
                return
            await super().write_bytes(writer, conn, content_length)

    return GatedRequest


def open_socket(delivery: float, address: Sequence[Any]) -> socket.socket:
    """Return a socket that gives up what is not acknowledged within `delivery` seconds."""
    family, kind, protocol, *_ = address
    opened = socket.socket(family=family, type=kind, proto=protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    idle, interval = KEEPALIVE_SECONDS
    for option, value in (
        ("TCP_KEEPIDLE", idle),
        ("TCP_KEEPINTVL", interval),
        ("TCP_USER_TIMEOUT", int(delivery * 1000)),
    ):
        if hasattr(socket, option):  # Linux has them all
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
    return opened
