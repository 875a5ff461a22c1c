"""Runs central as a process of this machine, on a port that bots can rely on."""

import secrets
import socket
import sys
from pathlib import Path

from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import utc_text
from dantaro_crds.wire.bot_config import CentralConfig
from dantaro_operator.adapters.child import Child
from dantaro_operator.adapters.json_files import write_atomic
from dantaro_operator.core.local.market import MarketSettings, served_symbols
from dantaro_operator.core.observed import ProcessFacts

__all__ = ["CentralProcess"]

LOG_NAME = "central.log"
"""Log of central in its folder."""


class CentralProcess:
    """Central's process and its port.

    The port is chosen here, before the first start, and kept: bots can be configured at once, and a
    restart of central changes nothing for them.
    """

    def __init__(self, folder: Path, *, poll_seconds: float, clock: Clock) -> None:
        self._folder = folder
        self._poll_seconds = poll_seconds
        self._child = Child(folder, log_name=LOG_NAME, clock=clock)
        self._symbols: frozenset[str] = frozenset()
        self._choice = False
        self._port = self._choose_port()

    @property
    def config(self) -> CentralConfig:
        """How bots reach it."""
        return CentralConfig(
            url=f"http://127.0.0.1:{self._port}",
            key_file=str(self._folder / "key"),
            poll_seconds=self._poll_seconds,
        )

    @property
    def log(self) -> str:
        """Path of its log."""
        return str(self._folder / LOG_NAME)

    def observe(self) -> ProcessFacts:
        """Return its process."""
        return self._child.facts

    async def ensure(
        self, settings: MarketSettings, symbols: frozenset[str], *, choice: bool
    ) -> None:
        """Run it on a market that has at least these symbols. Twice is the same as once."""
        before = self._served(settings)
        wanted = self._symbols | symbols, self._choice or choice
        if wanted != (self._symbols, self._choice):
            self._symbols, self._choice = wanted
            self._child.unblock()
            if self._served(settings) != before:
                await self._child.stop()
        if not self._child.facts.running:
            self._port = self._choose_port()
            _make_key(self._folder / "key")
        await self._child.keep_running(self._command(settings))

    async def stop(self) -> None:
        """Stop it; its clock stands still until the next start."""
        await self._child.stop()

    def kill(self) -> None:
        """End it at once."""
        self._child.kill()

    def _served(self, settings: MarketSettings) -> frozenset[str] | None:
        return served_symbols(settings, self._symbols, choice=self._choice)

    def _command(self, settings: MarketSettings) -> tuple[str, ...]:
        served = self._served(settings)
        options = {
            "--source": settings.source.value,
            "--folder": settings.folder,
            "--speed": settings.speed,
            "--from": utc_text(settings.start) if settings.start else None,
            "--seed": None if settings.seed is None else str(settings.seed),
            "--symbols": None if served is None else ",".join(sorted(served)),
            "--database-url": f"sqlite:///{self._folder / 'central.db'}",
            "--port": str(self._port),
            "--key-file": str(self._folder / "key"),
        }
        given = [text for name, value in options.items() if value for text in (name, value)]
        return (sys.executable, "-m", "dantaro_central", "all", *given, "--exit-with-parent")

    def _choose_port(self) -> int:
        """Return the port of the last run if it is free, else another one, and remember it."""
        path = self._folder / "port"
        try:
            known = int(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            known = 0
        port = _free_port(known) or _free_port(0)
        if port != known:
            write_atomic(path, f"{port}\n", durable=True)
        return port


def _free_port(wanted: int) -> int:
    """Return the wanted port if it is free (0: any free one); else 0."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return 0
        return int(probe.getsockname()[1])


def _make_key(path: Path) -> None:
    """Make the key before bots look for it: they may be up sooner than central."""
    if not path.exists():
        write_atomic(path, f"{secrets.token_urlsafe(32)}\n", mode=0o600)
