"""The vote of indicators: who votes, what a vote is worth, and when it is acted on."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.strategies import SignalStrategy
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Analysis, Indicators
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from dantaro_runtime.core.strategies.position.signal import (
    ENTRY_WINDOW,
    SIGNAL_INDICATORS,
    judge_signal,
)
from dantaro_runtime.core.strategies.position.verdict import Action, Position, Sight, Verdict
from tests.support.positions import BUY, QUIET, SELL, make_indicators
from tests.support.staged import make_context
from tests.support.strategy_run import START

pytestmark = pytest.mark.unit

EAGER: dict[str, Any] = {"entry_threshold": "0.000000000000000001", "min_confidence": "0"}


def judge(
    values: dict[Any, str] | None = None, *, is_open: bool = False, **parameters: Any
) -> Verdict:
    """Return the verdict on a candle that closed just now."""
    return judge_signal(
        SignalStrategy(**parameters),
        Position(is_open=is_open),
        make_context(analysis=make_indicators(values=values)),
    )


def votes(values: dict[Any, str]) -> dict[str, int]:
    """Return who voted how."""
    gate = next(gate for gate in judge(values).gates if gate.name == "votes")
    return {name: int(value) for name, value in gate.figures[2:] if value}


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({}, {}, id="nobody-on-a-quiet-candle"),
        pytest.param(BUY, {"rsi": 1}, id="rsi-back-above-30"),
        pytest.param(
            {Name.PREVIOUS_RSI14: "30.1", Name.RSI14: "31"}, {}, id="rsi-was-above-30-already"
        ),
        pytest.param(
            {Name.PREVIOUS_RSI14: "29", Name.RSI14: "30"}, {}, id="rsi-at-30-is-not-above"
        ),
        pytest.param(SELL, {"rsi": -1}, id="rsi-back-below-70"),
        pytest.param(
            {Name.PREVIOUS_RSI14: "71", Name.RSI14: "70"}, {}, id="rsi-at-70-is-not-below"
        ),
        pytest.param({Name.PREVIOUS_MACD_HISTOGRAM: "0"}, {"macd": 1}, id="macd-up"),
        pytest.param({Name.MACD_HISTOGRAM: "-0.1"}, {"macd": -1}, id="macd-down"),
        pytest.param({Name.MACD_HISTOGRAM: "0"}, {}, id="macd-at-its-signal"),
        pytest.param(
            {Name.PREVIOUS_CLOSE: "3199", Name.CLOSE: "3200"}, {"bollinger": 1}, id="from-below"
        ),
        pytest.param(
            {Name.PREVIOUS_CLOSE: "3200", Name.CLOSE: "3210"}, {}, id="at-the-band-is-not-below"
        ),
        pytest.param(
            {Name.PREVIOUS_CLOSE: "3281", Name.CLOSE: "3280"}, {"bollinger": -1}, id="from-above"
        ),
        pytest.param(
            {Name.PREVIOUS_SQUEEZE_ON: "1", Name.CLOSE: "3241"}, {"squeeze": 1}, id="released-up"
        ),
        pytest.param(
            {Name.PREVIOUS_SQUEEZE_ON: "1", Name.CLOSE: "3239"}, {"squeeze": -1}, id="released-down"
        ),
        pytest.param({Name.PREVIOUS_SQUEEZE_ON: "1"}, {}, id="released-in-the-middle"),
        pytest.param(
            {Name.PREVIOUS_SQUEEZE_ON: "1", Name.SQUEEZE_ON: "1", Name.CLOSE: "3241"},
            {},
            id="still-squeezed",
        ),
        pytest.param({Name.VOLUME: "99"}, {}, id="volume-alone-says-nothing"),
        pytest.param(BUY | {Name.VOLUME: "15"}, {"rsi": 1, "volume": 1}, id="volume-seconds"),
        pytest.param(SELL | {Name.VOLUME: "15"}, {"rsi": -1, "volume": -1}, id="volume-either-way"),
        pytest.param(BUY | {Name.VOLUME: "14.99"}, {"rsi": 1}, id="volume-below-its-factor"),
        pytest.param(
            BUY | {Name.VOLUME: "0", Name.VOLUME_SMA20: "0"}, {"rsi": 1}, id="no-volume-at-all"
        ),
        pytest.param(
            BUY | {Name.MACD_HISTOGRAM: "-1", Name.VOLUME: "15"},
            {"rsi": 1, "macd": -1},
            id="volume-takes-no-side-in-a-tie",
        ),
    ],
)
def test_each_voter_votes_by_its_definition(values: dict[Any, str], want: dict[str, int]) -> None:
    assert votes(values) == want


ALL_BUY = {
    **BUY,
    Name.PREVIOUS_MACD_HISTOGRAM: "0",
    Name.PREVIOUS_CLOSE: "3199",
    Name.CLOSE: "3241",
    Name.PREVIOUS_SQUEEZE_ON: "1",
    Name.VOLUME: "15",
}


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param(BUY, "0.5", id="one"),
        pytest.param(BUY | {Name.VOLUME: "15"}, "0.75", id="two"),
        pytest.param(ALL_BUY, "0.96875", id="five"),
        pytest.param(ALL_BUY | {Name.MACD_HISTOGRAM: "-1"}, "0.875", id="four-to-one"),
    ],
)
def test_each_vote_of_a_lead_halves_the_doubt(values: dict[Any, str], want: str) -> None:
    verdict = judge(values)
    assert (verdict.action, verdict.confidence) == (Action.BUY, Decimal(want))


def test_both_borders_of_a_buy_are_inclusive() -> None:
    two_of_three = {**BUY, Name.VOLUME: "15", Name.PREVIOUS_CLOSE: "3199", Name.CLOSE: "3241"}
    against = two_of_three | {Name.MACD_HISTOGRAM: "-1"}  # 3 to 1: share 0.75, lead 2

    assert judge(against, entry_threshold="0.75", min_confidence="0.75").action is Action.BUY
    assert judge(against, entry_threshold="0.76", min_confidence="0.75").code == "GateVotes"
    assert judge(against, entry_threshold="0.75", min_confidence="0.76").code == "GateConfidence"


def test_both_borders_of_a_sale_are_inclusive() -> None:
    assert judge(SELL, is_open=True, exit_threshold="1", min_confidence="0.5").action is Action.SELL
    split = SELL | {Name.PREVIOUS_MACD_HISTOGRAM: "0"}
    assert (
        judge(split, is_open=True, exit_threshold="0.5", min_confidence="0").action is Action.HOLD
    )
    assert judge(split, is_open=True, exit_threshold="0.51").code == "GateVotes"


def test_a_tie_or_no_vote_is_never_acted_on() -> None:
    tie = BUY | {Name.MACD_HISTOGRAM: "-1"}
    assert judge(tie, **EAGER).code == "GateConfidence"
    assert judge({}, **EAGER).code == "GateVotes"


def test_votes_to_sell_buy_nothing_and_votes_to_buy_sell_nothing() -> None:
    assert judge(SELL).action is Action.HOLD
    assert judge(BUY, is_open=True).action is Action.HOLD


@pytest.mark.parametrize("name", SIGNAL_INDICATORS)
@pytest.mark.parametrize("is_open", [False, True])
def test_a_missing_indicator_is_named_and_nothing_is_done(name: Name, is_open: bool) -> None:
    analysis = make_indicators(values=SELL if is_open else BUY)
    assert analysis.indicators is not None
    del analysis.indicators.values[name]

    verdict = judge_signal(
        SignalStrategy(), Position(is_open=is_open), make_context(analysis=analysis)
    )

    assert (verdict.action, verdict.code) == (Action.HOLD, "DataMissing")
    assert verdict.reason == f"waits for indicators: {name} missing"


def stale(**changes: Any) -> Analysis:
    """Return an analysis whose indicators are changed."""
    analysis = make_indicators(values=BUY)
    assert analysis.indicators is not None
    indicators = analysis.indicators.model_copy(update=changes)
    return analysis.model_copy(update={"indicators": indicators})


@pytest.mark.parametrize(
    ("analysis", "want"),
    [
        pytest.param(None, "waits for an analysis that is fresh enough", id="no-analysis"),
        pytest.param(
            Analysis(data_until=START),
            "waits for indicators: central delivers none for this market",
            id="no-indicators",
        ),
        pytest.param(
            Analysis(data_until=START, indicators=Indicators(values={Name.CLOSE: Decimal(1)})),
            "waits for indicators: central does not say which candle they are of",
            id="of-no-candle",
        ),
        pytest.param(
            stale(time=START - timedelta(minutes=30)),
            "waits for indicators: those of the candle 2025-12-31T23:30:00Z are not of the newest "
            "that closed until 2026-01-01T00:00:00Z",
            id="a-candle-late",
        ),
        pytest.param(
            stale(time=START - timedelta(minutes=14)),
            "waits for indicators: those of the candle 2025-12-31T23:46:00Z are not of the newest "
            "that closed until 2026-01-01T00:00:00Z",
            id="not-closed-yet",
        ),
    ],
)
def test_nothing_is_done_on_data_that_are_not_of_the_newest_closed_candle(
    analysis: Analysis | None, want: str
) -> None:
    verdict = judge_signal(SignalStrategy(), Position(), make_context(analysis=analysis))
    assert (verdict.action, verdict.code, verdict.reason) == (Action.HOLD, "DataMissing", want)


def test_a_candle_stays_the_newest_until_the_next_one_closes() -> None:
    closed = START - timedelta(hours=3, minutes=55)
    analysis = make_indicators(closed, SELL, interval=Interval.M240, data_until=START)
    context = make_context(analysis=analysis)

    assert judge_signal(SignalStrategy(), Position(is_open=True), context).action is Action.SELL
    late = judge_signal(SignalStrategy(), Position(), replace(context, analysis=analysis))
    assert late.action is Action.HOLD


@pytest.mark.parametrize(
    ("age", "want"),
    [
        pytest.param(ENTRY_WINDOW, Action.BUY, id="at-the-border"),
        pytest.param(ENTRY_WINDOW + timedelta(seconds=1), Action.HOLD, id="past-it"),
    ],
)
def test_a_buy_is_good_for_a_while_after_its_candle(age: timedelta, want: Action) -> None:
    analysis = make_indicators(values=BUY, interval=Interval.M60)
    context = make_context(analysis=analysis, time=START + age)
    assert judge_signal(SignalStrategy(), Position(), context).action is want


def test_a_verdict_tells_every_figure_that_it_was_made_of() -> None:
    inputs = dict(judge(BUY).inputs)

    assert inputs["mark"] == "2025-12-31T23:45:00Z"
    assert {inputs[f"data.{name}"] for name in (Name.RSI14, Name.PREVIOUS_RSI14)} == {"30", "30.1"}
    assert len([name for name in inputs if name.startswith("data.")]) == len(QUIET)
    assert {name: inputs[name] for name in ("votes", "votes.share", "votes.rsi", "votes.macd")} == {
        "votes": "pass",
        "votes.share": "1",
        "votes.rsi": "1",
        "votes.macd": "0",
    }
    assert inputs["confidence.confidence"] == "0.5"
    assert inputs["window"] == "pass"
    failed = dict(judge({}).inputs)
    assert failed["votes"].startswith("fail: 0 of 0 votes to buy, a share of 0.00")


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize(
    ("values", "action", "score"),
    [
        pytest.param(BUY, Action.BUY, "0.5", id="one-to-buy"),
        pytest.param(SELL | {Name.VOLUME: "15"}, Action.SELL, "0.75", id="two-to-sell"),
        pytest.param({}, Action.HOLD, "0", id="no-vote"),
    ],
)
def test_it_sees_the_side_that_leads_whatever_the_bot_holds_and_asks_for(
    values: dict[Any, str], action: Action, score: str, is_open: bool
) -> None:
    seen = judge(values, is_open=is_open, min_confidence="1").sight
    opened = START - Interval.M15.span
    assert seen == Sight(action=action, score=Decimal(score), of=opened)


def test_it_sees_nothing_without_indicators() -> None:
    verdict = judge_signal(SignalStrategy(), Position(), make_context(analysis=None))
    assert verdict.sight == Sight(action=Action.HOLD, score=None, of=None)
