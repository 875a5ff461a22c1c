"""Bots that trade on indicators, through recorded candles and a real central."""

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.support.bots import share
from tests.support.documents import allocation_document, trading_bot_document
from tests.support.local_mode import LocalMode
from tests.support.recorded import first_days

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

DAYS = 6
VOTED, BROKEN_OUT = "KRW-XRP", "KRW-SOL"

ACCOUNT = allocation_document(
    shares=[share("TradingBot", name, 50) for name in ("votes", "breaks")], budget="10000000"
)
VOTES = trading_bot_document(
    "votes",
    symbol=VOTED,
    interval="15m",
    strategy={"signal": {"entryThreshold": "0.4", "exitThreshold": "0.4", "minConfidence": "0.3"}},
)
BREAKS = trading_bot_document(
    "breaks",
    symbol=BROKEN_OUT,
    interval="60m",
    strategy={"breakout": {"k": "0.3", "squeezeGate": False, "volumeGate": False}},
)


def stored_indicators(mode: LocalMode) -> list[tuple[str, ...]]:
    """Return every row of indicators that central stored."""
    database = mode.folder / ".dantaro" / "central" / "central.db"
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "SELECT symbol, interval, data_until, body FROM indicators ORDER BY 1, 2, 3"
        ).fetchall()


def filled(mode: LocalMode, name: str) -> int:
    return int(mode.report("tradingbots", name).get("orders", {}).get("filled", 0))


def has_more(mode: LocalMode, before: int) -> bool:
    return filled(mode, "votes") > before


def test_bots_buy_and_sell_by_indicators_and_kills_change_none_of_them(tmp_path: Path) -> None:
    candles = first_days(tmp_path / "candles", VOTED, BROKEN_OUT, days=DAYS)
    with LocalMode(tmp_path / "calm", "--market", str(candles), "--speed", "max") as calm:
        calm.write("all.yaml", ACCOUNT, VOTES, BREAKS)
        calm.up()
        assert calm.wait_until_over(timeout=100) == 0
        assert filled(calm, "votes") >= 2, calm.text[-2000:]
        assert filled(calm, "breaks") >= 2, calm.text[-2000:]
        want = stored_indicators(calm)
    with LocalMode(tmp_path / "rough", "--market", str(candles), "--speed", "60000") as rough:
        rough.write("all.yaml", ACCOUNT, VOTES, BREAKS)
        rough.up()
        for _ in range(2):
            before = filled(rough, "votes")
            rough.wait_for(partial(has_more, rough, before), "a fill")
            rough.kill_child("dantaro_central")
            rough.wait_for(lambda: len(rough.children()) == 3, "central to be back")
        assert rough.wait_until_over(timeout=100) == 0
        assert stored_indicators(rough) == want
        for name in ("votes", "breaks"):
            assert filled(rough, name) == filled(calm, name)
