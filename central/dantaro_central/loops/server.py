"""The HTTP server of the API."""

import asyncio
import gc
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from dantaro_crds.errors import SpecError

__all__ = ["ApiServer", "bind"]

_GRACE_SECONDS = 3


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 takes a free one.

    Raises:
        SpecError: The address is in use or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise SpecError(
            f"expected a free address, found {host}:{port}: {error.strerror}", field="port"
        ) from error
    # asyncio leaves it out for a socket made like this: each answer waited 40 ms for its body.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class ApiServer(uvicorn.Server):
    """Serves until cancelled, and tells its port in a file once it accepts."""

    def __init__(self, app: ASGIApp, listener: socket.socket, *, port_file: Path | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_GRACE_SECONDS,
            )
        )
        self._listener = listener
        self._port_file = port_file

    async def run_until_cancelled(self) -> None:
        """Serve; on cancellation finish what is being answered."""
        try:
            await self.serve(sockets=[self._listener])
        except asyncio.CancelledError:
            await self.shutdown(sockets=[self._listener])
            raise

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections, then write the port file."""
        # What is loaded stays: without this every full collection walks it for 30 ms.
        gc.collect()
        gc.freeze()
        await super().startup(sockets=sockets)
        if self._port_file is not None:
            port = self._listener.getsockname()[1]
            self._port_file.parent.mkdir(parents=True, exist_ok=True)
            draft = self._port_file.with_name(f".{self._port_file.name}.{os.getpid()}")
            draft.write_text(f"{port}\n", encoding="ascii")
            draft.replace(self._port_file)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the supervisor."""
        yield
