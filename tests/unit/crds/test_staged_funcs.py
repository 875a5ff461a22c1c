from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.staged_funcs import check_staged_budget, stage_weights
from dantaro_crds.v1alpha1.strategies import StagedStrategy
from dantaro_crds.venues import rules_for

pytestmark = pytest.mark.unit

RULES = rules_for("paper", "KRW-ETH")


@pytest.mark.parametrize(
    ("sizing", "want"),
    [
        ("Equal", ["1", "1", "1"]),
        ("Linear", ["1", "2", "3"]),
        ("Geometric", ["1", "1.5", "2.25"]),
    ],
)
def test_weights_follow_the_sizing(sizing: str, want: list[str]) -> None:
    staged = StagedStrategy.model_validate({"stages": 3, "sizing": sizing})
    assert stage_weights(staged, staged.stages) == tuple(Decimal(weight) for weight in want)


# 5,000 a stage, with the fee of 0.05 %: 5 equal ones take 25,012.5, 1 + 2 + 3 take 30,015.
@pytest.mark.parametrize(
    ("parameters", "enough", "advice"),
    [
        ({"stages": 1}, "5002.5", "5004"),
        ({}, "25012.5", "25018"),
        ({"stages": 3, "sizing": "Linear"}, "30015", "30022"),
    ],
)
def test_a_budget_is_refused_only_if_it_can_do_at_no_price(
    parameters: dict[str, Any], enough: str, advice: str
) -> None:
    staged = StagedStrategy.model_validate(parameters)
    check_staged_budget(staged, RULES, budget=Decimal(enough))
    with pytest.raises(SpecError, match=f"must be at least {advice}, ") as raised:
        check_staged_budget(staged, RULES, budget=Decimal(enough) - Decimal("0.01"))
    assert raised.value.code == "BudgetTooSmall"
