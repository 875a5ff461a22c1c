"""What can be lost: the fall from the highest close."""

from collections.abc import Iterator

import numpy as np

from dantaro_central.core.analyzers.bars import Bars, Floats
from dantaro_central.core.analyzers.protocol import Figure
from dantaro_crds.wire.indicator_names import IndicatorName as Name

__all__ = ["analyse_risk", "max_drawdown"]


def max_drawdown(close: Floats) -> float:
    """Return the deepest fall below the highest close before it, fraction 0..1.

    Args:
        close: > 0, oldest first, n >= 1.

    Source:
        Indicators definition, section 7.
    """
    return float((1 - close / np.maximum.accumulate(close)).max())


def analyse_risk(bars: Bars) -> Iterator[Figure]:
    """Yield the deepest fall of 200 bars; nothing of fewer."""
    if bars.is_full:
        yield Name.MAX_DRAWDOWN, max_drawdown(bars.close)
