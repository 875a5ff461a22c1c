"""Candles, and building longer ones of shorter ones."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dantaro_crds.values import Interval

__all__ = [
    "MINUTE",
    "Aggregator",
    "Candle",
    "CandleChain",
    "aggregate",
    "complete_history",
    "floor_time",
]

MINUTE = timedelta(minutes=1)
"""Length of the candles that bots consume."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SOURCE_OF = {
    Interval.M15: Interval.M5,
    Interval.M30: Interval.M5,
    Interval.M240: Interval.M60,
    Interval.D1: Interval.M240,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """Prices of one interval.

    Attributes:
        time: Open of the candle, on the grid of its interval.
        open: First price, quote currency, > 0.
        high: Highest price.
        low: Lowest price.
        close: Last price.
        volume: Traded amount, base currency; 0 where nothing was traded (all prices are the last
            known).
    """

    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


def floor_time(time: datetime, span: timedelta) -> datetime:
    """Return the latest time <= `time` on the UTC grid of `span`."""
    return time - (time - _EPOCH) % span


class Aggregator:
    """Builds candles of one interval of shorter ones that come in rising order.

    Only whole buckets count: one that began before `since` was not seen from its open, and is left
    out. Candles without volume say nothing new and are passed over, so a bucket without any trade
    makes no candle, as on Upbit.
    """

    def __init__(self, interval: Interval, *, since: datetime) -> None:
        self._span = interval.span
        self._since = since
        self._open: Candle | None = None

    def add(self, candle: Candle) -> None:
        """Take in a shorter candle; the bucket before must have been closed."""
        if not candle.volume:
            return
        current = self._open
        if current is not None and candle.time < current.time + self._span:
            self._open = Candle(
                time=current.time,
                open=current.open,
                high=max(current.high, candle.high),
                low=min(current.low, candle.low),
                close=candle.close,
                volume=current.volume + candle.volume,
            )
            return
        time = floor_time(candle.time, self._span)
        if time >= self._since:
            self._open = Candle(
                time=time,
                open=candle.open,
                high=candle.high,
                low=candle.low,
                close=candle.close,
                volume=candle.volume,
            )

    @property
    def growing(self) -> Candle | None:
        """The bucket in progress, None before its first trade."""
        return self._open

    def close(self, until: datetime) -> Candle | None:
        """Return the bucket in progress if it ended by `until`, and forget it."""
        current = self._open
        if current is None or current.time + self._span > until:
            return None
        self._open = None
        return current


class CandleChain:
    """Takes in candles of a short interval and hands on longer ones as they end."""

    def __init__(self, intervals: Sequence[Interval], *, since: datetime) -> None:
        """Start empty.

        Args:
            intervals: Rising, each a multiple of the one before; all divide a day.
            since: Where whole candles begin.
        """
        self.since = since
        self._builders = [(interval, Aggregator(interval, since=since)) for interval in intervals]

    def add(self, candle: Candle) -> None:
        """Take in a closed candle; those that ended before it opened must have been closed."""
        self._builders[0][1].add(candle)

    def close(self, until: datetime) -> Iterator[tuple[Interval, Candle]]:
        """Yield the longer candles that ended by `until`, shorter intervals first.

        It must be run through to its end.
        """
        shorter: Candle | None = None
        for interval, builder in self._builders:
            if shorter is not None:
                builder.add(shorter)
            shorter = builder.close(until)
            if shorter is not None:
                yield interval, shorter

    def forget(self, until: datetime) -> None:
        """Drop the longer candles that ended by `until`: they are known."""
        for _ in self.close(until):
            pass

    def open_price(self, since: datetime, until: datetime) -> Decimal | None:
        """Return the first price of the candles in progress, None without any.

        Args:
            since: Candles that opened earlier do not count.
            until: Nor those that opened then or later.
        """
        for _, builder in reversed(self._builders):
            growing = builder.growing
            if growing is not None and since <= growing.time < until:
                return growing.open
        return None


def aggregate(candles: Iterable[Candle], interval: Interval, *, until: datetime) -> list[Candle]:
    """Return the whole candles of `interval` that closed by `until`.

    Args:
        candles: Shorter candles, oldest first; the first one's open is where whole buckets begin.
        interval: The longer interval.
        until: Market time.

    Returns:
        Oldest first.
    """
    longer: list[Candle] = []
    aggregator: Aggregator | None = None
    for candle in candles:
        if aggregator is None:
            aggregator = Aggregator(interval, since=candle.time)
        if closed := aggregator.close(candle.time):
            longer.append(closed)
        aggregator.add(candle)
    if aggregator is not None and (closed := aggregator.close(until)):
        longer.append(closed)
    return longer


def complete_history(
    history: Mapping[Interval, list[Candle]], *, until: datetime
) -> dict[Interval, list[Candle]]:
    """Return a history with the longer intervals that it lacks, built of shorter ones.

    Args:
        history: Candles that closed by `until`, oldest first.
        until: Market time.
    """
    complete = dict(history)
    for interval, shorter in _SOURCE_OF.items():
        if interval not in complete and shorter in complete:
            complete[interval] = aggregate(complete[shorter], interval, until=until)
    return complete
