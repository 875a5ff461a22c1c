"""How far prices move: Bollinger, ATR, Keltner, squeeze.

Source:
    Indicators definition, sections 2 and 4; TA-Lib computes.
"""

from collections.abc import Iterator

import numpy as np
from talib import _ta_lib as ta

from dantaro_central.core.analyzers.bars import Bars, Floats
from dantaro_central.core.analyzers.protocol import Figure
from dantaro_crds.wire.indicator_names import IndicatorName as Name

__all__ = ["Bands", "analyse_volatility", "bollinger", "keltner", "squeezed"]

_PERIOD = 20
_WIDTH = 2.0
_KELTNER_WIDTH = 1.5

Bands = tuple[Floats, Floats, Floats]
"""Upper, middle, lower; NaN where there are too few bars before."""


def bollinger(close: Floats) -> Bands:
    """Return SMA(20) +- 2 population standard deviations.

    Taken of the distances from the last close: sums of squares of whole prices lose the digits that
    a quiet market is made of, and a flat one would not be flat.
    """
    last = close[-1]
    upper, middle, lower = ta.BBANDS(close - last, _PERIOD, _WIDTH, _WIDTH)
    return upper + last, middle + last, lower + last


def keltner(bars: Bars) -> Bands:
    """Return EMA(20) of the closes +- 1.5 x ATR(20) after Wilder."""
    middle = ta.EMA(bars.close, _PERIOD)
    reach = _KELTNER_WIDTH * ta.ATR(bars.high, bars.low, bars.close, _PERIOD)
    return middle + reach, middle, middle - reach


def squeezed(inner: Bands, outer: Bands) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each bar whether `inner` lies inside `outer` on both sides."""
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]] = (inner[2] > outer[2]) & (
        inner[0] < outer[0]
    )
    return inside


def analyse_volatility(bars: Bars) -> Iterator[Figure]:
    """Yield the figures of the newest bar, and some of the bars before it."""
    n = len(bars)
    if n < _PERIOD:
        return
    bands = upper, middle, lower = bollinger(bars.close)
    width = float(upper[-1] - lower[-1])
    yield Name.BOLLINGER_LOWER, float(lower[-1])
    yield Name.BOLLINGER_MIDDLE, float(middle[-1])
    yield Name.BOLLINGER_UPPER, float(upper[-1])
    yield Name.PERCENT_B, float(bars.close[-1] - lower[-1]) / width if width else 0.5
    if n > _PERIOD:
        yield Name.PREVIOUS_BOLLINGER_LOWER, float(lower[-2])
        yield Name.PREVIOUS_BOLLINGER_UPPER, float(upper[-2])
    if bars.is_full:
        yield Name.ATR14, float(ta.ATR(bars.high, bars.low, bars.close, 14)[-1])
        on = squeezed(bands, keltner(bars))
        yield Name.SQUEEZE_ON, float(on[-1])
        yield Name.PREVIOUS_SQUEEZE_ON, float(on[-2])
        yield Name.SQUEEZE_BARS10, float(np.count_nonzero(on[-11:-1]))
