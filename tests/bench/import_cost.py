"""What each import of a bot costs in memory and time, in a fresh interpreter."""

import subprocess
import sys
from dataclasses import dataclass
from statistics import median

__all__ = ["ImportCost", "measure_imports"]

_CODE = """
import sys
import time
from dantaro_runtime.left_out import leave_out
leave_out()
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
begin = rss()
print("python", begin, 0)
last, took = begin, 0
for name in sys.argv[1:]:
    began = time.perf_counter()
    __import__(name)
    ms = (time.perf_counter() - began) * 1000
    now = rss()
    print(name, now - last, ms)
    last, took = now, took + ms
print("all", last, took)
"""

_NAMES = (
    "asyncio",
    "pydantic",
    "dantaro_crds.wire.bundle",
    "dantaro_crds.wire.bot_config",
    "httpx",
    "h11",
    "sqlalchemy",
    "sqlalchemy.dialects.sqlite",
    "structlog",
    "dantaro_runtime.bootstrap",
    "dantaro_runtime.adapters.exchanges.upbit.venue",
)


@dataclass(frozen=True, kw_only=True)
class ImportCost:
    """What one import adds to those before it."""

    name: str
    mib: float
    ms: float


def measure_imports() -> list[ImportCost]:
    """Return the imports in the order of a bot's start; the times are the median of five starts."""
    runs = [_run() for _ in range(5)]
    return [
        ImportCost(name=same[0].name, mib=same[0].mib, ms=median(each.ms for each in same))
        for same in zip(*runs, strict=True)
    ]


def _run() -> list[ImportCost]:
    run = subprocess.run(
        [sys.executable, "-c", _CODE, *_NAMES], capture_output=True, text=True, check=True
    )
    rows = (line.split() for line in run.stdout.splitlines())
    return [ImportCost(name=name, mib=float(mib), ms=float(ms)) for name, mib, ms in rows]
