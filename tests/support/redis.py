"""A real Redis server on a free loopback port; it ends with this process, also by kill -9."""

import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.node.packages import MissingToolError
from tests.support.eventually import eventually
from tests.support.servers import as_nobody, install_packages, start_server

__all__ = ["MissingToolError", "Redis", "running_redis"]


class Redis:
    """One server that stores nothing.

    Args:
        program: Path of redis-server.
        folder: For its log.
        password: That clients need; none by default.
    """

    def __init__(self, program: str, folder: Path, *, password: str = "") -> None:
        self._program = program
        self._password = password
        self._folder = folder
        self._user = as_nobody(folder)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])
        self.start()

    @property
    def url(self) -> str:
        """Return the URL of the server."""
        login = f":{self._password}@" if self._password else ""
        return f"redis://{login}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        command = [self._program, "--bind", "127.0.0.1", "--port", str(self.port)]
        command += ["--save", "", "--appendonly", "no", "--dir", str(self._folder)]
        if self._password:
            command += ["--requirepass", self._password]
        self._process = start_server(command, log=self._log, user=self._user)
        eventually(self._answers)

    def kill(self) -> None:
        """End it at once; what it held is lost."""
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Let it answer nothing, with all connections open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(b"PING\r\n")
                return link.recv(16).startswith((b"+PONG", b"-NOAUTH"))
        except OSError:
            return False


@contextmanager
def running_redis(*, password: str = "") -> Iterator[Redis]:
    """Run a server for the length of a block.

    Raises:
        MissingToolError: Redis is not there and could not be installed.
    """
    program = _find_program()
    # Not below pytest's folder, which other users must not enter.
    folder = Path(tempfile.mkdtemp(prefix="dantaro-redis-"))
    try:
        server = Redis(program, folder, password=password)
        try:
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_program() -> str:
    if shutil.which("redis-server") is None:
        install_packages("redis-server", is_there=lambda: bool(shutil.which("redis-server")))
    found = shutil.which("redis-server")
    if found is None:
        raise MissingToolError("apt-get did its work and there is no redis-server")
    return found
