"""A real PostgreSQL server on a free loopback port; it ends with this process, also by kill -9."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from dantaro_runtime.adapters.store.migrate import upgrade
from tests.cluster.node.packages import MissingToolError
from tests.support.eventually import eventually
from tests.support.servers import as_nobody, install_packages, start_server

__all__ = ["MissingToolError", "Postgres", "running_postgres"]


class Postgres:
    """One server with a database for each store.

    Args:
        programs: Folder of `initdb` and `postgres`.
        folder: For data, socket and log; made here.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self._data, self._folder = folder / "data", folder
        self._log = folder / "log"
        self._user = as_nobody(folder)  # the server refuses to run as root
        self._made = 0
        self.port = _free_port()
        options = ("--auth=trust", "--username=dantaro", "--encoding=UTF8", "--no-sync")
        self._call("initdb", f"--pgdata={self._data}", *options)
        self.start()
        self.execute("CREATE DATABASE empty")
        upgrade(self.url("empty"))

    def url(self, name: str, *, port: int | None = None) -> str:
        """Return the URL of a database, at a proxy's port if one is given."""
        return f"postgresql://dantaro@127.0.0.1:{port or self.port}/{name}"

    def new_central(self) -> str:
        """Make an empty database for a central; return its URL."""
        return self.url(self.new_database()).replace("postgresql:", "postgresql+psycopg:")

    def new_store(self) -> str:
        """Make a migrated store; return its URL."""
        return self.url(self.new_database(template="empty"))

    def new_database(self, *, template: str = "template1") -> str:
        """Make a database; return its name."""
        self._made += 1
        self.execute(f"CREATE DATABASE store{self._made} TEMPLATE {template}")
        return f"store{self._made}"

    def execute(self, statement: str, *, name: str = "postgres") -> None:
        """Carry out a statement of a person."""
        with psycopg.connect(self.url(name), autocommit=True) as link:
            link.execute(statement.encode())

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._folder,
            "fsync": "off",
            "max_connections": 60,
        }
        command = [str(self._programs / "postgres"), "-D", str(self._data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        self._process = start_server(command, log=self._log, user=self._user)
        eventually(self._answers)

    def stop(self) -> None:
        """End it at once, without a checkpoint, as a crash does."""
        self._process.send_signal(signal.SIGQUIT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it and all its sessions as kill -9 does."""
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._process.kill()
        self._process.wait()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        for child in children:
            eventually(lambda path=f"/proc/{child}/fd": not Path(path).exists())  # type: ignore[misc]

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        with suppress(psycopg.OperationalError):
            self.execute("SELECT 1")
            return True
        return False

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd="/", **self._user
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-1000:]}{done.stderr[-2000:]}"


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Run a server for the length of a block.

    Raises:
        MissingToolError: PostgreSQL is not there and could not be installed.
    """
    programs = _find_programs()
    # Not below pytest's folder, which other users must not enter.
    folder = Path(tempfile.mkdtemp(prefix="dantaro-postgres-"))
    try:
        server = Postgres(programs, folder)
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _find_programs() -> Path:
    if not _programs():
        _install()
    if found := _programs():
        return found[-1]
    raise MissingToolError("apt-get did its work and no server is in /usr/lib/postgresql")


def _install() -> None:
    """Install Debian's server, without the one that the package would start."""
    settings = Path("/etc/postgresql-common/createcluster.conf")
    install_packages("postgresql-common", is_there=settings.exists)
    with settings.open("a") as text:
        text.write("create_main_cluster = false\n")
    install_packages("postgresql", is_there=lambda: bool(_programs()))


def _programs() -> Sequence[Path]:
    found = (Path(path) for path in (shutil.which("postgres"),) if path is not None)
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    folders = [*(path.resolve().parent for path in found), *debian]
    return [folder for folder in folders if (folder / "initdb").exists()]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
