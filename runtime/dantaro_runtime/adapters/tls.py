"""TLS over asyncio's streams, for a process that loaded asyncio without OpenSSL.

asyncio has no TLS of its own there; `ssl` does the work, between a stream and two buffers.
Certificates and host names are checked, by the authorities of `SSL_CERT_FILE` or of certifi.
"""

import asyncio
import ssl

import httpx

__all__ = ["TlsStream", "Trust"]

_READ_BYTES = 64 * 1024


class Trust:
    """Whom a process trusts; the authorities are read once.

    Raises:
        OSError: There are none.
    """

    def __init__(self) -> None:
        try:
            self._context = httpx.create_ssl_context()
        except OSError as error:
            raise OSError(
                "expected the certificates of authorities in the file SSL_CERT_FILE or the folder "
                f"SSL_CERT_DIR names, found: {error}"
            ) from error

    async def shake_hands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
    ) -> "TlsStream":
        """Return the stream to a host that has proven who it is.

        Raises:
            OSError: It has not; the text says what to look at.
        """
        stream = TlsStream(reader, writer, context=self._context, host=host)
        try:
            await stream.shake_hands()
        except ssl.SSLCertVerificationError as error:
            raise OSError(
                f"expected a certificate of {host} that is trusted, found: "
                f"{error.verify_message}; look at this machine's clock, at who answers under that "
                "name, and at SSL_CERT_FILE where an authority of your own signs"
            ) from error
        except (ssl.SSLError, ConnectionError) as error:
            raise OSError(
                f"expected TLS of {host}, found: {_reason(error)}; look at whether its address "
                "speaks https and what stands between"
            ) from error
        return stream


class TlsStream:
    """Reader and writer in one.

    A stream that ends without notice ends in `OSError`, as one that is garbled.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        context: ssl.SSLContext,
        host: str,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._coming, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._coming, self._going, server_hostname=host)

    async def shake_hands(self) -> None:
        """Agree on keys and check the certificate."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self._exchange()
            else:
                break
            finally:
                self._flush()

    async def read(self, limit: int) -> bytes:
        """Return what came, at most so much; nothing once the other side has ended."""
        while True:
            try:
                return self._tls.read(limit)
            except ssl.SSLWantReadError:
                await self._exchange()

    def write(self, data: bytes) -> None:
        """Send, once there is a turn."""
        if data:
            self._tls.write(data)
            self._flush()

    async def drain(self) -> None:
        """Wait until the other side keeps up."""
        await self._writer.drain()

    def close(self) -> None:
        """Close the connection."""
        self._writer.close()

    async def _exchange(self) -> None:
        self._flush()
        if data := await self._reader.read(_READ_BYTES):
            self._coming.write(data)
        else:
            self._coming.write_eof()

    def _flush(self) -> None:
        if data := self._going.read():
            self._writer.write(data)


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLEOFError) or not isinstance(error, ssl.SSLError):
        return "the connection ended"
    return str(error.reason).lower().replace("_", " ")
