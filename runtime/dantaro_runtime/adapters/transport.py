"""A transport for httpx without httpcore, which loads OpenSSL, anyio and certifi for any address.

HTTP is spoken here, on asyncio and h11; the first `https:` address loads OpenSSL and certifi
(ADR 0004: what a bot does without that reaches central within its cluster and trades on paper).
"""

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11
import httpx

from dantaro_runtime.left_out import bring_back_tls

if TYPE_CHECKING:
    from dantaro_runtime.adapters.tls import TlsStream, Trust

__all__ = ["LeanTransport"]

_READ_BYTES = 64 * 1024

_NEXT_ADDRESS_SECONDS = 0.25
"""How long one address of a name may stay silent before the next one is tried beside it: many a
network hands out IPv6 addresses and drops what is sent to them (RFC 8305)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    origin: tuple[str, str, int]
    reader: "asyncio.StreamReader | TlsStream"
    writer: "asyncio.StreamWriter | TlsStream"
    protocol: h11.Connection

    async def has_ended(self) -> bool:
        """Return whether the other side has closed, or speaks unasked."""
        try:
            async with asyncio.timeout(0):
                await self.reader.read(1)
        except TimeoutError:
            return False
        except OSError:
            return True
        return True


class LeanTransport(httpx.AsyncBaseTransport):
    """Requests one after the other over one connection, which is kept as long as both sides agree.

    The read timeout of a request bounds the whole answer. A proxy in the environment is not used.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._link: _Link | None = None
        self._trust: Trust | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to a request, read to its end.

        Raises:
            httpx.TransportError: There is no answer, or it is not HTTP.
        """
        async with self._turn:
            kept = await self._connect(request)
            try:
                return await self._ask(request)
            except httpx.NetworkError:
                # A server may close a kept connection just when it is used again. What writes is
                # never sent twice.
                if not kept or request.method not in {"GET", "HEAD"}:
                    raise
            await self._connect(request)
            return await self._ask(request)

    async def aclose(self) -> None:
        """Close the connection."""
        self._drop()

    async def _connect(self, request: httpx.Request) -> bool:
        """Have a connection; return whether it was there before."""
        scheme, host = request.url.scheme, request.url.raw_host.decode()
        origin = (scheme, host, request.url.port or (443 if scheme == "https" else 80))
        link = self._link
        if link is not None and link.origin == origin and not await link.has_ended():
            return True
        self._drop()
        try:
            async with asyncio.timeout(_patience(request, "connect")):
                self._link = await self._open(origin)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time", request=request) from error
        except socket.gaierror as error:
            text = f"the name {host} is not known ({error.strerror}); look at the name servers"
            raise httpx.ConnectError(text, request=request) from error
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        return False

    async def _open(self, origin: tuple[str, str, int]) -> _Link:
        scheme, host, port = origin
        trust = self._trusted() if scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            host, port, happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS
        )
        protocol = h11.Connection(h11.CLIENT)
        if trust is None:
            return _Link(origin=origin, reader=reader, writer=writer, protocol=protocol)
        try:
            stream = await trust.shake_hands(reader, writer, host)
        except BaseException:
            writer.close()
            raise
        return _Link(origin=origin, reader=stream, writer=stream, protocol=protocol)

    def _trusted(self) -> "Trust":
        if self._trust is None:
            bring_back_tls()
            from dantaro_runtime.adapters.tls import Trust  # noqa: PLC0415

            self._trust = Trust()
        return self._trust

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        link = self._link
        assert link is not None
        body = await request.aread()
        whole = False
        try:
            async with asyncio.timeout(_patience(request, "read")):
                _send(link, request, body)
                await link.writer.drain()
                answer = await _receive(link)
            whole = set(link.protocol.states.values()) == {h11.DONE}
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except OSError as error:
            raise httpx.ReadError(str(error), request=request) from error
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error), request=request) from error
        except h11.LocalProtocolError:
            # Its text may quote a header, and a header holds the key.
            text = "the request holds signs that HTTP does not allow"
            raise httpx.LocalProtocolError(text, request=request) from None
        finally:
            if whole:
                link.protocol.start_next_cycle()
            else:
                self._drop()
        return answer

    def _drop(self) -> None:
        if self._link is not None:
            self._link.writer.close()
            self._link = None


def _patience(request: httpx.Request, part: str) -> float | None:
    seconds: float | None = request.extensions.get("timeout", {}).get(part)
    return seconds


def _send(link: _Link, request: httpx.Request, body: bytes) -> None:
    head = h11.Request(
        method=request.method, target=request.url.raw_path, headers=request.headers.raw
    )
    for event in (head, *([h11.Data(data=body)] if body else []), h11.EndOfMessage()):
        link.writer.write(link.protocol.send(event) or b"")


async def _receive(link: _Link) -> httpx.Response:
    head: h11.Response | None = None
    parts: list[bytes] = []
    while True:
        event = link.protocol.next_event()
        if event is h11.NEED_DATA:
            data = await link.reader.read(_READ_BYTES)
            if not data and head is None:
                raise ConnectionResetError("the server closed the connection")
            link.protocol.receive_data(data)
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            parts.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            break
    assert head is not None
    return httpx.Response(
        head.status_code,
        headers=list(head.headers.raw_items()),
        stream=httpx.ByteStream(b"".join(parts)),
    )
