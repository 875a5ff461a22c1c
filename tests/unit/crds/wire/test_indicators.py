"""Indicators and decisions on the wire: named once, and read with and without their new fields."""

from decimal import Decimal

import pytest

from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Analysis
from dantaro_crds.wire.indicator_names import IndicatorName
from tests.support.positions import breakout_values, make_decision, make_indicators
from tests.support.strategy_run import START

pytestmark = pytest.mark.unit


def test_what_strategies_read_is_named_here() -> None:
    analysis = make_indicators(values=breakout_values())
    assert analysis.indicators is not None
    assert set(analysis.indicators.values) < set(IndicatorName)


def test_an_analysis_of_a_central_that_knows_less_is_read() -> None:
    text = (
        '{"dataUntil":"2026-01-01T00:00:00Z","indicators":{"values":{"rsi14":"50"}},'
        '"decision":{"action":"Hold","confidence":"0.5","reason":"no trend"}}'
    )
    analysis = Analysis.model_validate_json(text)
    assert analysis.indicators is not None
    assert analysis.decision is not None
    assert analysis.indicators.values == {IndicatorName.RSI14: Decimal(50)}
    assert (analysis.indicators.time, analysis.indicators.interval) == (None, None)
    assert (analysis.decision.time, analysis.decision.valid_until) == (None, None)


def test_what_is_told_survives_the_wire() -> None:
    told = make_indicators(interval=Interval.M60).model_copy(
        update={"decision": make_decision(time=START, valid_until=START).decision}
    )
    assert Analysis.model_validate_json(told.model_dump_json(by_alias=True)) == told
