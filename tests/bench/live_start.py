"""How soon a live bot has explained every order: from the start of its process to its report."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx

from tests.support.doomed_day import LiveBot, doomed_day
from tests.support.eventually import eventually
from tests.support.live_rig import GRID

__all__ = ["Starts", "measure_starts", "print_starts"]

_GOAL = 1.5
_RESTING = 5


@dataclass(frozen=True, kw_only=True)
class Starts:
    """Seconds.

    Attributes:
        empty: From the start of a process on an empty store to its first reconcile.
        again: The same on the store that it left, while its orders rest.
        migration: Of the child process that migrates an empty store; a part of `empty`.
    """

    empty: Sequence[float]
    again: Sequence[float]
    migration: Sequence[float]


def measure_starts(count: int = 7) -> Starts:
    """Start a grid on new stores, and once more on each of them."""
    empty, again, migration = [], [], []
    with tempfile.TemporaryDirectory() as name:
        strategies = {f"grid-{number}": GRID for number in range(count)}
        with doomed_day(Path(name), seed=1, strategies=strategies) as day:
            for bot in day.bots.values():
                empty.append(_start(bot))
                again.append(_start(bot))
                migration.append(_migrate(bot.folder))
    return Starts(empty=empty, again=again, migration=migration)


def _start(bot: LiveBot) -> float:
    """Return the seconds until /status says that every order is explained."""
    port = bot.folder / "port"
    port.unlink(missing_ok=True)
    began = time.monotonic()
    with bot.running(), httpx.Client(trust_env=False) as client:

        def is_reconciled() -> bool:
            if not port.exists():
                return False
            report = client.get(f"http://127.0.0.1:{port.read_text().strip()}/status").json()
            return bool(report["reconciled"]["ok"])

        eventually(is_reconciled)
        took = time.monotonic() - began
        eventually(lambda: len(bot.truth().resting) > _RESTING)
    return took


def _migrate(folder: Path) -> float:
    began = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "dantaro_runtime.adapters.store.migrate"],
        input=f"sqlite:///{folder / 'migrated.db'}",
        text=True,
        check=True,
        capture_output=True,
    )
    return time.monotonic() - began


def print_starts() -> None:
    """Print the figures beside their goal."""
    starts = measure_starts()
    for name, seconds in (
        ("an empty store", starts.empty),
        ("its own store, orders rest", starts.again),
        ("of an empty store's, the migration's process", starts.migration),
    ):
        goal = "" if seconds is starts.migration else f" (goal {_GOAL})"
        print(
            f"  start to first reconcile, seconds: {name}: median {median(seconds):.2f}, "
            f"worst {max(seconds):.2f} of {len(seconds)}{goal}",
            flush=True,
        )


if __name__ == "__main__":
    print_starts()
