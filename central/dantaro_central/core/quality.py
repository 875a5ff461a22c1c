"""What is wrong with the stored candles of a market.

| count | of |
|---|---|
| missing | intervals without a candle; a longer one without any trade has none either |
| duplicate | candles that the venue told twice in one answer |
| outlier | candles with a price over 30 % off the median of the eleven closes around them |
| stale | minutes since the last trade, if the market is silent; else 0 |

Minutes without a trade are filled when they are collected, so each missing one is a gap.

Source:
    Own choice.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from dantaro_central.core.candles import Candle
from dantaro_crds.values import Interval, utc_text

__all__ = ["QualityReport", "judge_candles"]

_EXAMPLES = 5
_NEIGHBOURS = 5
_OFF = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport:
    """One market and interval.

    Attributes:
        symbol: The market.
        interval: Length of the candles.
        checked: Market time.
        missing: Intervals without a candle.
        duplicate: Candles told twice.
        outlier: Candles far off their neighbours.
        stale: Minutes since the last trade of a silent market, else 0.
        body: JSON: `from`, and examples of `missing` and `outlier`, times of candles.
    """

    symbol: str
    interval: Interval
    checked: datetime
    missing: int
    duplicate: int
    outlier: int
    stale: int
    body: str

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.missing or self.duplicate or self.outlier or self.stale)


def judge_candles(
    candles: Sequence[Candle],
    *,
    symbol: str,
    interval: Interval,
    until: datetime,
    duplicate: int = 0,
    silent_since: datetime | None = None,
) -> QualityReport:
    """Return what is wrong with stored candles.

    Args:
        candles: Oldest first; the first one is where looking begins.
        symbol: The market.
        interval: Length of the candles.
        until: Market time; candles that close later are not expected.
        duplicate: How many the venue told twice.
        silent_since: Last trade of a silent market, else None.
    """
    missing = _missing(candles, interval.span, until)
    outliers = _outliers(candles)
    body = {
        "from": utc_text(candles[0].time) if candles else None,
        "missing": [utc_text(time) for time in missing[-_EXAMPLES:]],
        "outlier": [utc_text(time) for time in outliers[-_EXAMPLES:]],
    }
    stale = (until - silent_since) // timedelta(minutes=1) if silent_since else 0
    return QualityReport(
        symbol=symbol,
        interval=interval,
        checked=until,
        missing=len(missing),
        duplicate=duplicate,
        outlier=len(outliers),
        stale=stale,
        body=json.dumps(body, separators=(",", ":")),
    )


def _missing(candles: Sequence[Candle], span: timedelta, until: datetime) -> list[datetime]:
    if not candles:
        return []
    there = {candle.time for candle in candles}
    first = candles[0].time
    count = max((until - first) // span, 0)
    return [time for n in range(count) if (time := first + n * span) not in there]


def _outliers(candles: Sequence[Candle]) -> list[datetime]:
    closes = [float(candle.close) for candle in candles]
    found = []
    for place, candle in enumerate(candles):
        begin = min(max(place - _NEIGHBOURS, 0), max(len(closes) - 2 * _NEIGHBOURS - 1, 0))
        around = closes[begin : begin + 2 * _NEIGHBOURS + 1]
        if len(around) <= _NEIGHBOURS:
            continue
        middle = median(around)
        if float(candle.high) > middle * (1 + _OFF) or float(candle.low) < middle * (1 - _OFF):
            found.append(candle.time)
    return found
