"""Confidence of support levels, against values computed by hand."""

from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest

from dantaro_central.core.analyzers.touches import HourTape, confidence
from dantaro_central.core.support_levels import SupportWindows
from dantaro_crds.wire.bundle import SupportLevels
from tests.support.candles import START

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("lows", "traded", "want"),
    [
        # One visit of two hours (1/5); usual volume (1/2): 0.35.
        pytest.param([110, 100, 99, 110], [1, 1, 1, 1], 0.35, id="one-visit"),
        # 100.5 is 0.5 % above and counts, 100.51 does not: two visits (2/5), usual volume.
        pytest.param([100.5, 110, 100, 100.51], [1, 1, 1, 1], 0.45, id="the-edge"),
        # 6 of 8 traded in one of four hours: three times the usual, counts 1; a visit 0.2.
        pytest.param([110, 100, 110, 110], [1, 6, 1, 0], 0.6, id="busy"),
        # Nothing traded there: 0; a visit 0.2.
        pytest.param([110, 100, 110, 110], [1, 0, 1, 1], 0.1, id="quiet"),
        pytest.param([110, 100] * 6, [0] * 12, 0.75, id="six-visits-nothing-traded"),
    ],
)
def test_visits_and_volume_found_a_level(
    lows: list[float], traded: list[float], want: float
) -> None:
    assert confidence(np.array(lows, float), np.array(traded, float), 100.0) == want


def test_the_tape_keeps_the_newest_hours() -> None:
    tape = HourTape(5)
    for n in range(23):
        tape.add(START + n * HOUR, n, 2 * n)
    lows, traded = tape.since(START + 20 * HOUR)
    assert (lows.tolist(), traded.tolist()) == ([20, 21, 22], [40, 42, 44])


def test_a_level_says_how_well_it_is_founded_and_none_says_nothing() -> None:
    windows = SupportWindows("KRW-BTC")
    for n in range(168):
        # Each 28th hour falls to 900: six visits of one hour, all hours traded alike.
        windows.add(START + n * HOUR, Decimal(900 if n % 28 == 0 else 1000), 1.0)
    found = SupportLevels.model_validate_json(windows.text(START + 168 * HOUR, None))
    # 5 % of 167 is rank 8.35, beyond the six lows of 900.
    assert found.aggressive.price == 1000
    assert found.aggressive.confidence == Decimal("0.35")
    assert (found.moderate.price, found.moderate.confidence) == (None, None)
