"""A bot that is killed at any commit and started again ends as one that never was."""

import contextlib
import random

import pytest

from dantaro_crds.wire.bundle import Candle
from tests.integration.runtime.conftest import MakeRig
from tests.support.bot_rig import Killed, candle, make_config

pytestmark = pytest.mark.integration

GRID = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}
STOPPING_GRID = {"grid": {**GRID["grid"], "stopLoss": "2950", "takeProfit": "3600"}}
TRAILING_GRID = {"grid": {**GRID["grid"], "trailingUp": {}}}
STAGED = {"staged": {"stages": 4, "stopLossPercent": "2", "jitterPercent": "20"}}


def walk(seed: int, minutes: int, *, start: int = 0) -> list[Candle]:
    """Return a seeded random walk of candles around 3200, with some empty minutes."""
    rng = random.Random(seed)
    price, candles = 3240, []
    for minute in range(start, start + minutes):
        opened = price + rng.randint(-15, 15)
        close = opened + rng.randint(-110, 110) + (3250 - opened) // 12
        high = max(opened, close) + rng.randint(0, 40)
        low = min(opened, close) - rng.randint(0, 40)
        volume = "0" if rng.random() < 0.05 else "1"
        candles.append(candle(minute, f"{opened} {high} {low} {close}", volume))
        price = close
    return candles


@pytest.mark.parametrize(
    ("store_kind", "strategy", "seed"),
    [
        pytest.param("sqlite", GRID, 1, id="grid"),
        pytest.param("sqlite", STOPPING_GRID, 2, id="grid-with-stop-and-take-profit"),
        pytest.param("sqlite", TRAILING_GRID, 3, id="trailing-grid"),
        pytest.param("sqlite", STAGED, 4, id="staged"),
        pytest.param("postgresql", STOPPING_GRID, 2, id="grid-on-postgresql"),
        pytest.param("postgresql", STAGED, 4, id="staged-on-postgresql"),
    ],
)
async def test_a_kill_at_any_commit_changes_nothing(
    make_rig: MakeRig, strategy: dict[str, object], seed: int
) -> None:
    candles = walk(seed, 160)
    config = make_config(strategy)
    undisturbed = make_rig(config, candles)
    undisturbed.start()
    await undisturbed.run()
    want = undisturbed.outcome()
    assert len(want["fills"]) > 10
    rng = random.Random(seed)
    points = rng.sample(range(1, undisturbed.commits), 8)
    for point in points:
        rig = make_rig(config, candles, page=rng.choice([7, 40, 500]))
        rig.start(dies_at=point, after=rng.random() < 0.5)
        with pytest.raises(Killed):
            await rig.run()
        for after in (False, True):
            # Recovery itself is killed too: soon after the start, before and after a commit.
            rig.start(dies_at=rng.randint(2, 9), after=after)
            with contextlib.suppress(Killed):
                await rig.run()
        rig.start()
        await rig.run()
        assert rig.outcome() == want, f"killed at commit {point}"


@pytest.mark.parametrize(
    ("strategy", "seed"),
    [pytest.param(TRAILING_GRID, 5, id="grid"), pytest.param(STAGED, 9, id="staged")],
)
async def test_a_kill_around_midnight_changes_nothing_of_the_limits(
    make_rig: MakeRig, strategy: dict[str, object], seed: int
) -> None:
    # The trading day of Seoul starts at minute 900.
    candles = walk(seed, 40, start=875)
    risk = {"maxDailyLossPercent": "1", "maxDrawdownPercent": "5"}
    config = make_config(strategy, risk=risk)
    undisturbed = make_rig(config, candles)
    undisturbed.start()
    await undisturbed.run()
    want = undisturbed.outcome()
    assert undisturbed.rows("SELECT 1 FROM engine_events WHERE reason = 'DailyLoss'")
    for point in range(1, undisturbed.commits + 1):
        rig = make_rig(config, candles)
        rig.start(dies_at=point)
        with contextlib.suppress(Killed):
            await rig.run()
        rig.start()
        await rig.run()
        assert rig.outcome() == want, f"killed at commit {point}"
        rig.close()


async def test_a_kill_forgets_no_peak_of_a_quiet_candle(make_rig: MakeRig) -> None:
    prices = ("3240", "3290", "3250", "3140", "3090")
    candles = [candle(minute, " ".join([price] * 4)) for minute, price in enumerate(prices)]
    config = make_config(GRID, risk={"maxDrawdownPercent": "1"})
    undisturbed = make_rig(config, candles)
    undisturbed.start()
    await undisturbed.run()
    assert undisturbed.rows("SELECT 1 FROM engine_events WHERE reason = 'MaxDrawdown'")
    for point in range(1, undisturbed.commits + 1):
        rig = make_rig(config, candles)
        rig.start(dies_at=point)
        with contextlib.suppress(Killed):
            await rig.run()
        rig.start()
        await rig.run()
        assert rig.outcome() == undisturbed.outcome(), f"killed at commit {point}"


async def test_page_size_changes_nothing(make_rig: MakeRig) -> None:
    candles = walk(7, 300)
    outcomes = []
    for page in (1, 33, 500):
        rig = make_rig(make_config(GRID), candles, page=page)
        rig.start()
        await rig.run()
        outcomes.append(rig.outcome())
    assert outcomes[0] == outcomes[1] == outcomes[2]


async def test_starting_again_with_nothing_new_writes_nothing(make_rig: MakeRig) -> None:
    rig = make_rig(make_config(GRID), walk(8, 60))
    rig.start()
    await rig.run()
    before = rig.outcome()
    rig.start()
    await rig.run()
    assert rig.outcome() == before
