"""Local mode with a real central and real bots on the simulated market."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.bots import share
from tests.support.documents import allocation_document, grid_bot_document
from tests.support.local_mode import LocalMode, run_dantaro

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120)]

RANGE = {"lowerPrice": "100000000", "upperPrice": "240000000", "grids": 20, "spacing": "Geometric"}
ACCOUNT = allocation_document(
    shares=[share("GridBot", "btc", 40), share("GridBot", "sol", 40)], budget="10000000"
)
BTC = grid_bot_document("btc", **RANGE)
SOL = grid_bot_document(
    "sol", **(RANGE | {"symbol": "KRW-SOL", "lowerPrice": "180000", "upperPrice": "500000"})
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bots"


def trades(mode: LocalMode, name: str) -> bool:
    status = mode.get("gridbots", name).get("status", {})
    return status.get("phase") == "Running" and int(status.get("orders", {}).get("open", 0)) > 0


def budget_of(mode: LocalMode, name: str) -> str:
    return str(mode.get("gridbots", name)["status"].get("budget"))


def phase_of(mode: LocalMode, name: str) -> str:
    return str(mode.get("gridbots", name).get("status", {}).get("phase"))


def start(mode: LocalMode, *bots: dict[str, Any]) -> None:
    mode.write("account.yaml", ACCOUNT)
    mode.write("bots.yaml", *bots)
    mode.up()
    for bot in bots:
        name = bot["metadata"]["name"]
        mode.wait_for(lambda name=name: trades(mode, name), f"{name} to trade")  # type: ignore[misc]


def test_edits_reach_only_the_bot_concerned(folder: Path) -> None:
    with LocalMode(folder) as mode:
        start(mode, BTC, SOL)
        pids = sorted(mode.children())
        config = next(folder.glob(".dantaro/bots/gridbot-default-sol-*/config.json"))
        before = config.read_bytes()

        mode.write("bots.yaml", BTC | {"spec": BTC["spec"] | {"state": "Stopped"}}, SOL)
        mode.wait_for(lambda: phase_of(mode, "btc") == "Stopped", "btc to stop")
        assert mode.get("gridbots", "btc")["status"]["orders"]["open"] == 0
        assert phase_of(mode, "sol") == "Running"

        shares = [share("GridBot", "btc", 50), share("GridBot", "sol", 40)]
        mode.write("account.yaml", allocation_document(shares=shares))
        mode.wait_for(lambda: budget_of(mode, "btc") == "5000000", "the new share")

        mode.write("bots.yaml", BTC, SOL)
        mode.wait_for(lambda: trades(mode, "btc"), "btc to trade again")
        assert sorted(mode.children()) == pids
        assert config.read_bytes() == before
        assert mode.interrupt() == 0


def test_a_deleted_bot_cancels_its_orders_and_goes(folder: Path) -> None:
    with LocalMode(folder) as mode:
        start(mode, BTC, SOL)
        uid = mode.get("gridbots", "btc")["metadata"]["uid"]
        mode.write("bots.yaml", SOL)
        mode.wait_for(lambda: not mode.get("gridbots", "btc"), "btc to be gone")
        assert list(folder.glob(".dantaro/bots/*-btc-*")) == []
        assert [path.name for path in folder.glob(".dantaro/deleted/*")] == [
            f"gridbot-default-btc-{uid[:8]}"
        ]
        assert phase_of(mode, "sol") == "Running"
        assert len(mode.children()) == 2


def test_wrong_input_is_told_and_everything_goes_on(folder: Path) -> None:
    with LocalMode(folder) as mode:
        start(mode, BTC)
        for name, text, want in (
            ("bots.yaml", "a: b: c", "bots.yaml:1: YAML syntax"),
            ("new.yaml", "kind: GridBot\napiVersion: dantaro.io/v1alpha1", "new.yaml:1: GridBot"),
        ):
            (folder / name).write_text(text)
            mode.wait_for(lambda want=want: want in mode.text, want)  # type: ignore[misc]
        mode.write("taken.yaml", grid_bot_document("sol", **RANGE))
        mode.wait_for(lambda: phase_of(mode, "sol") == "Pending", "sol to be refused")
        status = mode.get("gridbots", "sol")["status"]
        assert "trades KRW-BTC" in status["message"]
        assert trades(mode, "btc")
        assert "Traceback" not in mode.text


def test_what_is_killed_comes_back_with_its_orders(folder: Path) -> None:
    with LocalMode(folder) as mode:
        start(mode, BTC)
        bot, central = mode.pid_of("dantaro_runtime"), mode.pid_of("dantaro_central")
        mode.kill_child("dantaro_runtime")
        mode.wait_for(lambda: mode.children().count(bot) == 0, "the bot to be gone")
        mode.wait_for(lambda: len(mode.children()) == 2, "the bot to be back")
        mode.kill_child("dantaro_central")
        mode.wait_for(lambda: central not in mode.children(), "central to be gone")
        mode.wait_for(lambda: len(mode.children()) == 2, "central to be back")
        mode.wait_for(lambda: trades(mode, "btc"), "btc to trade again")
        assert mode.interrupt() == 0


def test_a_killed_up_leaves_no_orphan_and_the_next_goes_on(folder: Path) -> None:
    with LocalMode(folder) as mode:
        start(mode, BTC)
        before = mode.get("gridbots", "btc")["metadata"]
        orders = {o["clientId"] for o in mode.report("gridbots", "btc")["openOrders"]}
        mode.kill()
        mode.wait_for(lambda: not mode.children(), "all children to be gone")
        mode.up()
        mode.wait_for(lambda: len(mode.children()) == 2, "everything to be back")
        mode.wait_for(lambda: trades(mode, "btc"), "btc to trade again")
        after = mode.report("gridbots", "btc")
        assert mode.get("gridbots", "btc")["metadata"] == before
        assert len(orders & {order["clientId"] for order in after["openOrders"]}) >= 15
        assert mode.interrupt() == 0
        assert mode.children() == []
        assert "Go on with: dantaro up" in mode.text


def test_a_second_up_on_the_same_folder_is_refused(folder: Path) -> None:
    with LocalMode(folder) as mode:
        start(mode, BTC)
        second = run_dantaro("up", str(folder))
        assert second.returncode == 1
        assert "another `dantaro up` (process " in second.stderr
        shown = run_dantaro("get", "gb", "--dir", str(folder))
        assert "btc" in shown.stdout
        assert shown.stderr == ""
        assert (folder / ".dantaro" / ".gitignore").read_text() == "*\n"
        assert (folder / ".dantaro" / "central" / "key").stat().st_mode & 0o077 == 0
        assert mode.interrupt() == 0
        other = run_dantaro("up", str(folder), "--market", "upbit")
        assert other.returncode == 1
        assert "this folder's bots live on the market simulated" in other.stderr
