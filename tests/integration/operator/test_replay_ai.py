"""A bot that does what the analyst says, through recorded candles and a real central."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.bots import share
from tests.support.documents import allocation_document, trading_bot_document
from tests.support.local_mode import LocalMode
from tests.support.recorded import first_days

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

DAYS = 4
SYMBOL = "KRW-SOL"

ACCOUNT = allocation_document(shares=[share("TradingBot", "ai", 50)], budget="10000000")
AI = trading_bot_document("ai", symbol=SYMBOL, strategy={"ai": {"minConfidence": "0.7"}})


def decisions(mode: LocalMode) -> list[tuple[str, ...]]:
    """Return every decision that central stored."""
    database = mode.folder / ".dantaro" / "central" / "central.db"
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT * FROM decisions ORDER BY symbol, data_until").fetchall()


def filled(mode: LocalMode) -> int:
    return int(mode.report("tradingbots", "ai").get("orders", {}).get("filled", 0))


def result(mode: LocalMode) -> dict[str, object]:
    """Return what a run led to."""
    report = mode.report("tradingbots", "ai")
    return {name: report.get(name) for name in ("orders", "performance", "balance", "position")}


def test_the_rules_decide_each_hour_and_the_bot_acts_and_kills_change_nothing(
    tmp_path: Path,
) -> None:
    candles = first_days(tmp_path / "candles", SYMBOL, days=DAYS)
    with LocalMode(tmp_path / "calm", "--market", str(candles), "--speed", "max") as calm:
        calm.write("all.yaml", ACCOUNT, AI)
        calm.up()
        assert calm.wait_until_over(timeout=100) == 0
        want, made = result(calm), decisions(calm)
        assert filled(calm) >= 2, calm.text[-2000:]
    assert len(made) == DAYS * 24 + 1
    assert {row[2] for row in made} == {"Buy", "Sell", "Hold"}
    with LocalMode(tmp_path / "rough", "--market", str(candles), "--speed", "60000") as rough:
        rough.write("all.yaml", ACCOUNT, AI)
        rough.up()
        rough.wait_for(lambda: filled(rough) >= 1, "the first fill")
        rough.kill_child("dantaro_central")
        rough.wait_for(lambda: len(rough.children()) == 2, "central to be back")
        assert rough.wait_until_over(timeout=100) == 0
        assert (result(rough), decisions(rough)) == (want, made)
