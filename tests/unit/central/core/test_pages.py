"""Pages put together as text are what the wire models say."""

from decimal import Decimal

import pytest
from pydantic import TypeAdapter

from dantaro_central.core.pages import AnalysisRow, analysis_json, candles_json
from dantaro_crds.wire.bundle import Analysis, Candle, SupportLevel, SupportLevels
from tests.support.candles import START

pytestmark = pytest.mark.unit


def test_candles_are_those_of_the_wire() -> None:
    row = ("2025-09-01T00:00:00Z", "100", "110.5", "90", "105", "0.00000001")
    (candle,) = TypeAdapter(list[Candle]).validate_json(candles_json([row]))
    assert (candle.time, candle.high, candle.volume) == (START, Decimal("110.5"), Decimal("1e-8"))
    assert candles_json([]) == "[]"


def test_an_analysis_is_that_of_the_wire_with_every_key() -> None:
    level = SupportLevel(window_days=7, price=Decimal(5))
    levels = SupportLevels(aggressive=level, moderate=level, conservative=level)
    row = AnalysisRow(
        data_until="2025-09-01T00:00:00Z",
        support_levels=levels.model_dump_json(by_alias=True),
        market_status="null",
    )
    want = Analysis(data_until=START, support_levels=levels)
    assert analysis_json(row) == want.model_dump_json(by_alias=True)
