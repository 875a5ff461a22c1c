"""Plans of a staged cycle: the vectors of its guide, refusals, and what holds for any plan."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import Sizing, Spacing, SupportLevelChoice
from dantaro_runtime.core.strategies.protocol import Context
from dantaro_runtime.core.strategies.staged_plan import build_plan
from dantaro_runtime.core.strategies.staged_state import StagedPlan, Waiting
from tests.support.staged import make_analysis, make_context, make_parameters

pytestmark = pytest.mark.unit

F = Decimal("0.0005")


@exact
def plan_for(context: Context | None = None, *, cycle: int = 1, **fields: Any) -> StagedPlan:
    """Return a plan that must not be refused."""
    plan = build_plan(make_parameters(**fields), context or make_context(), cycle=cycle)
    assert isinstance(plan, StagedPlan), plan
    return plan


@exact
def refusal_of(context: Context | None = None, **fields: Any) -> Waiting:
    """Return why a plan is refused."""
    plan = build_plan(make_parameters(**fields), context or make_context(), cycle=1)
    assert isinstance(plan, Waiting), plan
    return plan


ARITHMETIC = [3240, 3155, 3070, 2985, 2900]
GEOMETRIC = [3240, 3151, 3065, 2981, 2900]


@pytest.mark.parametrize(
    ("fields", "want_prices", "want_volumes"),
    [
        pytest.param(
            {},
            ARITHMETIC,
            ["61.69753086", "63.35974643", "65.11400651", "66.96817420", "68.93103448"],
            id="7.1-equal-arithmetic",
        ),
        pytest.param(
            {"sizing": Sizing.LINEAR},
            ARITHMETIC,
            ["20.56574074", "42.23961965", "65.11400651", "89.29078726", "114.88482758"],
            id="7.2-linear",
        ),
        pytest.param(
            {"sizing": Sizing.GEOMETRIC},
            ARITHMETIC,
            ["23.39228395", "36.03391442", "55.54723127", "85.69380234", "132.30827586"],
            id="7.3-martingale",
        ),
        pytest.param(
            {"spacing": Spacing.GEOMETRIC},
            GEOMETRIC,
            ["61.69753086", "63.44017772", "65.22022838", "67.05803421", "68.93103448"],
            id="7.4-equal-geometric",
        ),
        pytest.param(
            {"jitter_percent": Decimal(25)},
            [3240, 3176, 3056, 2971, 2900],
            None,
            id="7.5-jitter",
        ),
        pytest.param({"stages": 1}, [3240], ["308.48765432"], id="one-stage"),
        pytest.param({"stages": 2}, [3240, 2900], None, id="two-stages"),
    ],
)
def test_a_plan_has_the_prices_and_volumes_of_its_vector(
    fields: dict[str, Any], want_prices: list[int], want_volumes: list[str] | None
) -> None:
    plan = plan_for(**fields)

    assert list(plan.prices) == want_prices
    if want_volumes is not None:
        assert list(plan.volumes) == [Decimal(volume) for volume in want_volumes]


def test_the_first_buy_may_cost_some_ticks_more_than_the_price() -> None:
    plan = plan_for(make_context(slippage_ticks=2))

    assert plan.entry == 3242
    assert plan.prices[0] == 3240
    assert plan.limit(0) == 3242
    assert plan.limit(1) == 3155
    assert plan.volumes[0] == Decimal("61.65946946")


def test_a_price_off_a_tick_starts_the_stages_below_it() -> None:
    plan = plan_for(make_context(last=Decimal("3240.7")))

    assert plan.reference == 3240
    assert plan.entry == 3241


def test_a_root_that_is_a_tick_is_not_rounded_below_it() -> None:
    context = make_context(last=Decimal(4000), analysis=make_analysis("1000"))

    plan = plan_for(context, stages=3, spacing=Spacing.GEOMETRIC)

    assert list(plan.prices) == [4000, 2000, 1000]


@pytest.mark.parametrize(
    ("choice", "want_last"),
    [
        (SupportLevelChoice.AGGRESSIVE, 3000),
        (SupportLevelChoice.MODERATE, 2900),
        (SupportLevelChoice.CONSERVATIVE, 2800),
    ],
)
def test_the_last_stage_lies_at_the_chosen_support_level(
    choice: SupportLevelChoice, want_last: int
) -> None:
    assert plan_for(support_level=choice).prices[-1] == want_last


@pytest.mark.parametrize(
    ("fields", "want"),
    [
        pytest.param({}, None, id="none"),
        pytest.param({"stop_loss_percent": Decimal(3)}, 2813, id="below-the-last-stage"),
        pytest.param({"stop_loss_percent": Decimal(3), "stages": 1}, 3142, id="one-stage"),
    ],
)
def test_the_stop_loss_counts_from_the_last_stage(fields: dict[str, Any], want: int | None) -> None:
    assert plan_for(**fields).stop == want


def test_one_stage_needs_no_analysis() -> None:
    plan = plan_for(make_context(analysis=None), stages=1)

    assert plan.support is None


@pytest.mark.parametrize(
    ("budget", "quote"), [("300000", "500000"), ("500000", "300000")], ids=["budget", "own-money"]
)
def test_the_smaller_of_budget_and_own_money_counts(budget: str, quote: str) -> None:
    plan = plan_for(make_context(budget=Decimal(budget), quote=Decimal(quote)))

    assert plan.budget == 300_000


@pytest.mark.parametrize(
    ("context", "fields", "want_code", "want_message"),
    [
        pytest.param(
            make_context(analysis=None),
            {},
            "AnalysisMissing",
            "there is no analysis with the moderate support level that is fresh enough",
            id="no-analysis",
        ),
        pytest.param(
            make_context(analysis=make_analysis(None, reason="3 days of candles, 30 needed")),
            {},
            "SupportUnknown",
            "the moderate support level is not known: 3 days of candles, 30 needed",
            id="no-level",
        ),
        pytest.param(
            make_context(analysis=make_analysis(broken=True)),
            {},
            "BelowSupport",
            "the moderate support level 2900 is reached at the price 3240: "
            "waits for the next analysis",
            id="broken",
        ),
        pytest.param(
            make_context(last=Decimal("2900.9")),
            {},
            "BelowSupport",
            "the moderate support level 2900 is reached at the price 2900: "
            "waits for the next analysis",
            id="at-the-level",
        ),
        pytest.param(
            make_context(last=Decimal(2903)),
            {},
            "StagesTooClose",
            "5 stages from 2903 to 2900 fall on equal prices; at most 4 stages work here",
            id="range-of-three-ticks",
        ),
        pytest.param(
            make_context(budget=Decimal(25_000)),
            {},
            "BudgetTooSmall",
            "each of 5 stages must be worth at least 5000: the budget must be at least 25018, "
            "was 25000; at most 4 stages work here",
            id="budget",
        ),
        pytest.param(
            make_context(budget=Decimal(5_000)),
            {"stages": 2},
            "BudgetTooSmall",
            "each of 2 stages must be worth at least 5000: the budget must be at least 10008, "
            "was 5000; no smaller number of stages works with this budget",
            id="budget-for-nothing",
        ),
        pytest.param(
            make_context(budget=Decimal(26_000)),
            {"stop_loss_percent": Decimal(20)},
            "BudgetTooSmall",
            "each of 5 stages must be worth at least 5000, also when sold at 2320: the budget "
            "must be at least 34954, was 26000; at most 3 stages work here",
            id="exit-at-the-stop",
        ),
        pytest.param(
            make_context(last=Decimal("0.00000005"), analysis=make_analysis("0.00000001")),
            {"stages": 2, "stop_loss_percent": Decimal(99)},
            "StopLossTooLow",
            "a stop loss 99 % below 0.00000001 leaves no price above 0; "
            "no smaller number of stages works with this budget",
            id="stop-at-nothing",
        ),
    ],
)
def test_a_plan_that_fails_a_check_is_refused_with_what_would_work(
    context: Context, fields: dict[str, Any], want_code: str, want_message: str
) -> None:
    refusal = refusal_of(context, **fields)

    assert (refusal.code, refusal.message) == (want_code, want_message)


@pytest.mark.parametrize("stop", [None, Decimal(20)])
@pytest.mark.parametrize("sizing", list(Sizing))
def test_the_smallest_budget_works_and_was_named(sizing: Sizing, stop: Decimal | None) -> None:
    fields: dict[str, Any] = {"sizing": sizing, "stop_loss_percent": stop}
    message = refusal_of(make_context(budget=Decimal(10)), **fields).message
    named = Decimal(message.split("at least ")[-1].split(",")[0])

    plan = plan_for(make_context(budget=named), **fields)

    assert plan.budget == named


# What holds for any plan

PLANS = st.fixed_dictionaries(
    {
        "stages": st.integers(1, 20),
        "spacing": st.sampled_from(Spacing),
        "sizing": st.sampled_from(Sizing),
        "geometric_ratio": st.sampled_from([Decimal(1), Decimal("1.25"), Decimal(2)]),
        "jitter_percent": st.sampled_from([Decimal(0), Decimal(25), Decimal("49.9")]),
        "stop_loss_percent": st.sampled_from([None, Decimal("0.1"), Decimal(30)]),
    }
)


@exact
def any_plan(
    fields: dict[str, Any], *, last: Decimal, support: Decimal, budget: int, cycle: int = 1
) -> StagedPlan | Waiting:
    """Return a plan or a refusal."""
    context = make_context(
        last=last,
        analysis=make_analysis(str(support)),
        budget=Decimal(budget),
        quote=Decimal(budget),
        slippage_ticks=1,
    )
    return build_plan(make_parameters(**fields), context, cycle=cycle)


@given(
    fields=PLANS,
    last=st.decimals("1", "200000", places=2),
    depth=st.integers(1, 90),
    budget=st.integers(5_000, 50_000_000),
)
@settings(max_examples=200)
def test_a_plan_keeps_to_money_minimum_and_order(
    fields: dict[str, Any], last: Decimal, depth: int, budget: int
) -> None:
    rules = make_context().rules
    support = rules.ticks.floor(last * (100 - depth) / 100)
    assume(support > 0)
    plan = any_plan(fields, last=last, support=support, budget=budget)
    assume(isinstance(plan, StagedPlan))
    assert isinstance(plan, StagedPlan)

    limits = [plan.limit(number) for number in range(len(plan.prices))]
    values = [limit * volume for limit, volume in zip(limits, plan.volumes, strict=True)]
    assert sum(values) * (1 + F) <= budget
    assert min(values) >= 5000
    assert all(rules.ticks.is_on_tick(price) for price in (*plan.prices, plan.entry))
    assert all(upper > lower for upper, lower in pairwise(plan.prices))
    assert plan.prices[0] <= last <= plan.entry
    if len(plan.prices) > 1:
        assert plan.prices[-1] == support
    if plan.stop is not None:
        assert 0 < plan.stop < plan.prices[-1]
        assert plan.volumes[0] * plan.stop * (1 - F) >= 5000


@given(fields=PLANS, cycle=st.integers(1, 1000))
@settings(max_examples=50)
def test_the_same_seed_gives_the_same_plan(fields: dict[str, Any], cycle: int) -> None:
    args: dict[str, Any] = {"last": Decimal(3240), "support": Decimal(2900), "budget": 10_000_000}

    assert any_plan(fields, cycle=cycle, **args) == any_plan(fields, cycle=cycle, **args)


def test_another_cycle_or_bot_draws_other_prices() -> None:
    fields: dict[str, Any] = {"jitter_percent": Decimal(25)}
    plans = [
        plan_for(**fields),
        plan_for(cycle=2, **fields),
        plan_for(make_context(bot_uid="bot-2"), **fields),
    ]

    assert len({plan.prices for plan in plans}) == 3
    assert all(plan.prices[0] == 3240 for plan in plans)
    assert all(plan.prices[-1] == 2900 for plan in plans)
