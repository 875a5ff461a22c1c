"""A bot that is killed at any commit and started again ends as one that never was."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bundle import Candle
from tests.support.bot_rig import BotRig, CandleCentral, Killed, candle, make_config

pytestmark = pytest.mark.unit

GRID = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}
STOPPING_GRID = {"grid": {**GRID["grid"], "stopLoss": "2950", "takeProfit": "3600"}}
TRAILING_GRID = {"grid": {**GRID["grid"], "trailingUp": {}}}
STAGED = {"staged": {"stages": 4, "stopLossPercent": "2", "jitterPercent": "20"}}


def walk(seed: int, minutes: int) -> list[Candle]:
    """Return a seeded random walk of candles around 3200, with some empty minutes."""
    rng = random.Random(seed)
    price, candles = 3240, []
    for minute in range(minutes):
        opened = price + rng.randint(-15, 15)
        close = opened + rng.randint(-110, 110) + (3250 - opened) // 12
        high = max(opened, close) + rng.randint(0, 40)
        low = min(opened, close) - rng.randint(0, 40)
        volume = "0" if rng.random() < 0.05 else "1"
        candles.append(candle(minute, f"{opened} {high} {low} {close}", volume))
        price = close
    return candles


@pytest.fixture
def rigs(tmp_path: Path) -> Iterator["Rigs"]:
    made = Rigs(tmp_path)
    yield made
    for rig in made.all:
        rig.close()


class Rigs:
    """Makes rigs in folders of their own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.all: list[BotRig] = []

    def make(self, config: BotConfig, candles: list[Candle], page: int = 40) -> BotRig:
        folder = self.root / str(len(self.all))
        folder.mkdir()
        rig = BotRig(
            folder=folder, config=config, central=CandleCentral(candles=candles, page=page)
        )
        self.all.append(rig)
        return rig


@pytest.mark.parametrize(
    ("strategy", "seed"),
    [
        pytest.param(GRID, 1, id="grid"),
        pytest.param(STOPPING_GRID, 2, id="grid-with-stop-and-take-profit"),
        pytest.param(TRAILING_GRID, 3, id="trailing-grid"),
        pytest.param(STAGED, 4, id="staged"),
    ],
)
async def test_a_kill_at_any_commit_changes_nothing(
    rigs: Rigs, strategy: dict[str, object], seed: int
) -> None:
    candles = walk(seed, 240)
    config = make_config(strategy)
    undisturbed = rigs.make(config, candles)
    undisturbed.start()
    await undisturbed.run()
    want = undisturbed.outcome()
    assert len(want["fills"]) > 10
    rng = random.Random(seed)
    points = rng.sample(range(1, undisturbed.commits), 12)
    for point in points:
        rig = rigs.make(config, candles, page=rng.choice([7, 40, 500]))
        for after in (False, True):
            rig.start(dies_at=point, after=after)
            with pytest.raises(Killed):
                await rig.run()
        rig.start()
        await rig.run()
        assert rig.outcome() == want, f"killed at commit {point}"


async def test_page_size_changes_nothing(rigs: Rigs) -> None:
    candles = walk(7, 300)
    outcomes = []
    for page in (1, 33, 500):
        rig = rigs.make(make_config(GRID), candles, page=page)
        rig.start()
        await rig.run()
        outcomes.append(rig.outcome())
    assert outcomes[0] == outcomes[1] == outcomes[2]


async def test_starting_again_with_nothing_new_writes_nothing(rigs: Rigs) -> None:
    rig = rigs.make(make_config(GRID), walk(8, 60))
    rig.start()
    await rig.run()
    before = rig.outcome()
    rig.start()
    await rig.run()
    assert rig.outcome() == before
