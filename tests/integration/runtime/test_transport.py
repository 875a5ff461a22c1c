"""The bot's own HTTP transport against servers that behave and servers that do not."""

import asyncio
import gzip
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from dantaro_runtime.adapters.transport import LeanTransport

pytestmark = pytest.mark.integration

CLOSE = b""
"""The server closes the connection in place of an answer."""

SILENT = None
"""The server never answers."""


def answer(body: bytes, *headers: str) -> bytes:
    head = ("HTTP/1.1 200 OK", f"content-length: {len(body)}", *headers, "", "")
    return "\r\n".join(head).encode() + body


@dataclass
class Server:
    """Answers each request by a script; counts what it saw."""

    script: list[bytes | None]
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        while head := await reader.read(65536):
            self.requests.append(head)
            text = self.script.pop(0)
            if text is SILENT:
                continue
            if text == CLOSE:
                break
            writer.write(text)
            await writer.drain()
        writer.close()

    async def hang_up(self) -> None:
        """Close every connection that waits for a request, and let the client hear of it."""
        for writer in self.writers:
            writer.close()
            await writer.wait_closed()
        for _ in range(10):
            await asyncio.sleep(0)


@asynccontextmanager
async def world(*script: bytes | None) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    server = Server(script=list(script))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    try:
        async with httpx.AsyncClient(
            transport=LeanTransport(), timeout=httpx.Timeout(5, read=0.3)
        ) as client:
            yield server, client
    finally:
        for writer in server.writers:
            writer.close()
        listener.close()


async def texts(client: httpx.AsyncClient, url: str, count: int) -> Sequence[str]:
    return [(await client.get(url)).text for _ in range(count)]


async def test_requests_share_one_connection() -> None:
    async with world(answer(b"one"), answer(b"two")) as (server, client):
        assert await texts(client, server.url, 2) == ["one", "two"]
        assert server.connections == 1
        assert b"host: 127.0.0.1:" in server.requests[0].lower()


async def test_requests_at_the_same_time_wait_for_each_other() -> None:
    async with world(answer(b"one"), answer(b"two")) as (server, client):
        both = await asyncio.gather(client.get(server.url), client.get(server.url))
        assert [each.text for each in both] == ["one", "two"]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(answer(gzip.compress(b"text"), "content-encoding: gzip"), id="gzip"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nte\r\n2\r\nxt\r\n0\r\n\r\n",
            id="chunked",
        ),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n" + answer(b"text"), id="early-hints"),
        pytest.param(answer(b"text", "connection: close"), id="connection-close"),
    ],
)
async def test_every_kind_of_body_arrives(raw: bytes) -> None:
    async with world(raw, answer(b"next")) as (server, client):
        assert await texts(client, server.url, 2) == ["text", "next"]


async def test_not_modified_has_no_body() -> None:
    async with world(b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n', answer(b"next")) as (
        server,
        client,
    ):
        first = await client.get(server.url, headers={"If-None-Match": '"1"'})
        assert (first.status_code, first.headers["etag"]) == (304, '"1"')
        assert await texts(client, server.url, 1) == ["next"]


async def test_a_connection_that_was_closed_while_idle_is_replaced() -> None:
    async with world(answer(b"one"), answer(b"two")) as (server, client):
        first = await texts(client, server.url, 1)
        await server.hang_up()
        assert [*first, *await texts(client, server.url, 1)] == ["one", "two"]
        assert server.connections == 2


async def test_a_kept_connection_that_closes_when_used_again_is_replaced() -> None:
    async with world(answer(b"one"), CLOSE, answer(b"two")) as (server, client):
        assert await texts(client, server.url, 2) == ["one", "two"]
        assert server.connections == 2


async def test_what_writes_is_not_sent_twice() -> None:
    async with world(answer(b"one"), CLOSE) as (server, client):
        await client.get(server.url)
        with pytest.raises(httpx.ReadError):
            await client.post(server.url, content=b"order")
        assert len(server.requests) == 2
        assert server.requests[1].endswith(b"order")


async def test_silence_ends_in_a_timeout_and_a_new_connection() -> None:
    async with world(SILENT, answer(b"next")) as (server, client):
        with pytest.raises(httpx.ReadTimeout):
            await client.get(server.url)
        assert await texts(client, server.url, 1) == ["next"]
        assert server.connections == 2


async def test_a_request_that_is_given_up_leaves_no_answer_to_the_next() -> None:
    async with world(SILENT, answer(b"next")) as (server, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await client.get(server.url)
        assert await texts(client, server.url, 1) == ["next"]


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(CLOSE, httpx.ReadError, id="closed"),
        pytest.param(b"hello\r\n\r\n", httpx.RemoteProtocolError, id="not-http"),
        pytest.param(answer(b"text") + b"more", httpx.RemoteProtocolError, id="too-long"),
    ],
)
async def test_a_broken_answer_is_an_error_of_httpx(raw: bytes, error: type[Exception]) -> None:
    async with world(raw, raw) as (server, client):
        with pytest.raises(error):
            await texts(client, server.url, 2)


async def test_a_refused_connection_is_an_error_of_httpx() -> None:
    async with world() as (server, client):
        pass
    async with httpx.AsyncClient(transport=LeanTransport()) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(server.url)


async def test_a_key_that_http_cannot_carry_is_not_shown() -> None:
    async with world() as (server, client):
        with pytest.raises(httpx.LocalProtocolError) as caught:
            await client.get(server.url, headers={"Authorization": "Bearer se\ncret"})
        assert "cret" not in str(caught.value)


HTTPS = """
from dantaro_runtime.left_out import leave_out
leave_out()
import asyncio, sys, httpx
from dantaro_runtime.adapters.transport import LeanTransport

async def main():
    async def serve(reader, writer):
        sys.stdout.write((await reader.read(1)).hex())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        async with httpx.AsyncClient(transport=LeanTransport()) as client:
            try:
                await client.get(f"https://127.0.0.1:{port}/")
            except httpx.ConnectError:
                print(" refused")

asyncio.run(main())
"""


def test_https_shakes_hands_although_openssl_was_left_out() -> None:
    run = subprocess.run(
        [sys.executable, "-c", HTTPS], capture_output=True, text=True, timeout=30, check=False
    )
    assert run.stdout.strip() == "16 refused", run.stderr  # 16: a TLS handshake record
