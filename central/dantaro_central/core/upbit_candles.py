"""Upbit's candles: from its JSON to ours.

Source:
    `upbit.md`, section 8: newest first, the label is the open in UTC, no candle without a trade.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dantaro_central.core.candles import MINUTE, Candle
from dantaro_crds.errors import SpecError

__all__ = ["fill_minutes", "to_candles"]


def to_candles(rows: object) -> list[Candle]:
    """Return the candles of an answer, oldest first, whatever their order was.

    Args:
        rows: Parsed JSON, numbers as `Decimal` or text.

    Raises:
        SpecError: The answer is no list of candles.
    """
    if not isinstance(rows, list):
        raise SpecError(f"expected a list of candles, found {str(rows)[:80]}")
    return sorted((_to_candle(row) for row in rows), key=lambda candle: candle.time)


def _to_candle(row: Any) -> Candle:
    if not isinstance(row, Mapping):
        raise SpecError(f"expected a candle, found {str(row)[:80]}")
    try:
        time = datetime.fromisoformat(row["candle_date_time_utc"]).replace(tzinfo=UTC)
        candle = Candle(
            time=time,
            open=Decimal(row["opening_price"]),
            high=Decimal(row["high_price"]),
            low=Decimal(row["low_price"]),
            close=Decimal(row["trade_price"]),
            volume=Decimal(row["candle_acc_trade_volume"]),
        )
    except (KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise SpecError(f"expected a candle, found {str(row)[:80]}") from error
    if not 0 < candle.low <= candle.open <= candle.high >= candle.close >= candle.low:
        raise SpecError(f"expected 0 < low <= open, close <= high, found {str(row)[:80]}")
    return candle


def fill_minutes(
    candles: Iterable[Candle], *, after: datetime, until: datetime
) -> Sequence[Candle]:
    """Return one candle for every minute that closed in (after, until].

    A minute without a trade gets the close before it and volume 0. Minutes before the first known
    price are left out.

    Args:
        candles: 1-minute candles, oldest first; earlier ones give the price before.
        after: Whole minute.
        until: Whole minute.
    """
    by_time: dict[datetime, Candle] = {}
    last: Decimal | None = None
    for candle in candles:
        if candle.time < after:
            last = candle.close
        by_time[candle.time] = candle
    filled: list[Candle] = []
    time = after
    while time + MINUTE <= until:
        found = by_time.get(time)
        if found is None and last is not None:
            found = Candle(time=time, open=last, high=last, low=last, close=last, volume=Decimal(0))
        if found is not None:
            filled.append(found)
            last = found.close
        time += MINUTE
    return filled
