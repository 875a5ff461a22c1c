"""Local mode picks markets for bots that leave that open, with a real central."""

from pathlib import Path

import pytest

from tests.support.bots import share
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document
from tests.support.local_mode import LocalMode

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

BOTS = ("first", "second")
ACCOUNT = allocation_document(
    shares=[share("GridBot", "btc", 40), *(share("TradingBot", name, 30) for name in BOTS)]
)
BTC = grid_bot_document(
    "btc", lowerPrice="100000000", upperPrice="240000000", grids=20, spacing="Geometric"
)
AUTOS = [trading_bot_document(name, symbol="auto") for name in BOTS]


def symbol_of(mode: LocalMode, name: str) -> str:
    return str(mode.get("tradingbots", name).get("status", {}).get("symbol"))


def is_running(mode: LocalMode, name: str) -> bool:
    return bool(mode.get("tradingbots", name).get("status", {}).get("phase") == "Running")


def test_bots_without_a_market_get_different_ones_and_keep_them(tmp_path: Path) -> None:
    with LocalMode(tmp_path / "bots") as mode:
        mode.write("account.yaml", ACCOUNT)
        mode.write("bots.yaml", BTC, *AUTOS)
        mode.up()
        mode.wait_for(lambda: all(is_running(mode, name) for name in BOTS), "the bots to run")
        given = [symbol_of(mode, name) for name in BOTS]
        assert len({"KRW-BTC", *given}) == 3
        assert [mode.report("tradingbots", name)["symbol"] for name in BOTS] == given
        assert mode.interrupt() == 0
        mode.up()
        mode.wait_for(lambda: len(mode.children()) == 4, "everything to be back")
        mode.wait_for(lambda: all(is_running(mode, name) for name in BOTS), "the bots to run")
        assert [symbol_of(mode, name) for name in BOTS] == given
        assert mode.interrupt() == 0


def test_central_starts_for_a_bot_that_waits_and_a_name_given_later_is_taken_up(
    tmp_path: Path,
) -> None:
    stopped = trading_bot_document("first", symbol="auto", state="Stopped")
    with LocalMode(tmp_path / "bots") as mode:
        mode.write("account.yaml", ACCOUNT)
        mode.write("bots.yaml", stopped)
        mode.up()
        mode.wait_for(lambda: symbol_of(mode, "first").startswith("KRW-"), "a market")
        before = symbol_of(mode, "first")
        other = "KRW-ETH" if before != "KRW-ETH" else "KRW-XRP"
        mode.wait_for(
            lambda: mode.get("tradingbots", "first")["status"]["phase"] == "Stopped", "the process"
        )
        pid = mode.pid_of("dantaro_runtime")
        named = trading_bot_document("first", symbol=other, state="Stopped")
        mode.write("bots.yaml", named)
        mode.wait_for(lambda: symbol_of(mode, "first") == other, f"{other} in place of {before}")
        assert mode.pid_of("dantaro_runtime") == pid
        assert mode.interrupt() == 0
