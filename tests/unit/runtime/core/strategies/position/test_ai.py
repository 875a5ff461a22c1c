"""The analyst's decision: only while fresh, only at or above the floor."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.strategies import AiStrategy
from dantaro_crds.wire.bundle import Analysis
from dantaro_runtime.core.strategies.position.ai import judge_decision
from dantaro_runtime.core.strategies.position.verdict import Action, Position, Sight, Verdict
from tests.support.positions import make_decision
from tests.support.staged import make_context
from tests.support.strategy_run import START

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)


def judge(analysis: Analysis | None, time: datetime = START, **parameters: Any) -> Verdict:
    """Return the verdict at a time."""
    return judge_decision(
        AiStrategy(**parameters), Position(), make_context(analysis=analysis, time=time)
    )


@pytest.mark.parametrize("action", ["Buy", "Sell", "Hold"])
def test_a_decision_becomes_a_verdict(action: str) -> None:
    verdict = judge(make_decision(action, "0.9"))
    assert (verdict.action, str(verdict.confidence)) == (Action(action), "0.9")
    assert verdict.reason == f"the analyst says {action} with confidence 0.9: the trend is up"


@pytest.mark.parametrize(
    ("confidence", "floor", "want"),
    [
        pytest.param("0.7", "0.7", Action.BUY, id="at-the-floor"),
        pytest.param("0.69", "0.7", Action.HOLD, id="below-it"),
        pytest.param("0", "0", Action.BUY, id="no-floor"),
    ],
)
def test_the_floor_is_inclusive(confidence: str, floor: str, want: Action) -> None:
    verdict = judge(make_decision("Buy", confidence), min_confidence=floor)
    assert verdict.action is want


@pytest.mark.parametrize(
    ("decision", "age", "want"),
    [
        pytest.param({}, 0 * MINUTE, Action.BUY, id="new"),
        pytest.param({}, 14 * MINUTE, Action.BUY, id="young"),
        pytest.param({}, 15 * MINUTE, Action.HOLD, id="old-by-default"),
        pytest.param({"time": START - 10 * MINUTE}, 4 * MINUTE, Action.BUY, id="own-time"),
        pytest.param({"time": START - 10 * MINUTE}, 5 * MINUTE, Action.HOLD, id="own-time-old"),
        pytest.param({"time": START + MINUTE}, 0 * MINUTE, Action.HOLD, id="of-the-future"),
        pytest.param({"valid_until": START + 60 * MINUTE}, 59 * MINUTE, Action.BUY, id="long"),
        pytest.param({"valid_until": START + 60 * MINUTE}, 60 * MINUTE, Action.HOLD, id="its-end"),
        pytest.param({"valid_until": START + 2 * MINUTE}, 2 * MINUTE, Action.HOLD, id="short"),
    ],
)
def test_a_decision_counts_while_it_is_fresh(
    decision: dict[str, Any], age: timedelta, want: Action
) -> None:
    verdict = judge(make_decision(**decision), START + age)
    assert verdict.action is want
    assert want is Action.BUY or verdict.code == "GateFresh"


def test_a_word_that_is_no_action_does_nothing() -> None:
    verdict = judge(make_decision("StrongBuy", "1"))
    assert (verdict.action, verdict.code) == (Action.HOLD, "GateAction")
    assert verdict.reason == "the analyst says StrongBuy; Buy, Sell or Hold is known"


@pytest.mark.parametrize(
    ("analysis", "want"),
    [
        pytest.param(None, "waits for an analysis that is fresh enough", id="no-analysis"),
        pytest.param(
            Analysis(data_until=START),
            "waits for a decision: central delivers none for this market",
            id="no-decision",
        ),
    ],
)
def test_without_a_decision_it_waits_and_says_so(analysis: Analysis | None, want: str) -> None:
    verdict = judge(analysis)
    assert (verdict.action, verdict.code, verdict.reason) == (Action.HOLD, "DataMissing", want)


@pytest.mark.parametrize(
    ("word", "want"),
    [
        pytest.param("Buy", Action.BUY, id="below-the-floor"),
        pytest.param("Wait", Action.HOLD, id="no-action"),
    ],
)
def test_it_sees_what_the_analyst_says_acted_on_or_not(word: str, want: Action) -> None:
    verdict = judge(make_decision(word, "0.2"))
    assert verdict.action is Action.HOLD
    assert verdict.sight == Sight(action=want, score=Decimal("0.2"), of=START)
