"""The bot's own HTTP transport over TLS and over names with several addresses."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from dantaro_runtime.adapters.transport import LeanTransport
from tests.support.tls_front import write_certificate

pytestmark = pytest.mark.integration

TEXT = b"x" * 300_000
"""Many records of TLS."""


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate


@asynccontextmanager
async def serving(
    answer: bytes, certificate: Path | None, *, reads: list[bytes]
) -> AsyncIterator[int]:
    """Answer every connection once its first bytes came; b"" is silence."""
    writers = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        while data := await reader.read(65536):
            reads.append(data)
            if answer:
                writer.write(answer)
                await writer.drain()
        writer.close()

    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.01)


def client() -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=LeanTransport(), timeout=httpx.Timeout(0.5, connect=3), trust_env=False
    )


def resolve_to(monkeypatch: pytest.MonkeyPatch, addresses: Sequence[tuple[str, int]]) -> None:
    """Let every name have these addresses, in this order; none: no name is known."""

    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)
            for address in addresses
        ]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_long_bodies_arrive_both_ways(certificate: Path) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(TEXT)}\r\n\r\n".encode()
    async with serving(head + TEXT, certificate, reads=[]) as port, client() as asker:
        got = await asker.get(f"https://127.0.0.1:{port}/")
    assert got.content == TEXT


async def test_a_server_that_takes_a_request_and_is_silent_is_a_timeout(certificate: Path) -> None:
    reads: list[bytes] = []
    async with serving(b"", certificate, reads=reads) as port, client() as asker:
        with pytest.raises(httpx.ReadTimeout):
            await asker.post(f"https://127.0.0.1:{port}/", content=b"order")
    assert b"".join(reads).endswith(b"order")


async def test_a_name_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, ())
    async with client() as asker:
        with pytest.raises(httpx.ConnectError, match=r"name api\.example is not known.*name serv"):
            await asker.get("https://api.example/")


@pytest.mark.parametrize("is_silent", [True, False], ids=["silent", "refused"])
async def test_an_address_that_does_not_answer_gives_way_to_the_next(
    monkeypatch: pytest.MonkeyPatch, is_silent: bool
) -> None:
    reads: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
    with socket.create_server(("127.0.0.2", 0), backlog=0) as first:
        port = first.getsockname()[1]
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(("127.0.0.2", port))  # its queue is full now: others hear nothing
        if not is_silent:
            first.close()
        async with serving(answer, None, reads=reads) as served, client() as asker:
            resolve_to(monkeypatch, [("127.0.0.2", port), ("127.0.0.1", served)])
            began = asyncio.get_running_loop().time()
            got = await asker.get("http://api.example/")
            took = asyncio.get_running_loop().time() - began
        for caller in callers:
            caller.close()
    assert (got.text, len(reads)) == ("ok", 1)
    assert (took >= 0.2) is is_silent
