"""Kill -9 bots, central and `dantaro up` itself: the end is that of an undisturbed replay."""

import os
from pathlib import Path

import pytest

from tests.support.kill_run import KillRun, outcomes
from tests.support.recorded import recorded_candles

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "02-replay"
KILLS = int(os.environ.get("DANTARO_TEST_KILLS", "6"))
SPEED = os.environ.get("DANTARO_TEST_KILL_SPEED", "200000")


def test_kills_change_no_order_and_no_balance(tmp_path: Path) -> None:
    candles = recorded_candles() / "upbit"
    undisturbed = KillRun(source=EXAMPLE, folder=tmp_path / "undisturbed", candles=candles)
    undisturbed.run()
    want = outcomes(undisturbed.folder)
    assert min(len(outcome["fills"]) for outcome in want.values()) > 20
    killed = KillRun(source=EXAMPLE, folder=tmp_path / "killed", candles=candles, speed=SPEED)
    killed.run(kills=KILLS, seed=1)
    print(f"killed: {dict(killed.killed)}")
    assert sum(killed.killed.values()) == KILLS
    assert outcomes(killed.folder) == want
