"""A transport for httpx without httpcore, which loads OpenSSL, anyio and certifi for any address.

`http:` is spoken here, on asyncio and h11; `https:` goes to httpx's own transport, which is loaded
by the first such address (ADR 0004: 7 MiB of each bot that reaches central within its cluster).
"""

import asyncio
from dataclasses import dataclass

import h11
import httpx

from dantaro_runtime.left_out import bring_back_tls

__all__ = ["LeanTransport"]

_READ_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class _Link:
    origin: tuple[str, int]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    protocol: h11.Connection


class LeanTransport(httpx.AsyncBaseTransport):
    """Requests one after the other over one connection, which is kept as long as both sides agree.

    The read timeout of a request bounds the whole answer. A proxy in the environment is not used.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._link: _Link | None = None
        self._tls: httpx.AsyncHTTPTransport | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to a request, read to its end.

        Raises:
            httpx.TransportError: There is no answer, or it is not HTTP.
        """
        if request.url.scheme == "https":
            if self._tls is None:
                bring_back_tls()
                self._tls = httpx.AsyncHTTPTransport()
            return await self._tls.handle_async_request(request)
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
        if self._tls is not None:
            await self._tls.aclose()

    async def _connect(self, request: httpx.Request) -> bool:
        """Have a connection; return whether it was there before."""
        origin = (request.url.host, request.url.port or 80)
        link = self._link
        if link is not None and link.origin == origin and not link.reader.at_eof():
            return True
        self._drop()
        try:
            async with asyncio.timeout(_patience(request, "connect")):
                reader, writer = await asyncio.open_connection(*origin)
        except TimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time", request=request) from error
        except OSError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        self._link = _Link(
            origin=origin, reader=reader, writer=writer, protocol=h11.Connection(h11.CLIENT)
        )
        return False

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
