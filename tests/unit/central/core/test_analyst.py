"""The rules decide by their table, the same way each time; the budget holds."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_central.core.analyst.budget import Budget, Prices
from dantaro_central.core.analyst.decisions import AdviceAction, valid_until
from dantaro_central.core.analyst.desk import decisions_of
from dantaro_central.core.analyst.rules import advise_by_rules
from dantaro_central.core.findings import Findings
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Indicators, RiskLevel, Trend
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from tests.support.analyst import RISING, make_inputs, make_levels, make_status
from tests.support.candles import START

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)

FALLING: dict[str, str] = RISING | {
    Name.CLOSE: "99",
    Name.RSI14: "38",
    Name.MACD_HISTOGRAM: "-2",
    Name.PREVIOUS_MACD_HISTOGRAM: "-1",
    Name.VOLUME: "20",
}


@pytest.mark.parametrize(
    ("indicators", "trend", "want", "confidence"),
    [
        pytest.param(RISING, Trend.BULL, "Buy", "0.75", id="nine-of-twelve"),
        pytest.param(RISING, Trend.NEUTRAL, "Buy", "0.5833", id="seven-of-twelve"),
        pytest.param(RISING, Trend.BEAR, "Hold", "0.5833", id="the-market-falls"),
        pytest.param(RISING | {Name.RSI14: "80"}, Trend.NEUTRAL, "Hold", "0.75", id="overheated"),
        pytest.param(FALLING, Trend.BEAR, "Sell", "0.9167", id="all-but-the-support"),
        pytest.param(FALLING | {Name.RSI14: "20"}, Trend.BEAR, "Sell", "0.5833", id="oversold"),
    ],
)
def test_the_votes_of_the_table_decide(
    indicators: dict[str, str], trend: Trend, want: str, confidence: str
) -> None:
    levels = make_levels("90")
    advice = advise_by_rules(make_inputs(indicators, levels=levels, status=make_status(trend)))
    assert (advice.action, advice.confidence) == (want, Decimal(confidence)), advice.reason


def test_a_reason_names_what_spoke_for_it_and_what_against() -> None:
    advice = advise_by_rules(make_inputs(status=make_status(Trend.BEAR)))
    assert advice.reason == (
        "score 0.42 of 12 weights: MACD histogram up, close above its mean of 20, RSI 61.5; "
        "against it trend Bear"
    )


def test_a_rule_without_figures_has_no_weight() -> None:
    known = {name: value for name, value in RISING.items() if name != Name.DONCHIAN_UPPER20}
    assert advise_by_rules(make_inputs(known)).confidence == Decimal("0.7778")  # 7 of 9


@pytest.mark.parametrize("missing", [Name.CLOSE, Name.RSI14, Name.MACD_HISTOGRAM])
def test_without_a_needed_figure_it_holds_and_names_it(missing: Name) -> None:
    known = {name: value for name, value in RISING.items() if name != missing}
    advice = advise_by_rules(make_inputs(known))
    assert (advice.action, advice.confidence) == (AdviceAction.HOLD, Decimal(0))
    assert missing.value in advice.reason


@pytest.mark.parametrize(
    ("risk", "is_broken", "want"),
    [
        pytest.param(RiskLevel.HIGH, False, "the risk of the market is High", id="risk"),
        pytest.param(RiskLevel.LOW, True, "the conservative support level is broken", id="broken"),
    ],
)
def test_a_veto_makes_buy_a_hold(risk: RiskLevel, is_broken: bool, want: str) -> None:
    levels = make_levels(is_conservative_broken=is_broken)
    advice = advise_by_rules(make_inputs(levels=levels, status=make_status(risk=risk)))
    assert advice.action is AdviceAction.HOLD
    assert advice.reason.startswith(f"no buying while {want}")


def test_a_veto_forbids_no_sale() -> None:
    levels = make_levels("90", is_aggressive_broken=True, is_conservative_broken=True)
    inputs = make_inputs(FALLING, levels=levels, status=make_status(Trend.BEAR, RiskLevel.HIGH))
    assert advise_by_rules(inputs).action is AdviceAction.SELL


FIGURES = st.dictionaries(
    st.sampled_from([name.value for name in Name]),
    st.decimals(-(10**12), 10**12, places=8, allow_nan=False).map(str),
)


@given(FIGURES, st.sampled_from([*Trend, None]), st.booleans())
def test_whatever_the_figures_an_advice_comes_out(
    figures: dict[str, str],
    trend: Trend | None,
    is_broken: bool,
) -> None:
    levels = make_levels(is_aggressive_broken=is_broken)
    inputs = make_inputs(figures, levels=levels, status=make_status(trend) if trend else None)
    advice = advise_by_rules(inputs)
    assert 0 <= advice.confidence <= 1
    assert advice.reason
    assert advise_by_rules(inputs) == advice


def findings(*closes: int, of: Interval = Interval.M60) -> Findings:
    """Return analyses at the closes of hours after START, the market status Bull."""
    found = Findings()
    for hours in closes:
        until = START + hours * HOUR
        values = {name: Decimal(value) for name, value in RISING.items()}
        indicators = Indicators(values=values, time=until - HOUR, interval=of)
        found.indicators.append(("KRW-BTC", of, until, indicators.model_dump_json(by_alias=True)))
        found.levels.append(("KRW-BTC", until, make_levels().model_dump_json(by_alias=True)))
        found.statuses.append((until, make_status().model_dump_json(by_alias=True)))
    return found


def test_one_decision_for_each_closed_candle_of_the_interval() -> None:
    made = decisions_of(findings(1, 2, 3), interval=Interval.M60, symbols={"KRW-BTC"})
    assert [decision.data_until for decision in made] == [START + n * HOUR for n in (1, 2, 3)]
    first = made[0]
    assert (first.model, first.prompt, first.advice.action) == ("rules", "rules-v1", "Buy")
    assert (first.available, first.valid_until) == (START + HOUR, START + 2.25 * HOUR)
    assert '"marketStatus":{"trend":"Bull"' in first.inputs


def test_other_intervals_and_markets_are_passed_over() -> None:
    found = findings(1)
    assert decisions_of(found, interval=Interval.M240, symbols={"KRW-BTC"}) == []
    assert decisions_of(found, interval=Interval.M60, symbols={"KRW-ETH"}) == []


def test_a_market_that_catches_up_alone_is_judged_without_the_market_status() -> None:
    (made,) = decisions_of(findings(1), interval=Interval.M60, symbols={"KRW-BTC"}, is_whole=False)
    assert '"marketStatus":null' in made.inputs


@pytest.mark.parametrize("interval", [Interval.M15, Interval.M60, Interval.D1])
def test_a_decision_ends_before_the_candle_after_next_has_closed(interval: Interval) -> None:
    end = valid_until(START, interval)
    assert START + interval.span < end <= START + 2 * interval.span


def test_the_budget_counts_the_calls_of_the_last_hour() -> None:
    budget = Budget(calls=2, dollars=Decimal(1))
    for minutes in (0, 30):
        now = START + timedelta(minutes=minutes)
        assert budget.why_not(now, Decimal(0)) == ""
        budget.pay(now, Decimal(0))
    assert "2 calls an hour" in budget.why_not(START + timedelta(minutes=59), Decimal(0))
    assert budget.why_not(START + timedelta(minutes=60), Decimal(0)) == ""


def test_a_call_is_counted_with_the_most_it_can_cost_until_its_cost_is_known() -> None:
    budget = Budget(calls=100, dollars=Decimal("0.10"))
    payment = budget.pay(START, Decimal("0.08"))
    assert budget.why_not(START, Decimal("0.03")) == (
        "the budget of 0.1 US dollars an hour is used up: 0.08 are spent and a call may cost 0.03"
    )
    payment.cost = Decimal("0.01")
    assert budget.why_not(START, Decimal("0.03")) == ""


@given(st.lists(st.tuples(st.integers(0, 7200), st.integers(0, 40), st.integers(0, 40))))
def test_no_hour_costs_more_than_the_budget(calls: list[tuple[int, int, int]]) -> None:
    budget = Budget(calls=5, dollars=Decimal(100))
    paid: list[tuple[int, int]] = []
    for second, most, cost in sorted(calls):
        now = START + timedelta(seconds=second)
        if not budget.why_not(now, Decimal(most)):
            budget.pay(now, Decimal(most)).cost = Decimal(min(cost, most))
            paid.append((second, min(cost, most)))
    for begin, _ in paid:
        hour = [cost for second, cost in paid if begin <= second < begin + 3600]
        assert len(hour) <= 5
        assert sum(hour) <= 100


def test_tokens_cost_what_the_prices_say() -> None:
    prices = Prices(prompt=Decimal("0.15"), answer=Decimal("0.60"))
    assert prices.cost(prompt=2000, answer=500) == Decimal("0.0006")
