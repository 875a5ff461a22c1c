"""Pure values derived from one strategy of stages, or of one, whatever the market does."""

from decimal import ROUND_CEILING, Decimal

from dantaro_crds.errors import SpecError
from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import (
    AiStrategy,
    BreakoutStrategy,
    SignalStrategy,
    Sizing,
    StagedStrategy,
)
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import VenueRules

__all__ = ["SingleStage", "check_staged_budget", "stage_weights", "to_single_stage"]

SingleStage = SignalStrategy | BreakoutStrategy | AiStrategy
"""Strategies that open a position with one buy: a staged cycle of one stage."""


def to_single_stage(strategy: SingleStage) -> StagedStrategy:
    """Return the staged cycle that trades the positions of such a strategy.

    Without a take profit the cycle's own has no meaning.
    """
    fields = {
        "take_profit_percent": strategy.take_profit_percent,
        "stop_loss_percent": strategy.stop_loss_percent,
    }
    return StagedStrategy(
        stages=1, **{name: value for name, value in fields.items() if value is not None}
    )


def stage_weights(staged: StagedStrategy, stages: int) -> tuple[Decimal, ...]:
    """Return the parts of the budget that `stages` stages get, not scaled; each > 0."""
    places = range(stages)
    match staged.sizing:
        case Sizing.EQUAL:
            return tuple(Decimal(1) for _ in places)
        case Sizing.LINEAR:
            return tuple(Decimal(place + 1) for place in places)
        case Sizing.GEOMETRIC:
            return tuple(staged.geometric_ratio**place for place in places)


@exact
def check_staged_budget(staged: StagedStrategy, rules: VenueRules, *, budget: Decimal) -> None:
    """Refuse a budget with which the smallest stage is below the venue's minimum at every price.

    Args:
        staged: The strategy.
        rules: Venue's rules.
        budget: Quote currency, fees included.

    Raises:
        SpecError: With a budget that would do at most prices: a dear coin takes a little more.

    Source:
        Staged definition, section 3. One planning step above the minimum covers the floor of the
        volume; a price that divides without rest needs none, so the step alone refuses nothing.
    """
    weights = stage_weights(staged, staged.stages)
    factor = (1 + rules.fee_rate) * sum(weights, Decimal(0)) / min(weights)
    if budget >= rules.min_total * factor:
        return
    step = Decimal(1).scaleb(-rules.quote_places)
    least = ((rules.min_total + step) * factor).quantize(step, rounding=ROUND_CEILING)
    stages, advice = f" of {staged.stages} stages", "raise it or use fewer stages"
    if staged.stages == 1:
        stages, advice = "", "raise it"
    raise SpecError(
        f"the budget{stages} must be at least {decimal_text(least)}, so that each buy is worth "
        f"{decimal_text(rules.min_total)}, was {decimal_text(budget)}: {advice}",
        field="spec.allocationRef",
        code="BudgetTooSmall",
    )
