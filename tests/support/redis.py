"""A real Redis server on a free loopback port; it ends with this process, also by kill -9."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.node.packages import MissingToolError
from tests.cluster.tether import tied_to_caller
from tests.support.eventually import eventually

__all__ = ["MissingToolError", "Redis", "running_redis"]


class Redis:
    """One server without files."""

    def __init__(self, program: str) -> None:
        self._program = program
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])
        self.start()

    @property
    def url(self) -> str:
        """Return the URL of the server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = [self._program, "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=tied_to_caller(),  # noqa: PLW1509  # two system calls and nothing else
        )
        eventually(self._answers)

    def kill(self) -> None:
        """End it at once; what it held is lost."""
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@contextmanager
def running_redis() -> Iterator[Redis]:
    """Run a server for the length of a block.

    Raises:
        MissingToolError: Redis is not there and could not be installed.
    """
    server = Redis(_find_program())
    try:
        yield server
    finally:
        server.kill()


def _find_program() -> str:
    if shutil.which("redis-server") is None:
        _install()
    found = shutil.which("redis-server")
    if found is None:
        raise MissingToolError("apt-get did its work and there is no redis-server")
    return found


def _install() -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise MissingToolError("no Redis here: install what Debian calls redis-server")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", "--no-remove"]
    for command in (["apt-get", "update"], [*install, "redis-server"]):
        done = subprocess.run(
            ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise MissingToolError(f"`{' '.join(command)}` failed: {done.stderr[-2000:]}")
