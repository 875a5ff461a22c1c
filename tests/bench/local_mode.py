"""Start, memory and replay speed of local mode."""

import json
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx

from tests.support.processes import command_path, memory_mib

__all__ = ["measure_memory", "measure_replay", "measure_start"]

ROOT = Path(__file__).parents[2]

_LIMIT_SECONDS = 600


def measure_start() -> dict[str, float]:
    """Return seconds from `dantaro up` to the first row and to the first paper order, warm."""
    with _copied("01-quickstart") as folder:
        for attempt in ("cold", "warm"):
            shutil.rmtree(folder / ".dantaro", ignore_errors=True)
            found = _watch_start(folder)
            print(
                f"  {attempt}: first row {found['row']:.1f} s, first order {found['order']:.1f} s"
            )
    return found


def measure_memory(ticks: int = 1000) -> dict[str, float]:
    """Return resident MiB of each process after a number of one-minute candles."""
    with _copied("01-quickstart") as folder, _up(folder, "--speed", "3600") as process:
        deadline = time.monotonic() + _LIMIT_SECONDS
        while time.monotonic() < deadline:
            time.sleep(0.5)
            if _fewest_ticks(folder) >= ticks:
                return {name: rss for pid in _children(process.pid) for name, rss in [_rss(pid)]}
        raise TimeoutError(f"no {ticks} ticks within {_LIMIT_SECONDS} s")


def measure_replay(candles: Path) -> float:
    """Return the seconds that 30 days of four markets through four bots take at full speed."""
    with _copied("02-replay") as folder:
        started = time.monotonic()
        subprocess.run(
            [
                command_path("dantaro"),
                *("up", str(folder), "--market", str(candles), "--speed", "max", "--plain"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=_LIMIT_SECONDS,
        )
        return time.monotonic() - started


@contextmanager
def _copied(example: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made:
        folder = Path(made) / example
        shutil.copytree(ROOT / "examples" / example, folder)
        yield folder


@contextmanager
def _up(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [command_path("dantaro"), "up", str(folder), "--plain", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


def _watch_start(folder: Path) -> dict[str, float]:
    started = time.monotonic()
    found: dict[str, float] = {}
    with _up(folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("btc-grid"):
                found.setdefault("row", time.monotonic() - started)
                if re.search(r"Running +\d+ .* [1-9]\d* +\S+$", line.rstrip()):
                    found.setdefault("order", time.monotonic() - started)
                    break
    return found


def _fewest_ticks(folder: Path) -> int:
    state = folder / ".dantaro"
    reports = [json.loads(path.read_text()) for path in (state / "reports").glob("*.json")]
    if len(reports) < 3 or any("marketTime" not in report for report in reports):
        return 0
    port = (state / "central" / "port").read_text().strip()
    start = httpx.get(f"http://127.0.0.1:{port}/health").json()["marketStart"]
    spans = [
        datetime.fromisoformat(report["marketTime"]) - datetime.fromisoformat(start)
        for report in reports
    ]
    return int(min(spans).total_seconds() // 60)


def _children(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def _rss(pid: int) -> tuple[str, float]:
    command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    name = next((part for part in command if part.startswith("dantaro_")), "?")
    where = next((Path(part).parent.name for part in command if part.endswith(".json")), "central")
    return f"{name} {where}", memory_mib(pid)
