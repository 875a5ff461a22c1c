"""Trend and momentum: means, RSI, MACD, stochastic, and the highest high before.

Source:
    Indicators definition, sections 2 and 4; TA-Lib computes.
"""

from collections.abc import Iterator

from talib import _ta_lib as ta

from dantaro_central.core.analyzers.bars import Bars, Floats, mean
from dantaro_central.core.analyzers.protocol import Figure
from dantaro_crds.wire.indicator_names import IndicatorName as Name

__all__ = ["analyse_technical", "rsi_of_flat"]

_STOCH = 14
_STOCH_REACH = _STOCH + 4
"""Bars that the last stochD looks at: 14, and 2 + 2 more for two means of 3."""


def analyse_technical(bars: Bars) -> Iterator[Figure]:
    """Yield the figures of the newest bar, and some of the bar before it."""
    close, n = bars.close, len(bars)
    yield Name.CLOSE, float(close[-1])
    if n >= 2:
        yield Name.PREVIOUS_CLOSE, float(close[-2])
    if n >= 21:
        yield Name.DONCHIAN_UPPER20, float(bars.high[-21:-1].max())
    if n >= 50:
        yield Name.SMA50, mean(close[-50:])
    if n >= _STOCH_REACH:
        yield from _stochastic(bars)
    if bars.is_full:
        yield from _recursive(close)


def _recursive(close: Floats) -> Iterator[Figure]:
    """Yield what depends on where it begins: of 200 bars, never of fewer."""
    yield Name.EMA12, float(ta.EMA(close, 12)[-1])
    yield Name.EMA26, float(ta.EMA(close, 26)[-1])
    strength = ta.RSI(close, 14)
    yield Name.RSI14, rsi_of_flat(float(strength[-1]), close)
    yield Name.PREVIOUS_RSI14, rsi_of_flat(float(strength[-2]), close[:-1])
    line, signal, histogram = ta.MACD(close, 12, 26, 9)
    yield Name.MACD, float(line[-1])
    yield Name.MACD_SIGNAL, float(signal[-1])
    yield Name.MACD_HISTOGRAM, float(histogram[-1])
    yield Name.PREVIOUS_MACD_HISTOGRAM, float(histogram[-2])


def rsi_of_flat(strength: float, close: Floats) -> float:
    """Return TA-Lib's RSI, but 50 where nothing moved: TA-Lib says 0 then, which means sold out."""
    if strength == 0.0 and bool((close == close[0]).all()):
        return 50.0
    return strength


def _stochastic(bars: Bars) -> Iterator[Figure]:
    """Yield %K and %D; nothing where a range that they look at is empty."""
    high, low = bars.high[-_STOCH_REACH:], bars.low[-_STOCH_REACH:]
    ranges = ta.MAX(high, _STOCH)[_STOCH - 1 :] - ta.MIN(low, _STOCH)[_STOCH - 1 :]
    if not bool((ranges > 0).all()):
        return
    fast, slow = ta.STOCH(
        high,
        low,
        bars.close[-_STOCH_REACH:],
        fastk_period=_STOCH,
        slowk_period=3,
        slowd_period=3,
    )
    yield Name.STOCH_K, float(fast[-1])
    yield Name.STOCH_D, float(slow[-1])
