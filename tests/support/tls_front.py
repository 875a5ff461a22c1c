"""An `https:` front for an exchange on loopback, whose connections end where they are told to."""

import asyncio
import contextlib
import os
import ssl
import threading
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.keys import write_private
from tests.support.exchange.client import ExchangeClient

__all__ = ["Cut", "TlsFront", "secured", "tls_front", "write_certificate"]

T = TypeVar("T")

_READ_BYTES = 65536

_NO_RECORD = b"\x17\x03\x03\x00\x20" + bytes(32)
"""Looks like a record of TLS that carries data, and cannot be decrypted."""


class Cut(StrEnum):
    """Where a connection ends."""

    BEFORE = "before"
    """A request came in and is not passed on, as on a kept connection that closes just then."""
    AFTER = "after"
    """A request was passed on; its answer is lost."""
    AMID = "amid"
    """The first half of an answer went out."""
    GARBLED = "garbled"
    """A request was passed on; what comes back is no TLS."""


def write_certificate(
    folder: Path, *, host: str = "127.0.0.1", ends: timedelta = timedelta(days=1)
) -> Path:
    """Write a certificate that signs itself, and its key, into one file.

    Args:
        folder: Where the file goes.
        host: The address or the name that it is made out to.
        ends: From now; below zero it has expired.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "exchange of a test")])
    now = datetime.now(UTC)
    try:
        made_out: x509.GeneralName = x509.IPAddress(ip_address(host))
    except ValueError:
        made_out = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([made_out]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return write_private(folder / "exchange.pem", certificate.public_bytes(pem) + secret)


class TlsFront:
    """Speaks TLS on a port of its own and passes on what it reads, in a thread of its own.

    Attributes:
        port: Where it listens.
        handshakes: How many connections came to be.
        cuts: How many connections it ended as told.
    """

    def __init__(self, target: tuple[str, int], certificate: Path) -> None:
        self._target = target
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._loop = asyncio.new_event_loop()
        self._writers: list[asyncio.StreamWriter] = []
        self._word, self._cut, self._after = b"", Cut.BEFORE, 0
        self.handshakes = 0
        self.cuts = 0
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._run(self._listen())
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        """Return its root, as a bot takes it."""
        return f"https://127.0.0.1:{self.port}"

    def cut(self, word: bytes, where: Cut, *, after: int = 0) -> None:
        """End the connection of a request that holds a word, once.

        Args:
            word: What to look for.
            where: When it ends.
            after: So many such requests are answered before.
        """
        self._word, self._cut, self._after = word, where, after

    def hang_up(self) -> None:
        """Close every connection, as a server does with idle ones."""
        self._run(self._close_all())

    def stop(self) -> None:
        """Close everything."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        for _ in range(3):
            await asyncio.sleep(0)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)

    async def _close_all(self) -> None:
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handshakes += 1
        self._writers.append(writer)
        with contextlib.suppress(OSError):
            await self._pass_on(reader, writer)
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection(*self._target)
        struck: list[Cut] = []
        answers = asyncio.ensure_future(_pass_back(inner, writer, struck))
        try:
            while data := await reader.read(_READ_BYTES):
                if self._strikes(data):
                    if self._cut is Cut.BEFORE:
                        break
                    struck.append(self._cut)
                outer.write(data)
                await outer.drain()
        finally:
            answers.cancel()
            outer.close()

    def _strikes(self, data: bytes) -> bool:
        if not self._word or self._word not in data:
            return False
        self._after -= 1
        if self._after >= 0:
            return False
        self._word, self.cuts = b"", self.cuts + 1
        return True


async def _pass_back(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, struck: list[Cut]
) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_READ_BYTES):
            if Cut.GARBLED in struck:
                os.write(writer.get_extra_info("socket").fileno(), _NO_RECORD)
            elif not struck:
                writer.write(data)
            elif Cut.AMID in struck:
                writer.write(data[: len(data) // 2])
            if struck:
                break
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def tls_front(root: str, certificate: Path) -> Iterator[TlsFront]:
    """Run a front for the length of a block.

    Args:
        root: The exchange behind it, such as http://127.0.0.1:8000.
        certificate: File of `write_certificate`.
    """
    target = urlsplit(root)
    assert target.hostname is not None
    assert target.port is not None
    front = TlsFront((target.hostname, target.port), certificate)
    try:
        yield front
    finally:
        front.stop()


@contextlib.contextmanager
def secured(exchange: ExchangeClient, folder: Path) -> Iterator[TlsFront]:
    """Run a front that this process and those that it starts trust, for the length of a block.

    Args:
        exchange: What is behind it.
        folder: For its certificate.
    """
    certificate = write_certificate(folder)
    with pytest.MonkeyPatch.context() as patch, tls_front(exchange.root, certificate) as front:
        patch.setenv("SSL_CERT_FILE", str(certificate))
        yield front
