"""Coin that was in the account before is nobody's business: no bot sells it."""

from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle, SupportLevel, SupportLevels
from tests.support.checked_replay import CheckedReplay
from tests.support.paper_bot import MIDNIGHT, make_series

pytestmark = pytest.mark.unit

BEFORE = Decimal(100)
LEVEL = SupportLevel(window_days=30, price=Decimal(2900))
ANALYSIS = Analysis(
    data_until=MIDNIGHT,
    support_levels=SupportLevels(aggressive=LEVEL, moderate=LEVEL, conservative=LEVEL),
)
CANDLES = make_series("3240", "3240 3240 3090 3120", "3120 3320 3110 3310", "3310 3310 2800 2810")

BOTS: list[dict[str, Any]] = [
    {"grid": {"lower_price": "3000", "upper_price": "3500", "grids": 5, "stop_loss": "2950"}},
    {"staged": {"take_profit_percent": "0.5", "stop_loss_percent": "1"}},
]


def run(bot: dict[str, Any], candles: list[Candle]) -> CheckedReplay:
    replay = CheckedReplay(
        StrategyConfig.model_validate(bot),
        Decimal(1_000_000),
        limits=RiskLimits(),
        others_base=BEFORE,
    )
    replay.walk(candles, [ANALYSIS])
    return replay


@pytest.mark.parametrize("bot", BOTS, ids=["grid", "staged"])
def test_a_stop_sells_what_the_bot_bought_and_no_more(bot: dict[str, Any]) -> None:
    replay = run(bot, CANDLES)
    assert replay.fills[-1].side == "Sell"
    assert replay.desk.desk.ledger.base == 0
    assert replay.market.base == BEFORE


@pytest.mark.parametrize("bot", BOTS, ids=["grid", "staged"])
def test_flatten_sells_what_the_bot_bought_and_no_more(bot: dict[str, Any]) -> None:
    replay = run(bot, CANDLES[:2])
    assert replay.desk.desk.ledger.base > 0
    replay.desk.flatten()
    replay.settle()
    assert replay.desk.desk.ledger.base == 0
    assert replay.market.base == BEFORE
