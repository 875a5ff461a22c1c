"""Messages between the processes keep their values and refuse what they do not know."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from dantaro_crds.v1alpha1.strategies import StagedStrategy
from dantaro_crds.wire.bot_config import BotConfig, StrategyConfig
from dantaro_crds.wire.problem import Problem

pytestmark = pytest.mark.unit

CONFIG: dict[str, Any] = {
    "kind": "TradingBot",
    "namespace": "default",
    "name": "staged",
    "uid": "0123456789",
    "symbol": "KRW-BTC",
    "budget": "1000000",
    "strategy": {"staged": {}},
    "central": {"url": "http://127.0.0.1:8000", "keyFile": "key"},
    "storeUrl": "sqlite:///bot.db",
}


def test_a_configuration_survives_its_file() -> None:
    config = BotConfig.model_validate(CONFIG)
    again = BotConfig.model_validate_json(config.model_dump_json(by_alias=True))
    assert again == config
    assert (config.budget, config.strategy.name) == (Decimal(1_000_000), "staged")


def test_an_unknown_field_in_a_message_is_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        BotConfig.model_validate(CONFIG | {"budgets": "1"})


@pytest.mark.parametrize(
    ("strategies", "count"),
    [
        pytest.param({}, 0, id="none"),
        pytest.param({"staged": StagedStrategy(), "ai": {}}, 2, id="two"),
    ],
)
def test_a_bot_has_exactly_one_strategy(strategies: dict[str, Any], count: int) -> None:
    with pytest.raises(ValidationError, match=f"exactly one strategy must be set, were {count}"):
        StrategyConfig.model_validate(strategies)


def test_a_problem_is_json_by_the_standard() -> None:
    problem = Problem(title="Not Found", status=404, detail="no such market", code="NotFound")
    assert problem.model_dump(by_alias=True)["type"] == "about:blank"
