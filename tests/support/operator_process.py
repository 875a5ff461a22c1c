"""A real `dantaro operator` as a process, with times that a test can wait for."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.eventually import eventually
from tests.support.processes import Running, command_path, running

__all__ = ["BOT_IMAGE", "OperatorProcess", "operator_process"]

BOT_IMAGE = "localhost/dantaro/runtime:test"
"""What new bots get unless a test says otherwise."""

_SETTINGS = {
    "bot_image": BOT_IMAGE,
    "collect_seconds": 0.5,
    "collect_timeout_seconds": 1,
    "silent_seconds": 2,
    "lease_duration_seconds": 3,
    "lease_renew_deadline_seconds": 2,
    "lease_retry_seconds": 0.4,
    "host": "127.0.0.1",
    "port": 0,
    "log_level": "DEBUG",
}


_START_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class OperatorProcess:
    """One operator: candidate or leader."""

    run: Running
    port_file: Path

    def get(self, page: str) -> httpx.Response:
        """Return the answer of `/healthz`, `/readyz` or `/metrics`; fail when it has ended."""
        assert self.run.process.poll() is None, f"the operator ended:\n{self.run.tail()}"
        assert self.port_file.exists(), "it does not serve yet"
        try:
            address = f"http://127.0.0.1:{self.port_file.read_text().strip()}{page}"
            return httpx.get(address, timeout=5, trust_env=False)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise AssertionError(f"the operator does not answer: {error}") from error

    def wait_until_ready(self) -> None:
        """Wait until it stands by, or leads and was told of everything."""
        eventually(lambda: self.get("/readyz").status_code == 200, timeout=_START_SECONDS)

    def measured(self, name: str, **labels: str) -> float:
        """Return a figure of `/metrics`, summed over all other labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.get("/metrics").text.splitlines()
        found = [line for line in lines if re.match(rf"{name}[ {{]", line)]
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in found if all(part in line for part in wanted)
        )


@contextmanager
def operator_process(
    kubeconfig: Path,
    folder: Path,
    *,
    namespace: str,
    until_ready: bool = True,
    **settings: object,
) -> Iterator[OperatorProcess]:
    """Run an operator for the length of a block; several on one Lease are rivals.

    Args:
        kubeconfig: How it logs in.
        folder: Holds its log, which goes on when it is started there again, and its port.
        namespace: Whose bots it looks after, and where its Lease is.
        until_ready: Whether the block begins when it stands by or leads, else at its start.
        settings: Further settings by their names, in place of those for tests.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port_file = folder / "port"
    port_file.unlink(missing_ok=True)
    values = _SETTINGS | {
        "kubeconfig": kubeconfig,
        "namespace": namespace,
        "namespaces": namespace,
        "pod": folder.name,
        "port_file": port_file,
    }
    environment = [
        f"DANTARO_OPERATOR_{name.upper()}={value}" for name, value in (values | settings).items()
    ]
    # `env` becomes the operator: the process id is its own.
    command = ["env", *environment, command_path("dantaro"), "operator"]
    with running(command, log=folder / "log") as run:
        operator = OperatorProcess(run=run, port_file=port_file)
        if until_ready:
            operator.wait_until_ready()
        yield operator
