"""A day of live trading by `dantaro up` on the exchange emulator, undisturbed and with kills."""

import os
import random
import time
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.live_day import START, LiveDay, live_day
from tests.support.recorded import recorded_candles

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1800)]

HOURS = float(os.environ.get("DANTARO_TEST_LIVE_HOURS", "2"))
SPEED = int(os.environ.get("DANTARO_TEST_LIVE_SPEED", "240"))
KILLS = int(os.environ.get("DANTARO_TEST_LIVE_KILLS", "6"))


def end(day: LiveDay) -> Counter[str]:
    """Let the prices stand and wait until the books are the exchange's; return what happened."""
    day.freeze()
    try:
        eventually(lambda: not day.differences(), timeout=40)
    except AssertionError as error:
        raise AssertionError(f"{day.differences()}\n{day.local.text[-3000:]}") from error
    assert day.leaks() == []
    pocket = day.exchange.pocket()
    return Counter(order["market"] for order in pocket.orders for _ in order["trades"])


def test_the_profit_of_a_day_is_the_exchanges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candles = recorded_candles() / "upbit"
    with live_day(tmp_path, candles, monkeypatch, speed=SPEED) as day:
        until = START + timedelta(hours=HOURS)
        eventually(lambda: day.time() >= until, timeout=60 + HOURS * 3600 / SPEED)
        trades = end(day)
        prices, pocket = day.exchange.truth().prices, day.exchange.pocket()
        equity = pocket.total("KRW") + sum(
            pocket.total(code.removeprefix("KRW-")) * price for code, price in prices.items()
        )
        print(f"{HOURS:g} h: {dict(trades)} executions, equity {equity}")
        assert trades["KRW-XRP"] > HOURS

        def told() -> Decimal:
            reports = (
                day.local.report("gridbots", "grid"),
                day.local.report("tradingbots", "staged"),
            )
            return sum((Decimal(report["equity"]) for report in reports), Decimal(0))

        day.local.wait_for(lambda: told() == equity, f"the reports to say {equity}")
        assert day.local.interrupt() == 0


def test_kills_of_every_process_lose_and_double_no_live_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    candles, rng = recorded_candles() / "upbit", random.Random(7)
    with live_day(tmp_path, candles, monkeypatch, speed=60) as day:
        eventually(lambda: any(b.resting for b in day.books().values()), timeout=90)
        for victim in (["bot", "bot", "central", "up"] * KILLS)[:KILLS]:
            time.sleep(rng.uniform(0.3, 2.5))
            day.kill_one(victim, rng)
        trades = end(day)
        print(f"{KILLS} kills: {dict(trades)} executions")
        assert day.exchange.pocket().orders
