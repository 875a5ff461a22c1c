"""The plan of a staged cycle: prices down to a support level, money per stage, stop loss.

A plan that fails a check is refused with a reason; the number of stages is never reduced and the
support level never changed by itself.

Source: staged definition, sections 1 to 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from decimal import Context as DecimalContext
from itertools import pairwise
from random import Random

from dantaro_crds.v1alpha1.grid_bot_funcs import entry_price
from dantaro_crds.v1alpha1.staged_funcs import stage_weights
from dantaro_crds.v1alpha1.strategies import Spacing, StagedStrategy, SupportLevelChoice
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import VenueRules
from dantaro_crds.wire.bundle import SupportLevel, SupportLevels
from dantaro_runtime.core.strategies.protocol import Context
from dantaro_runtime.core.strategies.staged_state import StagedPlan, Waiting

__all__ = [
    "build_plan",
    "find_support",
    "make_waiting",
    "smallest_budget",
    "stage_prices",
    "stage_volumes",
    "stop_price",
]

_NEAR = DecimalContext(prec=50)
"""A root that is a whole number comes out a hair beside it; these digits take the hair away."""


def build_plan(
    parameters: StagedStrategy, context: Context, *, cycle: int, known: Waiting | None = None
) -> StagedPlan | Waiting:
    """Return the plan of a new cycle at the last price, or why there is none.

    Args:
        parameters: Of the object.
        context: Price, analysis, money and the venue's rules.
        cycle: Number of the cycle, from 1; with the bot's uid the seed of the jitter.
        known: Why there was none before; given back while it is the same but for the price.
    """
    support = None
    if parameters.stages > 1:
        found = find_support(parameters, context)
        if isinstance(found, Waiting):
            return found
        support = found
    draft = _Draft(
        parameters=parameters,
        rules=context.rules,
        seed=f"{context.bot_uid}:{cycle}",
        reference=context.rules.ticks.floor(context.last),
        support=support,
        entry=entry_price(context.last, context.rules, slippage_ticks=context.slippage_ticks),
        budget=min(context.budget, context.quote),
        started=context.time,
    )
    plan = draft.plan(parameters.stages)
    if isinstance(plan, StagedPlan):
        return plan
    waiting = make_waiting(plan.code, plan.message, parameters, context)
    if known is not None and known.is_like(waiting):
        return known
    if parameters.stages == 1:
        return waiting
    return replace(waiting, message=f"{plan.message}; {draft.advice()}")


def find_support(parameters: StagedStrategy, context: Context) -> Decimal | Waiting:
    """Return the support level that the object chose, or why no cycle can end at it."""
    name = f"the {parameters.support_level.lower()} support level"
    levels = None if context.analysis is None else context.analysis.support_levels
    if levels is None:
        message = f"there is no analysis with {name} that is fresh enough"
        return make_waiting("AnalysisMissing", message, parameters, context)
    level = _choose(levels, parameters.support_level)
    if level.price is None:
        message = f"{name} is not known: {level.reason or 'no reason given'}"
        return make_waiting("SupportUnknown", message, parameters, context, by_analysis=True)
    price = context.rules.ticks.floor(context.last)
    if level.broken or price <= level.price:
        message = (
            f"{name} {decimal_text(level.price)} is reached at the price {decimal_text(price)}: "
            "waits for the next analysis"
        )
        return make_waiting("BelowSupport", message, parameters, context, by_analysis=True)
    return level.price


def _choose(levels: SupportLevels, choice: SupportLevelChoice) -> SupportLevel:
    match choice:
        case SupportLevelChoice.AGGRESSIVE:
            return levels.aggressive
        case SupportLevelChoice.MODERATE:
            return levels.moderate
        case SupportLevelChoice.CONSERVATIVE:
            return levels.conservative


def make_waiting(
    code: str,
    message: str,
    parameters: StagedStrategy,
    context: Context,
    *,
    by_analysis: bool = False,
) -> Waiting:
    """Return why no cycle starts with these parameters at this time."""
    return Waiting(
        code=code,
        message=message,
        by_analysis=by_analysis,
        data_until=None if context.analysis is None else context.analysis.data_until,
        parameters=parameters,
        budget=context.budget,
    )


def stage_prices(
    parameters: StagedStrategy,
    rules: VenueRules,
    *,
    stages: int,
    reference: Decimal,
    support: Decimal | None,
    seed: str,
) -> tuple[Decimal, ...]:
    """Return the prices of the stages, rounded down to ticks; falling, or equal if too close.

    Args:
        parameters: Spacing and jitter.
        rules: Venue's rules.
        stages: How many, >= 1; may differ from the parameters'.
        reference: First price.
        support: Last price, below the first; not looked at with one stage.
        seed: Of the jitter.
    """
    raw = [reference]
    if stages > 1:
        assert support is not None
        raw = [_raw_price(parameters.spacing, reference, support, i, stages) for i in range(stages)]
    part = parameters.jitter_percent / 100
    generator = Random(seed)
    # Drawn for all stages, so that each has its own number; the first and the last stay.
    shifts = [part * (2 * Decimal(repr(generator.random())) - 1) for _ in raw]
    for number in range(1, stages - 1):
        shifts[number] *= raw[number] - raw[number + 1]
    shifts[0] = shifts[-1] = Decimal(0)
    shifted = (price + shift for price, shift in zip(raw, shifts, strict=True))
    return tuple(rules.ticks.floor(_NEAR.plus(price)) for price in shifted)


def _raw_price(
    spacing: Spacing, reference: Decimal, support: Decimal, number: int, stages: int
) -> Decimal:
    steps = stages - 1
    if spacing is Spacing.ARITHMETIC:
        return reference - (reference - support) * number / steps
    if number in {0, steps}:
        return support if number else reference
    return reference * (support / reference) ** (Decimal(number) / steps)


def stage_volumes(
    parameters: StagedStrategy, rules: VenueRules, *, limits: Sequence[Decimal], budget: Decimal
) -> tuple[Decimal, ...]:
    """Return what each stage buys, base currency, cut to the venue's decimals.

    Args:
        parameters: Sizing.
        rules: Venue's rules.
        limits: Limit of each stage's buy, quote currency.
        budget: Quote currency, fees included.
    """
    weights = stage_weights(parameters, len(limits))
    whole = (1 + rules.fee_rate) * sum(weights, Decimal(0))
    amounts = (rules.floor_quote(budget * weight / whole) for weight in weights)
    return tuple(
        rules.floor_volume(amount / limit) for amount, limit in zip(amounts, limits, strict=True)
    )


def stop_price(
    parameters: StagedStrategy, rules: VenueRules, *, last_stage: Decimal
) -> Decimal | None:
    """Return the price of the stop loss, below the last stage; None without one."""
    if parameters.stop_loss_percent is None:
        return None
    return rules.ticks.floor(last_stage * (1 - parameters.stop_loss_percent / 100))


def smallest_budget(
    parameters: StagedStrategy,
    rules: VenueRules,
    *,
    stages: int,
    entry: Decimal,
    stop: Decimal | None,
) -> Decimal:
    """Return a budget with which every buy, and the smallest exit, is worth the venue's minimum.

    Args:
        parameters: Sizing.
        rules: Venue's rules.
        stages: How many, >= 1.
        entry: Limit of the first buy, quote currency.
        stop: Price of the stop loss, > 0; None without one.

    Returns:
        Quote currency, fees included, rounded up to the planning step.

    Source:
        Staged definition, section 3: one planning step and entry x one step of volume cover the two
        floors; the first stage has the smallest weight.
    """
    step = Decimal(1).scaleb(-rules.quote_places)
    least = rules.min_total
    if stop is not None:
        least = max(least, entry * rules.min_total / (stop * (1 - rules.fee_rate)))
    weights = stage_weights(parameters, stages)
    amount = least + step + entry * Decimal(1).scaleb(-rules.volume_places)
    budget = amount * (1 + rules.fee_rate) * sum(weights, Decimal(0)) / weights[0]
    return budget.quantize(step, rounding=ROUND_CEILING)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flaw:
    """Why so many stages cannot be planned."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """All that a plan is made of, but for the number of stages."""

    parameters: StagedStrategy
    rules: VenueRules
    seed: str
    reference: Decimal
    support: Decimal | None
    entry: Decimal
    budget: Decimal
    started: datetime

    def plan(self, stages: int) -> StagedPlan | _Flaw:
        """Return the plan with so many stages, or the first check that it fails."""
        prices = self._prices(stages)
        if any(lower >= upper for upper, lower in pairwise(prices)):
            return _Flaw(
                code="StagesTooClose",
                message=f"{stages} stages from {decimal_text(self.reference)} to "
                f"{decimal_text(prices[-1])} fall on equal prices",
            )
        stop = stop_price(self.parameters, self.rules, last_stage=prices[-1])
        if stop is not None and stop <= 0:
            return _Flaw(
                code="StopLossTooLow",
                message=f"a stop loss {self.parameters.stop_loss_percent} % below "
                f"{decimal_text(prices[-1])} leaves no price above 0",
            )
        limits = (self.entry, *prices[1:])
        volumes = stage_volumes(self.parameters, self.rules, limits=limits, budget=self.budget)
        values = [limit * volume for limit, volume in zip(limits, volumes, strict=True)]
        if stop is not None:
            values.append(volumes[0] * stop * (1 - self.rules.fee_rate))
        if min(values) < self.rules.min_total:
            return self._too_small(stages, stop)
        return StagedPlan(
            parameters=self.parameters,
            budget=self.budget,
            reference=self.reference,
            support=self.support,
            entry=self.entry,
            prices=prices,
            volumes=volumes,
            stop=stop,
            started=self.started,
        )

    def advice(self) -> str:
        """Return the largest number of stages that works, as a sentence's second half."""
        for stages in range(self.parameters.stages - 1, 0, -1):
            if isinstance(self.plan(stages), StagedPlan):
                return f"at most {stages} stages work here"
        return "no smaller number of stages works with this budget"

    def _prices(self, stages: int) -> tuple[Decimal, ...]:
        return stage_prices(
            self.parameters,
            self.rules,
            stages=stages,
            reference=self.reference,
            support=self.support,
            seed=self.seed,
        )

    def _too_small(self, stages: int, stop: Decimal | None) -> _Flaw:
        smallest = smallest_budget(
            self.parameters, self.rules, stages=stages, entry=self.entry, stop=stop
        )
        what = "the buy" if stages == 1 else f"each of {stages} stages"
        exit_too = "" if stop is None else f", also when sold at {decimal_text(stop)}"
        return _Flaw(
            code="BudgetTooSmall",
            message=f"{what} must be worth at least "
            f"{decimal_text(self.rules.min_total)}{exit_too}: the budget must be at least "
            f"{decimal_text(smallest)}, was {decimal_text(self.budget)}",
        )
