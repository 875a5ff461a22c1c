"""Local mode through recorded candles, to the end."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.bots import share
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document
from tests.support.local_mode import LocalMode
from tests.support.recorded import recorded_candles

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

MINUTES = 400

ACCOUNT = allocation_document(
    shares=[share("GridBot", "btc", 50), share("TradingBot", "xrp", 50)], budget="10000000"
)
BTC = grid_bot_document("btc", lowerPrice="148000000", upperPrice="154000000", grids=30)
XRP = trading_bot_document(
    "xrp",
    symbol="KRW-XRP",
    strategy={"staged": {"stages": 3, "takeProfitPercent": "0.3", "jitterPercent": "20"}},
)


def same(text: str) -> str:
    return text


def record(folder: Path, *, xrp: Callable[[str], str] = same) -> Path:
    """Return the first hours of September 2025; `xrp` may spoil the minutes of one market."""
    for symbol, spoil in (("KRW-BTC", same), ("KRW-XRP", xrp)):
        source = recorded_candles() / "upbit" / symbol
        made = folder / symbol
        made.mkdir(parents=True)
        lines = gzip.decompress((source / "1m.csv.gz").read_bytes()).decode().splitlines()
        text = spoil("\n".join(lines[: MINUTES + 1]) + "\n")
        (made / "1m.csv.gz").write_bytes(gzip.compress(text.encode()))
        (made / "60m.csv.gz").write_bytes((source / "60m.csv.gz").read_bytes())
    return folder


def results(text: str) -> list[str]:
    """Return the summary of each bot, without its random id."""
    return sorted(set(re.findall(r"^(?:GridBot|TradingBot)/\w+: \d+ fills.*$", text, re.MULTILINE)))


def test_a_replay_ends_by_itself_and_can_be_looked_at(tmp_path: Path) -> None:
    candles = record(tmp_path / "candles")
    options = ("--market", str(candles), "--speed", "max")
    with LocalMode(tmp_path / "one", *options) as mode:
        mode.write("all.yaml", ACCOUNT, BTC, XRP)
        mode.up()
        assert mode.wait_until_over() == 0
        assert mode.children() == []
        assert "The replay is over" in mode.text
        found = results(mode.text)
        assert len(found) == 2
        assert all("at 2025-09-01T06:3" in line for line in found)
        report = mode.report("gridbots", "btc")
        assert int(report["orders"]["filled"]) > 10
        mode.up()
        assert mode.wait_until_over() == 0
        assert results(mode.text) == found


def test_kills_in_the_middle_change_no_figure(tmp_path: Path) -> None:
    candles = record(tmp_path / "candles")
    options = ("--market", str(candles), "--speed", "12000")
    bots = (ACCOUNT, BTC)
    with LocalMode(tmp_path / "calm", "--market", str(candles), "--speed", "max") as calm:
        calm.write("all.yaml", *bots)
        calm.up()
        assert calm.wait_until_over() == 0
        want = results(calm.text)
    with LocalMode(tmp_path / "rough", *options) as rough:
        rough.write("all.yaml", *bots)
        rough.up()
        rough.wait_for(lambda: fills(rough) > 0, "the first fill")
        rough.kill_child("dantaro_runtime")
        rough.wait_for(lambda: len(rough.children()) == 2, "the bot to be back")
        rough.kill_child("dantaro_central")
        rough.wait_for(lambda: len(rough.children()) == 2, "central to be back")
        rough.kill()
        rough.up()
        assert rough.wait_until_over() == 0
        assert results(rough.text)[-1:] == want


def fills(mode: LocalMode) -> int:
    return int(mode.report("gridbots", "btc").get("orders", {}).get("filled", 0))


def test_a_broken_candle_file_takes_out_its_own_market_only(tmp_path: Path) -> None:
    candles = record(tmp_path / "candles", xrp=lambda text: text.replace(",", ";", 1))
    options = ("--market", str(candles), "--speed", "max")
    with LocalMode(tmp_path / "one", *options) as mode:
        mode.write("all.yaml", ACCOUNT, BTC, XRP)
        mode.up()
        assert mode.wait_until_over() == 0
        assert "KRW-XRP/1m.csv.gz, line 1: expected the header" in mode.text
        assert fills(mode) > 10
        assert "Traceback" not in mode.text
