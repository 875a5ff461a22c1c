"""The indicators of one market on every interval, as text for the wire."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from dantaro_central.core.analyzers.bars import BARS, Bars, Ring
from dantaro_central.core.analyzers.protocol import Analyzer, Figure
from dantaro_central.core.analyzers.risk import analyse_risk
from dantaro_central.core.analyzers.technical import analyse_technical
from dantaro_central.core.analyzers.volatility import analyse_volatility
from dantaro_central.core.analyzers.volume import analyse_volume
from dantaro_central.core.candles import Candle, floor_time
from dantaro_crds.values import Interval, decimal_text, utc_text
from dantaro_crds.wire.indicator_names import IndicatorName as Name

__all__ = ["ANALYZERS", "COMPUTED_DIGITS", "DayPrices", "MarketIndicators", "figures"]

ANALYZERS: tuple[Analyzer, ...] = (
    analyse_technical,
    analyse_volatility,
    analyse_volume,
    analyse_risk,
)

COMPUTED_DIGITS = 10
"""Significant digits of what is computed. A row must stay below 1,000 bytes: SQLite gives a longer
one a page of its own."""

_MOST_PLACES = 18
_TINY = 1e-6
"""Below this, significant digits would need more than the 18 places of a decimal on the wire."""

_TAKEN_DIGITS = 15
"""Significant digits of what is taken from a candle as it is: as many as float64 keeps exactly."""

_TAKEN = frozenset(
    {Name.CLOSE, Name.PREVIOUS_CLOSE, Name.DONCHIAN_UPPER20, Name.VOLUME, Name.SQUEEZE_ON}
)

_PRICES = frozenset(
    {
        Name.CLOSE,
        Name.PREVIOUS_CLOSE,
        Name.DONCHIAN_UPPER20,
        Name.MACD,
        Name.MACD_SIGNAL,
        Name.MACD_HISTOGRAM,
        Name.PREVIOUS_MACD_HISTOGRAM,
        Name.BOLLINGER_LOWER,
        Name.BOLLINGER_MIDDLE,
        Name.BOLLINGER_UPPER,
        Name.PREVIOUS_BOLLINGER_LOWER,
        Name.PREVIOUS_BOLLINGER_UPPER,
        Name.SMA50,
        Name.EMA12,
        Name.EMA26,
        Name.ATR14,
    }
)
"""Figures in quote currency: the scale of the bars is taken out of them."""

DayPrices = tuple[tuple[Name, Decimal], ...]
"""What is known of today and yesterday; what is not has no entry."""


def figures(bars: Bars) -> Iterator[Figure]:
    """Yield every figure of the newest bar that can be computed, in its own unit."""
    scale = bars.scale
    for analyse in ANALYZERS:
        for name, value in analyse(bars):
            yield name, value / scale if name in _PRICES else value


class MarketIndicators:
    """Rings of one market, and when there is something new to say of them."""

    def __init__(self) -> None:
        """Start empty."""
        self._rings = {interval: Ring(interval) for interval in Interval}
        self._texts: dict[Interval, tuple[datetime, str]] = {}
        self._days: DayPrices = ()

    def restore(self, candles: Mapping[Interval, Sequence[Candle]], *, days: DayPrices) -> None:
        """Take in what was stored.

        Args:
            candles: The newest 200 of each interval or all that there are, oldest first.
            days: As they were at the last analysis.
        """
        for interval, stored in candles.items():
            for candle in stored[-BARS:]:
                self._rings[interval].add(candle)
        self._days = days

    def add(self, interval: Interval, candle: Candle) -> None:
        """Take in a closed candle, later than all before of its interval."""
        self._rings[interval].add(candle)

    def bars(self, interval: Interval, until: datetime) -> Bars | None:
        """Return the last 200 candles that closed by `until`, None before the first."""
        ring = self._rings[interval]
        ring.fill(until)
        return ring.bars()

    def news(
        self, until: datetime, days: DayPrices, *, every: timedelta, is_first: bool = False
    ) -> Iterator[tuple[Interval, str]]:
        """Yield the intervals that say something else than at the analysis before, with the JSON of
        `Indicators`.

        Args:
            until: Market time; every candle added closed by then.
            days: Prices of the days at that time.
            every: How long ago the analysis before was made.
            is_first: There was none before.
        """
        is_new_day = days != self._days
        self._days = days
        for interval, ring in self._rings.items():
            span = interval.span
            closed = floor_time(until, span)
            if is_first or is_new_day or closed > until - every:
                ring.fill(until)
                if (text := self._text(ring, days)) is not None:
                    yield interval, text

    def _text(self, ring: Ring, days: DayPrices) -> str | None:
        bars, newest = ring.bars(), ring.newest
        if bars is None or newest is None:
            return None
        known = self._texts.get(ring.interval)
        if known is None or known[0] != newest:
            known = self._texts[ring.interval] = newest, _entries(bars)
        more = "".join(f',"{name}":"{decimal_text(price)}"' for name, price in days)
        return (
            f'{{"values":{{{known[1]}{more}}},"time":"{utc_text(newest)}",'
            f'"interval":"{ring.interval}"}}'
        )


def _entries(bars: Bars) -> str:
    """Return name and value of every figure as JSON, values as plain decimal text."""
    names, values = zip(*figures(bars), strict=True)
    text = _form(names) % values
    if "e-" in text or "e+" in text or '"-0"' in text:
        return ",".join(map(_plain_entry, names, values))
    return text


@lru_cache(maxsize=64)
def _form(names: tuple[Name, ...]) -> str:
    """Return the format of these figures; a bar has always the same but for the first."""
    return ",".join(f'"{name.value}":"%.{_digits(name)}g"' for name in names)


def _plain_entry(name: Name, value: float) -> str:
    form = f".{_MOST_PLACES}f" if abs(value) < _TINY else f".{_digits(name)}g"
    return f'"{name.value}":"{decimal_text(Decimal(format(value, form)))}"'


def _digits(name: Name) -> int:
    return _TAKEN_DIGITS if name in _TAKEN else COMPUTED_DIGITS
