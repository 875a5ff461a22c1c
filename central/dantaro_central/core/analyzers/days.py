"""What the daily candles say of a market for its score."""

from dataclasses import dataclass

from talib import _ta_lib as ta

from dantaro_central.core.analyzers.bars import Bars, mean
from dantaro_central.core.analyzers.risk import max_drawdown

__all__ = ["DayFigures", "look_at_days"]

_ATR = 14
_USUAL_DAYS = 20
_FALL_DAYS = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """Figures of closed daily candles; None: not enough of them.

    Attributes:
        days: How many candles there are, at most 200.
        usual: Mean value traded, of the 20 days before the newest, quote currency.
        day_range: ATR(14) over the last close, fraction; of fewer than 200 candles too.
        drawdown: Deepest fall of a close below a higher one before it in 90 days, fraction 0..1.
    """

    days: int = 0
    usual: float | None = None
    day_range: float | None = None
    drawdown: float | None = None


def look_at_days(bars: Bars | None) -> DayFigures:
    """Return what closed daily candles say; None: there are none."""
    if bars is None:
        return DayFigures()
    usual = day_range = None
    n = len(bars)
    if n > _USUAL_DAYS:
        before = slice(-_USUAL_DAYS - 1, -1)
        usual = mean(bars.close[before] * bars.volume[before]) / bars.scale
    if n > _ATR:
        reach = float(ta.ATR(bars.high, bars.low, bars.close, _ATR)[-1])
        day_range = reach / float(bars.close[-1])
    return DayFigures(
        days=n,
        usual=usual,
        day_range=day_range,
        drawdown=max_drawdown(bars.close[-_FALL_DAYS:]),
    )
