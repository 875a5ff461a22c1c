"""The gates of a breakout one by one, the border of the day, and the late start."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.strategies import BreakoutStrategy
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from dantaro_runtime.core.strategies.position.breakout import judge_breakout
from dantaro_runtime.core.strategies.position.verdict import Action, Position, Sight, Verdict
from tests.support.positions import breakout_values, make_indicators
from tests.support.staged import make_context
from tests.support.strategy_run import START

pytestmark = pytest.mark.unit

NOON = START + timedelta(hours=12)
DAY = timedelta(days=1)


def judge(
    last: str = "3300",
    *,
    seen: bool = False,
    without: Name | None = None,
    position: Position | None = None,
    time: Any = NOON,
    data_until: Any = None,
    parameters: dict[str, Any] | None = None,
    values: dict[str, str] | None = None,
) -> Verdict:
    """Return the verdict at noon of a day whose target is 3300."""
    analysis = make_indicators(data_until or time, breakout_values(**(values or {})))
    assert analysis.indicators is not None
    if without:
        del analysis.indicators.values[without]
    return judge_breakout(
        BreakoutStrategy(**(parameters or {})),
        position or Position(seen=START if seen else None),
        make_context(analysis=analysis, time=time, last=Decimal(last)),
    )


def test_the_example_of_the_definition_buys_at_its_target() -> None:
    verdict = judge("3300")

    assert (verdict.action, verdict.mark) == (Action.BUY, START)
    assert [gate.name for gate in verdict.gates] == ["data", "squeeze", "breakout", "volume", "day"]
    assert judge("3299").code == "GateBreakout"


@pytest.mark.parametrize(
    ("values", "parameters", "target"),
    [
        pytest.param({"previousDayHigh": "3301"}, {}, "3301", id="up-to-a-tick"),
        pytest.param({}, {"k": "0.3"}, "3260", id="smaller-k"),
        pytest.param({}, {"k": "2"}, "3600", id="largest-k"),
        pytest.param({"dayOpen": "3150"}, {}, "3250", id="lower-open"),
    ],
)
def test_the_target_is_the_open_and_a_part_of_yesterdays_range(
    values: dict[str, str], parameters: dict[str, Any], target: str
) -> None:
    below = str(Decimal(target) - 1)
    assert judge(target, parameters=parameters, values=values).action is Action.BUY
    refused = judge(below, parameters=parameters, values=values)
    assert refused.reason == f"the price {below} is below the target {target}"


@pytest.mark.parametrize(
    ("values", "want", "reason"),
    [
        pytest.param({"squeezeOn": "1"}, "GateSqueeze", "the squeeze is on", id="still-squeezed"),
        pytest.param({"squeezeBars10": "5"}, "GateSqueeze", "in 5 of the 10", id="never-squeezed"),
        pytest.param({"close": "3304"}, "GateBreakout", "must be above", id="close-at-the-high"),
        pytest.param(
            {"previousDayLow": "3300", "dayOpen": "3300"}, "GateBreakout", "no range", id="no-range"
        ),
        pytest.param({"volume": "14.9"}, "GateVolume", "at least 1.5 times", id="thin"),
        pytest.param(
            {"volume": "0", "volumeSma20": "0"}, "GateVolume", "more than 0", id="no-volume"
        ),
    ],
)
def test_each_gate_alone_keeps_it_out(values: dict[str, str], want: str, reason: str) -> None:
    verdict = judge(values=values)
    assert (verdict.action, verdict.code) == (Action.HOLD, want)
    assert reason in verdict.reason
    assert [gate.name for gate in verdict.gates if not gate.passed] == [want[4:].lower()]


def test_the_first_gate_that_fails_gives_the_reason_and_all_are_told() -> None:
    verdict = judge("3200", values={"squeezeOn": "1", "volume": "0"})
    assert verdict.code == "GateSqueeze"
    assert dict(verdict.inputs)["volume.volume"] == "0"
    assert [gate.name for gate in verdict.gates if not gate.passed] == [
        "squeeze",
        "breakout",
        "volume",
    ]


def test_gates_that_are_not_asked_for_are_not_looked_at() -> None:
    off: dict[str, Any] = {"squeeze_gate": False, "volume_gate": False}
    assert judge(parameters=off, values={"squeezeOn": "1", "volume": "0"}).action is Action.BUY
    for name in (Name.SQUEEZE_ON, Name.SQUEEZE_BARS10, Name.VOLUME, Name.VOLUME_SMA20):
        assert judge(parameters=off, without=name).action is Action.BUY
        assert judge(without=name).reason == f"waits for indicators: {name} missing"


@pytest.mark.parametrize(
    ("last", "seen", "want"),
    [
        pytest.param("3316", False, Action.BUY, id="a-late-start-within-half-a-percent"),
        pytest.param("3317", False, Action.HOLD, id="a-late-start-beyond-it"),
        pytest.param("3317", True, Action.BUY, id="seen-below-it-may-jump"),
    ],
)
def test_nobody_runs_after_a_move_that_began_without_him(
    last: str, seen: bool, want: Action
) -> None:
    assert judge(last, seen=seen).action is want


def test_a_price_below_the_target_is_remembered_for_the_day_only() -> None:
    assert judge("3299").seen == START
    assert judge("3350", seen=True).seen == START
    assert judge("3350").seen is None
    assert judge("3350", seen=True, without=Name.CLOSE).seen == START
    tomorrow = judge("3350", seen=True, time=NOON + DAY)
    assert (tomorrow.seen, tomorrow.action) == (None, Action.HOLD)


def test_one_entry_a_day() -> None:
    assert judge(position=Position(acted=START)).code == "GateDay"
    assert judge(position=Position(acted=START - DAY)).action is Action.BUY


def test_the_day_begins_at_midnight_utc_with_its_first_candle() -> None:
    midnight = START + DAY
    early = judge(time=midnight + timedelta(minutes=4), data_until=midnight)
    first = judge(time=midnight + timedelta(minutes=5))

    assert early.reason == "waits for the first candle of 2026-01-02"
    assert early.action is Action.HOLD
    assert (first.action, first.mark) == (Action.BUY, midnight)


@pytest.mark.parametrize(
    ("time", "want"),
    [
        pytest.param(START + DAY - timedelta(minutes=1), Action.HOLD, id="last-minute-of-the-day"),
        pytest.param(START + DAY, Action.SELL, id="open-of-the-next"),
    ],
)
def test_a_position_is_left_at_the_next_days_open_even_without_data(
    time: Any, want: Action
) -> None:
    verdict = judge_breakout(
        BreakoutStrategy(),
        Position(is_open=True, acted=START),
        make_context(analysis=None, time=time),
    )
    assert verdict.action is want


def test_without_an_analysis_nothing_is_bought() -> None:
    verdict = judge_breakout(BreakoutStrategy(), Position(), make_context(analysis=None))
    assert (verdict.action, verdict.code) == (Action.HOLD, "DataMissing")


@pytest.mark.parametrize(
    ("last", "values", "action", "score"),
    [
        pytest.param("3300", {}, Action.BUY, "1", id="all-open"),
        pytest.param("3300", {"volume": "14"}, Action.HOLD, "0.6667", id="no-volume"),
        pytest.param("3299", {"squeezeOn": "1"}, Action.HOLD, "0.3333", id="volume-alone"),
    ],
)
def test_it_sees_how_many_gates_of_the_market_are_open_bought_today_or_not(
    last: str, values: dict[str, str], action: Action, score: str
) -> None:
    seen = judge(last, values=values, position=Position(acted=START, seen=START)).sight
    opened = NOON - timedelta(minutes=15)
    assert seen == Sight(action=action, score=Decimal(score), of=opened)


def test_with_a_position_it_sees_only_whether_the_day_is_over() -> None:
    held = Position(is_open=True, acted=START)
    assert judge(position=held).sight == Sight(action=Action.HOLD, of=START)
    later = judge(position=held, time=START + DAY)
    assert later.sight == Sight(action=Action.SELL, of=START + DAY)


@pytest.mark.parametrize(
    ("last", "want"),
    [
        pytest.param("3299", START + DAY, id="below-the-target"),
        pytest.param("3300", None, id="at-it"),
    ],
)
def test_a_price_below_the_target_is_remembered_while_the_old_position_is_sold(
    last: str, want: datetime | None
) -> None:
    verdict = judge(last, position=Position(is_open=True, acted=START), time=NOON + DAY)
    assert (verdict.action, verdict.seen) == (Action.SELL, want)
