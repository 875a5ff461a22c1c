"""A bot on the exchange emulator: the ledger equals the exchange's books, whatever happens."""

import os
import random
from typing import Any

import pytest

from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.config import Rules
from tests.support.exchange.faults import FaultKind
from tests.support.live_rig import GRID, STAGED, LiveRig, assert_true, wave

pytestmark = pytest.mark.integration

SEEDS = range(int(os.environ.get("DANTARO_TEST_LIVE_SEEDS", "2")))
"""Of the kill test; each is about 60 kills with each strategy."""

TROUBLES = [
    (kind, method)
    for kind in (FaultKind.LOSE_AFTER, FaultKind.LOSE_BEFORE, FaultKind.ERROR_AFTER)
    for method in ("POST", "DELETE", "GET")
] + [(FaultKind.CANCEL_FILLS, "DELETE")]


async def test_a_grid_trades_and_its_ledger_is_the_exchanges(live_rig: LiveRig) -> None:
    rig = live_rig
    await rig.walk(wave(1, 40))
    await rig.settle()

    assert_true(rig)
    pocket = rig.exchange.pocket()
    assert rig.failures == 0
    assert sum(row["state"] == "done" for row in pocket.orders) > 10
    assert all(count == 1 for count in pocket.posts.values())


@pytest.mark.parametrize("strategy", [GRID, STAGED], ids=["grid", "staged"])
@pytest.mark.parametrize("seed", range(3))
async def test_lost_answers_lose_and_double_no_order(
    make_live_rig: MakeLiveRig, strategy: dict[str, Any], seed: int
) -> None:
    rig = await make_live_rig(strategy)
    for kind in (FaultKind.LOSE_AFTER, FaultKind.LOSE_BEFORE, FaultKind.ERROR_AFTER):
        for method in ("POST", "DELETE", "GET"):
            rig.exchange.add_fault(
                kind, method=method, path="/v1/order", count=None, probability=0.1, seed=seed
            )
    await rig.walk(wave(seed, 40))
    rig.exchange.clear_faults()
    await rig.settle()

    assert_true(rig)


@pytest.mark.parametrize("strategy", [GRID, STAGED], ids=["grid", "staged"])
@pytest.mark.parametrize("seed", SEEDS)
async def test_kills_anywhere_lose_and_double_no_order(
    make_live_rig: MakeLiveRig, strategy: dict[str, Any], seed: int
) -> None:
    rig, rng = await make_live_rig(strategy), random.Random(seed)

    def rearm() -> None:
        rig.die_soon(rng)

    rearm()
    rig.exchange.set_rules(Rules(partial=rng.choice([0, 0.4]), seed=seed))
    for kind, method in TROUBLES:
        rig.exchange.add_fault(
            kind, method=method, path="/v1/order", count=None, probability=0.06, seed=seed
        )
    rig.exchange.add_fault(
        FaultKind.STALE,
        method="POST",
        path="/v1/orders",
        count=None,
        probability=0.1,
        seconds=0.005,
    )
    await rig.walk(wave(seed, 60), rearm=rearm)
    rig.exchange.clear_faults()
    await rig.start()
    await rig.settle(12)

    print(f"seed {seed}: {rig.deaths} kills, {len(rig.exchange.pocket().trades)} executions")
    assert_true(rig)
    assert rig.deaths > 10
