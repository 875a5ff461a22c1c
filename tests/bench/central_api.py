"""`python -m tests.bench.central_api`: the API of central on one core, beside a bare FastAPI.

The server has core 0 alone; the load and the worker share core 1. The market moves: a simulated
one, 60 times faster than wall time, so market time moves every second and all pages with it; it
stands still while the API is saturated, when the load needs the core of the worker.
"""

import asyncio
import os
import secrets
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import uvloop

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.key_store import SqlKeyStore
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.core.simulation import SIMULATED_MARKETS
from dantaro_central.ports import KeyRecord
from dantaro_central.services.keys import hash_of
from tests.bench.load import Outcome, Reply, Request, run_load
from tests.support.central_process import CentralClient, central_command
from tests.support.eventually import eventually
from tests.support.processes import cpu_seconds, running

__all__ = ["main", "measure_api"]

KEYS = 3000
INTERVALS = ("5m", "15m", "60m", "240m")
ASKED = [(symbol, interval) for symbol in SIMULATED_MARKETS for interval in INTERVALS]
"""The 24 different pages that the bots ask for."""
RATE = 600.0
CONNECTIONS = 50

_SERVER_CORE, _LOAD_CORE = "0", "1"


def _requests(keys: list[str], since: str) -> Request:
    """Return bots that ask for their pages; every second one names the tag that it saw last."""
    tags: dict[tuple[str, str], bytes] = {}

    def make(number: int) -> tuple[bytes, Callable[[Reply], None]]:
        symbol, interval = asked = ASKED[number % len(ASKED)]
        head = (
            f"GET /api/v1/bundle?symbol={symbol}&interval={interval}&since={since} HTTP/1.1\r\n"
            f"Host: central\r\nAuthorization: Bearer {keys[number % len(keys)]}\r\n"
        ).encode()
        # By rounds over the pages, so that each is asked for in both ways.
        if (number // len(ASKED)) % 2 and asked in tags:
            head += b"If-None-Match: " + tags[asked] + b"\r\n"

        def told(reply: Reply) -> None:
            at = reply.head.lower().find(b"\r\netag: ")
            if at >= 0:
                tags[asked] = reply.head[at + 8 :].split(b"\r\n", 1)[0]

        return head + b"\r\n", told

    return make


def _hello(_number: int) -> tuple[bytes, Callable[[Reply], None]]:
    return b"GET / HTTP/1.1\r\nHost: hello\r\n\r\n", lambda _reply: None


def measure_api(folder: Path) -> dict[str, float]:
    """Return the figures of one API process: seconds, MiB, milliseconds, requests per second."""
    url = f"sqlite:///{folder}/central.db"
    engine = open_engine(url)
    migrate(engine)
    keys = [secrets.token_urlsafe(32) for _ in range(KEYS)]
    store = SqlKeyStore(engine)
    for number, key in enumerate(keys):
        store.save_key(KeyRecord(name=f"bot-{number}", sha256=hash_of(key)), replaces=False)
    engine.dispose()
    figures: dict[str, float] = {}
    with ExitStack() as stack:
        market = ["--source", "simulated", "--speed", "60"]
        worker = ["nice", "-n", "10", "taskset", "-c", _LOAD_CORE]
        worker += central_command(folder, *market, role="worker")
        moves = stack.enter_context(running(worker, log=folder / "worker.log"))
        eventually(lambda: _is_analysed(url), timeout=60)
        (folder / "port").unlink(missing_ok=True)
        began = time.perf_counter()
        command = ["taskset", "-c", _SERVER_CORE, *central_command(folder, role="api")]
        run = stack.enter_context(running(command, log=folder / "api.log"))
        client = CentralClient(folder, run)
        while not client.run.log.exists() or not (folder / "port").exists():
            assert run.process.poll() is None, run.tail()
            time.sleep(0.005)
        figures["start"] = time.perf_counter() - began
        figures["rss_start"] = run.rss_mib()
        client.wait_until_ready()
        since = client.bundle(ASKED[0][0]).market_time.strftime("%Y-%m-%dT%H:%M:%SZ")
        port = int((folder / "port").read_text())
        request = _requests(keys, since)
        _run(port, request, seconds=2, rate=RATE)
        used = cpu_seconds(run.process.pid)
        steady = _run(port, request, seconds=10, rate=RATE)
        figures["cpu"] = (cpu_seconds(run.process.pid) - used) / steady.duration
        figures["rate"] = steady.rate
        figures["p50"], figures["p99"] = steady.percentile(50), steady.percentile(99)
        figures["max"] = steady.percentile(100)
        figures["unchanged"] = steady.statuses.get(304, 0) / len(steady.seconds)
        # The load needs all of its core now, as it does against the bare one.
        moves.process.send_signal(signal.SIGSTOP)
        used = cpu_seconds(run.process.pid)
        full = _run(port, request, seconds=5)
        figures["per_core"] = len(full.seconds) / (cpu_seconds(run.process.pid) - used)
        assert set(steady.statuses) | set(full.statuses) <= {200, 304}, full.statuses
        moves.process.send_signal(signal.SIGCONT)
        figures["saturated"] = full.rate
        figures["rss"] = run.rss_mib()
        run.stop()
        figures["hello"], figures["hello_per_core"] = _measure_hello(folder)
    figures["of_hello"] = figures["saturated"] / figures["hello"]
    return figures


def _is_analysed(url: str) -> bool:
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            return bool(connection.exec_driver_sql("SELECT count(*) FROM analyses").scalar())
    finally:
        engine.dispose()


def _measure_hello(folder: Path) -> tuple[float, float]:
    """Return the rate of a bare FastAPI on the same core: as seen, and per second of its core."""
    (folder / "hello.py").write_text(
        "from fastapi import FastAPI\napp = FastAPI()\n\n\n"
        '@app.get("/")\nasync def hello() -> dict[str, str]:\n    return {"hello": "world"}\n'
    )
    port = _free_port()
    command = ["taskset", "-c", _SERVER_CORE, sys.executable, "-m", "uvicorn", "hello:app"]
    command += ["--app-dir", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    with running(command, log=folder / "hello.log") as run:
        eventually(lambda: _answers(port))
        _run(port, _hello, seconds=1)
        used = cpu_seconds(run.process.pid)
        full = _run(port, _hello, seconds=5)
        return full.rate, len(full.seconds) / (cpu_seconds(run.process.pid) - used)


def _run(port: int, request: Request, *, seconds: float, rate: float | None = None) -> Outcome:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(
            run_load(port, request, seconds=seconds, connections=CONNECTIONS, rate=rate)
        )


def _answers(port: int) -> bool:
    try:
        return bool(_run(port, _hello, seconds=0.01).seconds)
    except OSError:
        return False


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


_LINES = (
    ("start", "s from the command to accepting connections", "<= 2"),
    ("rss_start", "MiB resident then", ""),
    ("rate", f"requests/s from {KEYS} keys", ""),
    ("unchanged", "part of them answered 304", "0.5"),
    ("p50", "ms, median", "<= 1"),
    ("p99", "ms, 99 of 100", "<= 5"),
    ("max", "ms, slowest", ""),
    ("cpu", "cores used meanwhile", ""),
    ("saturated", "requests/s at most", ""),
    ("per_core", "requests in a second of its core's time", ""),
    ("hello", "requests/s of a bare FastAPI on uvloop, same core and load", ""),
    ("hello_per_core", "requests in a second of its core's time", ""),
    ("of_hello", "of the bare one at most", ">= 0.25"),
    ("rss", "MiB resident at the end", "<= 74"),
)


def main() -> int:
    """Print the figures."""
    os.sched_setaffinity(0, {int(_LOAD_CORE)})
    with tempfile.TemporaryDirectory() as folder:
        figures = measure_api(Path(folder))
    print("API of central on one core:")
    for name, text, goal in _LINES:
        print(f"  {figures[name]:10.2f}  {text}{f'  (goal {goal})' if goal else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
