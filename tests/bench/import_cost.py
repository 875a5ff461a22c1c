"""What each import of a bot costs in memory, in a fresh interpreter."""

import subprocess
import sys

__all__ = ["measure_imports"]

_CODE = """
import sys
from dantaro_runtime.left_out import leave_out
leave_out()
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
last = rss()
print("python", last)
for name in sys.argv[1:]:
    __import__(name)
    now = rss()
    print(name, now - last)
    last = now
print("all", last)
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
)


def measure_imports() -> dict[str, float]:
    """Return MiB by import, in the order of a bot's start."""
    run = subprocess.run(
        [sys.executable, "-c", _CODE, *_NAMES], capture_output=True, text=True, check=True
    )
    return {name: float(size) for name, size in (line.split() for line in run.stdout.splitlines())}
