"""Runs a folder of bots through recorded candles with `dantaro up`, with or without kills."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.processes import command_path

__all__ = ["KillRun", "outcomes"]

_ROUND_SECONDS = 400


@dataclass(kw_only=True)
class KillRun:
    """One replay of a copied example.

    Attributes:
        source: Folder with the YAML.
        folder: Copy that is run; holds the state afterwards.
        candles: Folder of recorded candles.
        speed: As on the command line.
        killed: How often each kind of process was killed.
    """

    source: Path
    folder: Path
    candles: Path
    speed: str = "max"
    killed: Counter[str] = field(default_factory=Counter)

    def run(
        self, *, kills: int = 0, seed: int = 0, pause: tuple[float, float] = (0.3, 1.2)
    ) -> None:
        """Run to the end of the candles; on the way kill -9 one process after each pause."""
        shutil.copytree(self.source, self.folder)
        rng = random.Random(seed)
        victims = (["bot", "central", "up"] * kills)[:kills]
        log = self.folder.parent / f"{self.folder.name}.log"
        process = self._start(log)
        try:
            for victim in victims:
                if self._ends_within(process, rng.uniform(*pause)):
                    break
                self._kill(process, victim, rng)
                if victim == "up":
                    process.wait(50)
                    process = self._start(log)
            code = process.wait(_ROUND_SECONDS)
            assert code == 0, f"dantaro up ended with {code}:\n{log.read_text()[-3000:]}"
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(30)

    def _start(self, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                [
                    command_path("dantaro"),
                    *("up", str(self.folder), "--market", str(self.candles)),
                    *("--speed", self.speed, "--plain"),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def _ends_within(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _kill(self, up: subprocess.Popen[bytes], victim: str, rng: random.Random) -> None:
        if victim == "up":
            up.kill()
        else:
            module = "dantaro_runtime" if victim == "bot" else "dantaro_central"
            kill(rng.choice(eventually(lambda: children(up.pid, module))))
        self.killed[victim] += 1


def children(parent: int, module: str) -> Sequence[int]:
    """Return the children of a process that run one of our modules."""
    found = []
    for task in Path(f"/proc/{parent}/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                command = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            except FileNotFoundError:
                continue
            if module in command:
                found.append(int(child))
    return found


def kill(pid: int) -> None:
    """Kill -9 a process that this test's own process started."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def outcomes(folder: Path) -> dict[str, dict[str, list[tuple[object, ...]]]]:
    """Return orders, fills and account of each bot, without the random part of their names."""
    found = {}
    for store in sorted((folder / ".dantaro" / "bots").glob("*/store.db")):
        name = store.parent.name.rsplit("-", 1)[0]
        found[name] = _outcome(store)
    return found


def _outcome(store: Path) -> dict[str, list[tuple[object, ...]]]:
    link = sqlite3.connect(store)
    try:
        return {
            "orders": link.execute(
                "SELECT substr(client_id, 10), ts, side, price, volume, filled_volume, fee, state "
                "FROM orders ORDER BY id"
            ).fetchall(),
            "fills": link.execute(
                "SELECT ts, substr(client_id, 10), side, price, volume, fee FROM fills ORDER BY id"
            ).fetchall(),
            "account": link.execute(
                "SELECT quote, base, contributed, last, cursor, next_seq FROM paper_account"
            ).fetchall(),
        }
    finally:
        link.close()
