"""A real `dantaro-central`, and a client of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from dantaro_crds.wire.bundle import Bundle, Candle
from tests.support.eventually import eventually
from tests.support.processes import Running, command_path, running

__all__ = ["CentralClient", "central", "central_command"]


class CentralClient:
    """Talks to one central."""

    def __init__(self, folder: Path, run: Running) -> None:
        self.folder = folder
        self.run = run
        self.key_file = folder / "key"
        self._port_file = folder / "port"

    def wait_for_port(self) -> None:
        """Wait until it accepts connections; fail at once when it has ended."""

        def has_port() -> bool:
            assert self.run.process.poll() is None or self._port_file.exists(), self.run.tail()
            return self._port_file.exists()

        eventually(has_port)

    def wait_until_ready(self) -> None:
        """Wait until it can serve bundles."""
        self.wait_for_port()
        eventually(lambda: self.get("/ready").status_code == 200)

    def wait_until_ended(self) -> None:
        """Wait until the last candle of a replay is stored."""
        eventually(lambda: self.get("/health").json()["source"]["ended"], timeout=60)

    @property
    def url(self) -> str:
        """Root of the API."""
        return f"http://127.0.0.1:{self._port_file.read_text().strip()}"

    @property
    def key(self) -> str:
        """The bearer key."""
        return self.key_file.read_text().strip()

    def get(
        self, path: str, *, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        """Send a request with the key; `headers` replace it."""
        try:
            return httpx.get(
                self.url + path,
                params=query or None,
                headers=headers or {"Authorization": f"Bearer {self.key}"},
                timeout=10,
            )
        except httpx.TransportError as error:
            raise AssertionError(f"central does not answer: {error}") from error

    def bundle(self, symbol: str, **query: Any) -> Bundle:
        """Return one page."""
        response = self.get("/api/v1/bundle", symbol=symbol, **query)
        assert response.status_code == 200, response.text
        return Bundle.model_validate_json(response.text)

    def pages(self, symbol: str, **query: Any) -> Iterator[Bundle]:
        """Yield all pages up to the present."""
        while True:
            page = self.bundle(symbol, **query)
            yield page
            if len(page.candles) < 500:
                return
            query["since"] = page.candles[-1].time.isoformat()

    def candles(self, symbol: str) -> list[Candle]:
        """Return all candles of a market."""
        return [candle for page in self.pages(symbol) for candle in page.candles]


def central_command(folder: Path, *options: str, role: str = "all") -> list[str]:
    """Return the command line with all its files in `folder`, unless `options` name others."""
    return [
        command_path("dantaro-central"),
        role,
        "--database-url",
        f"sqlite:///{folder}/central.db",
        "--port",
        "0",
        "--port-file",
        str(folder / "port"),
        "--key-file",
        str(folder / "key"),
        *options,
    ]


@contextmanager
def central(
    folder: Path, *options: str, role: str = "all", is_ready: bool = True
) -> Iterator[CentralClient]:
    """Run central for the length of a block.

    Args:
        folder: Holds database, key, port and log; a second run there goes on.
        options: Further command line options.
        role: all, worker or api.
        is_ready: Whether to wait until it can serve bundles.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "port").unlink(missing_ok=True)
    with running(central_command(folder, *options, role=role), log=folder / "log") as run:
        client = CentralClient(folder, run)
        if is_ready:
            client.wait_until_ready()
        yield client
