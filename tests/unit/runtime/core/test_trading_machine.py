"""A bot and its twin: whatever market and owner do, one of them is killed in between.

Both must have the same orders, fills and books, and keep to the rules after every event.
"""

import os
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.venues import KRW_TICKS
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle, SupportLevel, SupportLevels
from dantaro_runtime.core.permit import Wishes
from tests.support.candles import START
from tests.support.checked_replay import CheckedReplay

pytestmark = pytest.mark.unit

EXAMPLES = int(os.environ.get("DANTARO_TEST_EXAMPLES", "20"))
SETTINGS = settings(max_examples=EXAMPLES, stateful_step_count=40, database=None)

CENTRE = Decimal(3240)
POINTS = st.integers(-80, 80)
"""Of a candle: distance from the centre in tenths of a percent."""

GRIDS: list[dict[str, Any]] = [
    {"lower_price": "3000", "upper_price": "3500", "grids": 5},
    {"lower_price": "3100", "upper_price": "3400", "grids": 12, "stop_loss": "3050"},
    {"lower_price": "3200", "upper_price": "3300", "grids": 4, "trailing_up": {}},
    {"lower_price": "3200", "upper_price": "3300", "grids": 4, "take_profit": "3400"},
    {"lower_price": "3000", "upper_price": "3500", "grids": 5, "stop_loss": "2950"},
]
STAGED: list[dict[str, Any]] = [
    {"take_profit_percent": "0.5", "stop_loss_percent": "1"},
    {"stages": 9, "take_profit_percent": "0.3", "jitter_percent": "30"},
    {"stages": 1, "take_profit_percent": "0.2", "stop_loss_percent": "2"},
]


def price(tenths: int) -> Decimal:
    return KRW_TICKS.nearest(CENTRE * (1000 + tenths) / 1000)


class TwinMachine(RuleBasedStateMachine):
    """What can happen to a bot."""

    choices: list[dict[str, Any]] = GRIDS
    strategy = "grid"

    def __init__(self) -> None:
        super().__init__()
        self.minute = 0
        self.twins: tuple[CheckedReplay, ...] = ()
        self.wishes = Wishes(running=True)
        self.resets = 0

    @initialize(data=st.data(), slippage=st.integers(0, 2), others=st.sampled_from(["0", "9.5"]))
    def start(self, data: st.DataObject, slippage: int, others: str) -> None:
        config = self._config(data.draw(st.sampled_from(self.choices)))
        limits = data.draw(
            st.sampled_from(
                [
                    RiskLimits(),
                    RiskLimits(max_drawdown_percent=Decimal(2), flatten_on_trip=True),
                    RiskLimits(max_daily_loss_percent=Decimal(1), max_orders_per_minute=9),
                    RiskLimits(max_position_percent=Decimal(40)),
                ]
            )
        )
        self.twins = tuple(
            CheckedReplay(
                config,
                Decimal(1_000_000),
                limits=limits,
                slippage_ticks=slippage,
                others_base=Decimal(others),
            )
            for _ in range(2)
        )

    @rule(points=st.tuples(POINTS, POINTS, POINTS, POINTS), skipped=st.integers(0, 200))
    def candle(self, points: tuple[int, int, int, int], skipped: int) -> None:
        """A candle; sometimes after a pause, in which limits and pauses of the bot may end."""
        first, last, *wicks = (price(point) for point in points)
        self.minute += 1 if skipped < 180 else skipped
        time = START + self.minute * timedelta(minutes=1)
        candle = Candle(
            time=time,
            open=first,
            close=last,
            high=max(first, last, *wicks),
            low=min(first, last, *wicks),
            volume=Decimal(1),
        )
        level = SupportLevel(window_days=30, price=price(-60))
        levels = SupportLevels(aggressive=level, moderate=level, conservative=level)
        # An analysis that is late keeps new entries away.
        age = timedelta(minutes=self.minute % 20)
        for bot in self.twins:
            bot.consume(candle, Analysis(data_until=time - age, support_levels=levels))

    @rule()
    def kill(self) -> None:
        """The second twin is built anew from its store."""
        self.twins[1].restart()
        self._settle()

    @rule()
    def look_again(self) -> None:
        """Nothing happened: nothing changes."""
        self._settle()

    @rule(halt=st.booleans(), running=st.sampled_from([True, True, False]))
    def wish(self, halt: bool, running: bool) -> None:
        """The owner halts, pauses, or lets it go on."""
        self.wishes = Wishes(running=running, halt=halt)
        for bot in self.twins:
            bot.wishes = self.wishes
            bot.desk.set_wishes(self.wishes)
        self._settle()

    @precondition(lambda self: self.minute)
    @rule()
    def flatten(self) -> None:
        """Everything is to be sold."""
        for bot in self.twins:
            bot.desk.flatten()
        self._settle()

    @precondition(lambda self: self.minute)
    @rule()
    def reset(self) -> None:
        """A person resets it."""
        self.resets += 1
        for bot in self.twins:
            bot.desk.reset(str(self.resets))
        self._settle()

    @rule(data=st.data())
    def change(self, data: st.DataObject) -> None:
        """The owner changes the parameters."""
        config = self._config(data.draw(st.sampled_from(self.choices)))
        for bot in self.twins:
            bot.configure(config)
        self._settle()

    @rule(amount=st.integers(500_000, 1_500_000))
    def budget(self, amount: int) -> None:
        """The owner changes the budget."""
        for bot in self.twins:
            bot.contribute(Decimal(amount))

    @invariant()
    def twins_are_equal(self) -> None:
        """The kill made no difference, and the rules hold."""
        if not self.twins:
            return
        plain, killed = self.twins
        assert killed.fills == plain.fills
        assert killed.desk.state == plain.desk.state
        assert killed.desk.desk == plain.desk.desk
        assert tuple(killed.desk.orders) == tuple(plain.desk.orders)
        if self.minute:
            plain.check()
            killed.check()
        if not self.wishes.running:
            assert not tuple(plain.desk.orders)
        if self.wishes.halt:
            assert not any(order.entry for order in plain.desk.orders)

    def _config(self, parameters: dict[str, Any]) -> StrategyConfig:
        return StrategyConfig.model_validate({self.strategy: parameters})

    def _settle(self) -> None:
        for bot in self.twins:
            bot.settle()


class StagedTwinMachine(TwinMachine):
    """The same for the staged bot."""

    choices = STAGED
    strategy = "staged"


class TestGridTwins(TwinMachine.TestCase):  # type: ignore[misc, valid-type]
    """The grid and its twin."""

    settings = SETTINGS


class TestStagedTwins(StagedTwinMachine.TestCase):  # type: ignore[misc, valid-type]
    """The staged bot and its twin."""

    settings = SETTINGS
