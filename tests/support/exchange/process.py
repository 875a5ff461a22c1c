"""Starts an exchange as a process of its own for the length of a block."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import ExchangeConfig
from tests.support.processes import running

__all__ = ["running_exchange"]


@contextmanager
def running_exchange(
    folder: Path, config: ExchangeConfig | None = None, *options: str
) -> Iterator[ExchangeClient]:
    """Run an exchange; it is reachable when the block begins and gone after it.

    Args:
        folder: For its configuration, port and log; made if need be.
        config: None: one pocket with 10,000,000 KRW, KRW-BTC at 100,000,000, a clock that stands.
        options: Further options of the command, such as `--speed`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, file = folder / "port", folder / "config.json"
    port.unlink(missing_ok=True)
    file.write_text((config or ExchangeConfig()).model_dump_json())
    file.chmod(0o600)
    command = [sys.executable, "-m", "tests.support.exchange"]
    command += ["--config", str(file), "--port-file", str(port), *options]
    with running(command, log=folder / "log") as run:

        def is_up() -> bool:
            assert run.process.poll() is None or port.exists(), run.tail()
            return port.exists()

        eventually(is_up)
        with ExchangeClient(f"http://127.0.0.1:{port.read_text()}") as client:
            yield client
