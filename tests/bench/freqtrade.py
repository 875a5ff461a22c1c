"""What an idle freqtrade weighs in dry-run on the exchange emulator, to compare a bot of ours with.

It is no dependency: `python -m tests.bench.freqtrade install` puts it into a virtual environment of
its own in the user's cache, and without that nothing is measured.
"""

import json
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from dantaro_central.core.candles import Candle
from dantaro_crds.values import Interval
from tests.cluster.binaries import cache_folder
from tests.support.candles import make_candle, write_candles
from tests.support.eventually import eventually
from tests.support.exchange.config import ClockConfig, ExchangeConfig, LimitConfig, MarketConfig
from tests.support.exchange.process import running_exchange
from tests.support.live_rig import wave
from tests.support.processes import cpu_seconds, memory_mib, running

__all__ = ["Idle", "measure_freqtrade", "print_freqtrade"]

_VERSION = "2026.9"
_PLACE = cache_folder().parent / f"freqtrade-{_VERSION}"
_SECONDS = 120.0

_STRATEGY = """
from freqtrade.strategy import IStrategy


class Idle(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": 10}
    stoploss = -0.9
    startup_candle_count = 30

    def populate_indicators(self, dataframe, metadata):
        return dataframe

    def populate_entry_trend(self, dataframe, metadata):
        return dataframe

    def populate_exit_trend(self, dataframe, metadata):
        return dataframe
"""


@dataclass(frozen=True, kw_only=True)
class Idle:
    """One process that has nothing to do.

    Attributes:
        mib: Resident.
        percent: Part of a core.
        calls: To the exchange, a minute.
    """

    mib: float
    percent: float
    calls: float


def measure_freqtrade(seconds: float = _SECONDS) -> Idle | None:
    """Let it run on one market with a strategy that never trades; None where it is not there."""
    program = _PLACE / "bin" / "freqtrade"
    if not program.exists():
        return None
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        candles = write_candles(home / "candles", "KRW-XRP", Interval.M1, _minutes(now))
        config = ExchangeConfig(
            markets=(MarketConfig(code="KRW-XRP", candles=str(candles)),),
            clock=ClockConfig(mode="replay", market=now, wall=now),
            limits=LimitConfig(enabled=False),
        )
        with running_exchange(home / "exchange", config) as exchange:
            _write(home, exchange.root)
            command = [str(program), "trade", "-c", str(home / "config.json")]
            log = home / "log"
            with running([*command, "--userdir", str(home / "user")], log=log) as run:
                eventually(lambda: "state='RUNNING'" in log.read_text(), timeout=60)
                pid, calls = run.process.pid, exchange.truth().calls
                used, began = cpu_seconds(pid), time.monotonic()
                time.sleep(seconds)
                passed = time.monotonic() - began
                made = sum(exchange.truth().calls.values()) - sum(calls.values())
                return Idle(
                    mib=memory_mib(pid),
                    percent=100 * (cpu_seconds(pid) - used) / passed,
                    calls=60 * made / passed,
                )


def _minutes(now: datetime) -> Sequence[Candle]:
    """Return a day before and a day after now."""
    first = now.replace(second=0, microsecond=0) - timedelta(days=1)
    return [
        make_candle(first + number * timedelta(minutes=1), str(closed), open_=str(opened))
        for number, (opened, closed) in enumerate(pairwise(wave(1, 2 * 1440)))
    ]


def _write(home: Path, root: str) -> None:
    strategies = home / "user" / "strategies"
    strategies.mkdir(parents=True)
    (strategies / "idle.py").write_text(_STRATEGY)
    reach = {"urls": {"api": {"public": root, "private": root}}}
    pricing = {"price_side": "same", "use_order_book": False}
    config = {
        "initial_state": "running",
        "dry_run": True,
        "dry_run_wallet": 1_000_000,
        "max_open_trades": 1,
        "stake_currency": "KRW",
        "stake_amount": 10_000,
        "trading_mode": "spot",
        "strategy": "Idle",
        "exchange": {
            "name": "upbit",
            "ccxt_config": reach,
            "pair_whitelist": ["XRP/KRW"],
            "enable_ws": False,
        },
        "entry_pricing": pricing,
        "exit_pricing": pricing,
        "pairlists": [{"method": "StaticPairList"}],
        "internals": {"process_throttle_secs": 5},
        "db_url": f"sqlite:///{home / 'trades.db'}",
    }
    (home / "config.json").write_text(json.dumps(config))


def print_freqtrade() -> None:
    """Print the figures, or how to get them."""
    idle = measure_freqtrade()
    if idle is None:
        print("  freqtrade not measured: `python -m tests.bench.freqtrade install` installs it")
        return
    print(
        f"  for comparison, freqtrade {_VERSION} idle in dry-run: {idle.mib:.0f} MiB, "
        f"{idle.percent:.2f} % of a core with {idle.calls:.0f} calls a minute"
    )


def _install() -> None:
    venv.create(_PLACE, with_pip=True)
    command = [str(_PLACE / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*command, f"freqtrade=={_VERSION}"], check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["install"]:
        _install()
    else:
        print_freqtrade()
