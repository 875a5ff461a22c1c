"""A live bot on the exchange emulator: how soon it answers a fill, what it weighs, what it costs.

Needs the recorded candles for memory and CPU; the answer time does without.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from tests.bench.freqtrade import print_freqtrade
from tests.bench.live_start import print_starts
from tests.support.eventually import eventually
from tests.support.exchange.process import running_exchange
from tests.support.kill_run import children
from tests.support.live_day import LiveDay, live_day
from tests.support.live_rig import (
    BUDGET,
    EXCHANGE,
    GRID,
    KEY,
    LiveRig,
    StepClock,
    live_config,
    wave,
)
from tests.support.processes import cpu_seconds, memory_mib
from tests.support.recorded import find_recorded_candles

__all__ = ["AnswerTimes", "LiveWeight", "measure_answers", "measure_weight", "print_live"]

_IDLE_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class AnswerTimes:
    """From the answer that shows a fill to the next order on the wire, milliseconds.

    Attributes:
        count: How many were measured.
        median: Half of them took less.
        p99: 99 of 100 took less.
    """

    count: int
    median: float
    p99: float


@dataclass(frozen=True, kw_only=True)
class LiveWeight:
    """One bot's process.

    Attributes:
        first: Seconds from `dantaro up` to the first order at the exchange.
        half: Resident MiB after half of the looks.
        whole: The same after all of them.
        looks: How many there were.
        idle: Part of a core at a look each five seconds, percent.
    """

    first: float
    half: float
    whole: float
    looks: int
    idle: float


def measure_answers(moves: int = 400) -> AnswerTimes:
    """Move the price about and time what a grid does on its fills."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_exchange(folder / "exchange", EXCHANGE) as exchange:
            rig = LiveRig(
                folder=folder,
                config=live_config(GRID, folder, budget=str(BUDGET)),
                exchange=exchange,
                clock=StepClock(datetime(2025, 9, 2, tzinfo=UTC), speed=1e9),
                key=KEY,
            )
            times = asyncio.run(_answers(rig, moves))
    return AnswerTimes(count=len(times), median=_part(times, 0.5), p99=_part(times, 0.99))


async def _answers(rig: LiveRig, moves: int) -> list[float]:
    await rig.start()
    await rig.settle()
    seen: list[tuple[float, str, str]] = []

    async def note(response: httpx.Response) -> None:
        seen.append((time.perf_counter(), response.request.method, response.request.url.path))

    async def note_sent(request: httpx.Request) -> None:
        if request.method == "POST":
            seen.append((time.perf_counter(), "POST", "sent"))

    rig.listen(note, note_sent)
    for price in wave(3, moves):
        rig.exchange.move_price(price, market=rig.config.symbol)
        await rig.turn()
    await rig.close()
    times, shown = [], None
    for moment, method, path in seen:
        if (method, path) == ("GET", "/v1/order"):
            shown = moment
        elif path == "sent" and shown is not None:
            times.append((moment - shown) * 1000)
            shown = None
    return times


def measure_weight(candles: Path, looks: int = 10_000) -> LiveWeight:
    """Let two bots look often, then seldom."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        with live_day(Path(name) / "often", candles, patch, speed=60, poll_seconds=0.01) as day:
            began = time.monotonic()
            eventually(lambda: day.exchange.pocket().orders, timeout=60)
            first = time.monotonic() - began
            half = _weight(day, looks // 2)
            whole = _weight(day, looks)
        with live_day(Path(name) / "seldom", candles, patch, speed=1, poll_seconds=5) as day:
            eventually(lambda: day.exchange.pocket().orders, timeout=60)
            time.sleep(5)
            bots = children(day.local.pid, "dantaro_runtime")
            used, at = sum(map(cpu_seconds, bots)), time.monotonic()
            time.sleep(_IDLE_SECONDS)
            spent = (sum(map(cpu_seconds, bots)) - used) / (time.monotonic() - at)
    return LiveWeight(
        first=first, half=half, whole=whole, looks=looks, idle=100 * spent / len(bots)
    )


def _weight(day: LiveDay, looks: int) -> float:
    """Return the resident MiB of the heavier bot once both looked so often."""
    eventually(lambda: day.exchange.truth().calls["GET /v1/ticker"] >= 2 * looks, timeout=900)
    return max(memory_mib(pid) for pid in children(day.local.pid, "dantaro_runtime"))


def _part(times: Sequence[float], part: float) -> float:
    return sorted(times)[min(int(len(times) * part), len(times) - 1)]


def print_live() -> None:
    """Print the figures beside their goals."""
    answers = measure_answers()
    print(f"  fill seen to next order sent, ms: median {answers.median:.1f}, ", end="")
    print(f"p99 {answers.p99:.1f} of {answers.count} (goal 50)", flush=True)
    print_starts()
    recorded = find_recorded_candles()
    if recorded is None:
        print(f"  memory not measured: there are no recorded candles at {Path('..', 'shared')}")
        return
    weight = measure_weight(recorded / "upbit")
    print(f"  first order after `dantaro up`, seconds: {weight.first:.1f}")
    print(f"  resident after {weight.looks // 2:,} looks {weight.half:.1f} MiB, ", end="")
    print(f"after {weight.looks:,} {weight.whole:.1f} MiB (goal 56, wished 48), ", end="")
    print(f"grown {weight.whole - weight.half:.1f} MiB between (goal 0)")
    print(f"  at a look each 5 s: {weight.idle:.2f} % of a core (goal 0.5)", flush=True)
    print_freqtrade()


if __name__ == "__main__":
    print_live()
