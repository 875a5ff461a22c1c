"""Whatever the market does, grid and staged bot keep to their money, their limits and the rules.

Random candles go through desk and paper market. What must hold after each event stands in
`CheckedReplay`. `make test` takes some ten thousand fills; `DANTARO_TEST_FILLS=1000000` takes more.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.venues import KRW_TICKS, rules_for
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle, SupportLevel, SupportLevels
from tests.support.candles import START
from tests.support.checked_replay import CheckedReplay

FILLS = int(os.environ.get("DANTARO_TEST_FILLS", "4000"))
"""Least number of random fills, all tests together."""
PARTS = {"grid": Decimal("0.88"), "staged": Decimal("0.12")}
"""A staged bot trades less often, so that its fills take longer."""

pytestmark = [pytest.mark.unit, pytest.mark.timeout(60 + FILLS // 50)]
CALM = settings(
    max_examples=10,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
)


def near(price: Decimal, percent: float) -> Decimal:
    return KRW_TICKS.nearest(price * (100 + Decimal(str(round(percent, 4)))) / 100)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A bot and a market, both drawn."""

    config: StrategyConfig
    limits: RiskLimits
    start: Decimal
    seed: int
    minutes: int
    slippage_ticks: int
    others_base: Decimal

    def candles(self, *, gaps: float = 0.1) -> Iterator[Candle]:
        """Yield a random walk with gaps, wicks and candles without a trade."""
        random = Random(f"candles {self.seed}")
        price = self.start
        for minute in range(self.minutes):
            # It wanders, but comes back: far away from the start nothing trades.
            pull = float((self.start - price) / self.start) * 20
            first = near(price, random.uniform(-3, 3)) if random.random() < gaps else price
            last = near(first, random.gauss(pull, 1.5))
            high = near(max(first, last), abs(random.gauss(0, 1)))
            low = near(min(first, last), -abs(random.gauss(0, 1)))
            yield Candle.model_construct(
                time=START + minute * timedelta(minutes=1),
                open=first,
                high=max(high, first, last),
                low=min(low, first, last),
                close=last,
                volume=Decimal(random.random() > 0.05),
            )
            price = last

    def analyses(self) -> Iterator[Analysis]:
        """Yield support levels somewhere below the start, sometimes late."""
        random = Random(f"analyses {self.seed}")
        for number in range(self.minutes // 5 + 1):
            if number and random.random() < 0.1:
                continue
            price = near(self.start, -random.uniform(1, 8))
            level = SupportLevel(window_days=30, price=price)
            yield Analysis(
                data_until=START + number * timedelta(minutes=5),
                support_levels=SupportLevels(aggressive=level, moderate=level, conservative=level),
            )

    def run(self, *, gaps: float = 0.1, **how: Any) -> CheckedReplay:
        """Return the bot at the end of the candles."""
        bot = CheckedReplay(
            self.config,
            Decimal(10_000_000),
            limits=self.limits,
            slippage_ticks=self.slippage_ticks,
            others_base=self.others_base,
            others_quote=Decimal(777),
            **how,
        )
        # Supports are all that a staged bot may wait for: the same walk for each way to run.
        bot.walk(self.candles(gaps=gaps), self.analyses())
        return bot


@st.composite
def grids(draw: st.DrawFn, start: Decimal) -> dict[str, Any]:
    low = draw(st.integers(-60, -5))
    high = draw(st.integers(5, 60))
    grid: dict[str, Any] = {
        "lower_price": str(near(start, low / 10)),
        "upper_price": str(near(start, high / 10)),
        "grids": draw(st.integers(2, max(2, (high - low) // draw(st.sampled_from([4, 8, 12]))))),
        "spacing": draw(st.sampled_from(["Arithmetic", "Geometric"])),
        "trailing_up": draw(st.sampled_from([None, {}, {"limit_price": str(near(start, 8))}])),
    }
    if draw(st.integers(0, 3)) == 0:
        grid["stop_loss"] = str(near(start, low / 10 - draw(st.integers(1, 40)) / 10))
        grid["stop_action"] = draw(st.sampled_from(["Sell", "Keep"]))
    if draw(st.integers(0, 3)) == 0:
        grid["take_profit"] = str(near(start, high / 10 + draw(st.integers(1, 40)) / 10))
    return {"grid": grid}


@st.composite
def stages(draw: st.DrawFn) -> dict[str, Any]:
    stop = draw(st.sampled_from([None, None, "0.5", "3"]))
    return {
        "staged": {
            "stages": draw(st.integers(1, 20)),
            "spacing": draw(st.sampled_from(["Arithmetic", "Geometric"])),
            "sizing": draw(st.sampled_from(["Equal", "Linear", "Geometric"])),
            "geometric_ratio": draw(st.sampled_from(["1", "1.3"])),
            "take_profit_percent": draw(st.sampled_from(["0.1", "0.5", "1.5"])),
            "stop_loss_percent": stop,
            "jitter_percent": draw(st.sampled_from(["0", "25", "49"])),
        }
    }


@st.composite
def limits(draw: st.DrawFn) -> RiskLimits:
    if draw(st.integers(0, 2)):
        return RiskLimits(max_orders_per_minute=600)
    return RiskLimits(
        max_order_value=draw(st.sampled_from([None, Decimal(400_000)])),
        max_position_percent=draw(st.sampled_from([None, Decimal(30), Decimal(70)])),
        max_daily_loss_percent=draw(st.sampled_from([None, Decimal(2)])),
        max_drawdown_percent=draw(st.sampled_from([None, Decimal(3)])),
        max_orders_per_minute=draw(st.sampled_from([None, 7, 100])),
        flatten_on_trip=draw(st.booleans()),
    )


@st.composite
def trials(draw: st.DrawFn, strategy: str) -> Trial:
    start = Decimal(draw(st.sampled_from(["3240", "152300000", "412", "9990"])))
    made = grids(start) if strategy == "grid" else stages()
    return Trial(
        config=StrategyConfig.model_validate(draw(made)),
        limits=draw(limits()),
        start=start,
        seed=draw(st.integers(0, 2**32)),
        minutes=draw(st.integers(20, 60 if strategy == "grid" else 120)),
        slippage_ticks=draw(st.integers(0, 2)),
        others_base=Decimal(draw(st.sampled_from(["0", "12.5"]))),
    )


class Enough:
    """Counts fills until there are enough."""

    def __init__(self, wanted: int) -> None:
        self.left = wanted
        self.fills = 0

    def count(self, *bots: CheckedReplay) -> None:
        number = sum(len(bot.fills) for bot in bots)
        self.fills += number
        self.left -= number


def same_fills(bots: Iterable[CheckedReplay]) -> None:
    plain, *others = bots
    for bot in others:
        assert bot.fills == plain.fills
        assert bot.desk.state == plain.desk.state
        assert tuple(bot.desk.orders) == tuple(plain.desk.orders)
        assert bot.curve == plain.curve


@pytest.mark.parametrize("strategy", ["grid", "staged"])
def test_a_restart_anywhere_gives_the_orders_of_no_restart(strategy: str) -> None:
    enough = Enough(int(PARTS[strategy] * FILLS / 2))

    @CALM
    @given(trials(strategy), st.sampled_from([0.02, 0.02, 0.3, 1]), st.integers(0, 2**32))
    def look(trial: Trial, part: float, seed: int) -> None:
        random = Random(seed)
        plain = trial.run()
        killed = trial.run(killed_after=lambda _: random.random() < part)
        enough.count(plain, killed)
        same_fills((plain, killed))

    while enough.left > 0:
        look()
    print(f"{enough.fills} fills")


@pytest.mark.parametrize("strategy", ["grid", "staged"])
def test_a_step_done_twice_changes_nothing(strategy: str) -> None:
    enough = Enough(int(PARTS[strategy] * FILLS / 4))

    @CALM
    @given(trials(strategy))
    def look(trial: Trial) -> None:
        twice = trial.run(is_twice=True)
        enough.count(twice)

    while enough.left > 0:
        look()
    print(f"{enough.fills} fills")


@pytest.mark.parametrize("strategy", ["grid", "staged"])
def test_the_order_in_which_fills_of_one_move_are_told_does_not_matter(strategy: str) -> None:
    enough = Enough(int(PARTS[strategy] * FILLS / 4))

    @CALM
    @given(trials(strategy), st.integers(0, 2**32))
    def look(trial: Trial, seed: int) -> None:
        # A limit on orders a minute lets the first ones through: there the order does matter.
        trial = replace(trial, limits=RiskLimits(max_orders_per_minute=600))
        plain = trial.run()
        mixed = trial.run(shuffled=Random(seed))
        enough.count(plain, mixed)
        assert sorted(map(_deal, mixed.fills)) == sorted(map(_deal, plain.fills))
        assert mixed.desk.state == plain.desk.state
        assert mixed.live_orders() == plain.live_orders()
        assert mixed.curve == plain.curve

    while enough.left > 0:
        look()
    print(f"{enough.fills} fills")


@CALM
@given(trials("grid"), st.integers(2, 6))
def test_with_a_cap_only_so_many_orders_stand_and_no_rule_is_broken(trial: Trial, cap: int) -> None:
    trial = replace(trial, limits=RiskLimits(max_orders_per_minute=600))
    rules = replace(rules_for("paper", "KRW-BTC"), max_open_orders=cap)
    free, capped = trial.run(), trial.run(rules=rules)
    assert len(capped.desk.orders) <= cap
    if not free.fills:
        assert not capped.fills


def _deal(fill: Any) -> tuple[Any, ...]:
    return (fill.time, fill.side, fill.price, fill.volume, fill.fee, fill.maker)
