"""Upbit's markets, tickers and order books: from its JSON to ours.

Source:
    `upbit.md`, section 8.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from dantaro_central.core.analyzers.order_book import pressure, spread
from dantaro_central.core.findings import Cautions
from dantaro_crds.errors import SpecError
from dantaro_crds.values import SYMBOL_PATTERN, decimal_text
from dantaro_crds.wire.bundle import Ticker

__all__ = ["Quote", "to_cautions", "to_listed", "to_order_books", "to_quotes"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VOLUME_PLACES = Decimal("0.00000001")
_BROKEN = (AttributeError, InvalidOperation, KeyError, OverflowError, TypeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The last price of a market.

    Attributes:
        ticker: As bots see it.
        traded: Time of the last trade.
    """

    ticker: Ticker
    traded: datetime


def to_listed(rows: object, *, quote: str) -> list[str]:
    """Return the markets of a quote currency that an answer lists, by name.

    Raises:
        SpecError: The answer lists no market at all.
    """
    listed = sorted(
        {
            symbol
            for row in _rows(rows)
            if isinstance(symbol := row.get("market"), str)
            and symbol.startswith(f"{quote}-")
            and re.fullmatch(SYMBOL_PATTERN, symbol)
        }
    )
    if not listed:
        raise SpecError(f"expected markets of {quote}, found {str(rows)[:80]}")
    return listed


def to_cautions(rows: object) -> dict[str, Cautions]:
    """Return what an answer warns of, by market; a market that says nothing of it has no entry.

    Raises:
        SpecError: The answer is no list.
    """
    return {
        str(row["market"]): Cautions(
            warned=event.get("warning") is True,
            flags=sum(flag is True for flag in dict(event.get("caution") or {}).values()),
        )
        for row in _rows(rows)
        if isinstance(event := row.get("market_event"), Mapping)
    }


def to_quotes(rows: object, *, now: datetime) -> dict[str, Quote]:
    """Return the quotes of an answer by market; rows that cannot be read are left out.

    Args:
        rows: Parsed JSON, numbers as `Decimal`.
        now: Market time of the quotes.

    Raises:
        SpecError: The answer is no list, or holds rows and none that can be read.
    """
    return _readable(rows, lambda row: (str(row["market"]), _to_quote(row, now)))


def to_order_books(rows: object) -> dict[str, tuple[datetime, str]]:
    """Return time and JSON of the order books of an answer by market.

    The JSON has `asks` and `bids`, lists of [price, amount] from the best price on, the totals
    `askTotal` and `bidTotal` that the venue tells, the `pressure` of the orders near the price, and
    the `spread` over the middle price, fraction (both null if a side is empty); decimal text.

    Raises:
        SpecError: The answer is no list, or holds rows and none that can be read.
    """
    return _readable(rows, lambda row: (str(row["market"]), _to_order_book(row)))


def _to_quote(row: Mapping[str, Any], now: datetime) -> Quote:
    volume = Decimal(row["acc_trade_volume_24h"]).quantize(_VOLUME_PLACES)
    return Quote(
        ticker=Ticker(time=now, price=_positive(row["trade_price"]), volume24h=volume),
        traded=_to_time(row["trade_timestamp"] if "trade_timestamp" in row else row["timestamp"]),
    )


def _to_order_book(row: Mapping[str, Any]) -> tuple[datetime, str]:
    units = list(_rows(row["orderbook_units"]))
    asks, bids = ([_level(unit, side) for unit in units] for side in ("ask", "bid"))
    heavier, apart = pressure(bids, asks), spread(bids, asks)
    body = {
        "asks": _texts(asks),
        "bids": _texts(bids),
        "askTotal": decimal_text(Decimal(row["total_ask_size"])),
        "bidTotal": decimal_text(Decimal(row["total_bid_size"])),
        "pressure": None if heavier is None else decimal_text(heavier),
        "spread": None if apart is None else decimal_text(apart),
    }
    return _to_time(row["timestamp"]), json.dumps(body, separators=(",", ":"))


def _level(unit: Mapping[str, Any], side: str) -> tuple[Decimal, Decimal]:
    return _positive(unit[f"{side}_price"]), Decimal(unit[f"{side}_size"])


def _texts(levels: Iterable[tuple[Decimal, Decimal]]) -> list[list[str]]:
    return [[decimal_text(price), decimal_text(amount)] for price, amount in levels]


def _positive(value: Any) -> Decimal:
    number = Decimal(value)
    if not (number.is_finite() and number > 0):
        raise ValueError(f"expected a number > 0, found {value}")
    return number


def _to_time(milliseconds: Any) -> datetime:
    return _EPOCH + timedelta(milliseconds=int(milliseconds))


def _rows(rows: object) -> Iterator[Mapping[str, Any]]:
    if not isinstance(rows, list):
        raise SpecError(f"expected a list, found {str(rows)[:80]}")
    return (row for row in rows if isinstance(row, Mapping))


def _readable(rows: object, read: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    broken = ""
    for row in _rows(rows):
        try:
            name, value = read(row)
        except (*_BROKEN, SpecError) as error:
            broken = f"{type(error).__name__} in {str(row)[:80]}"
        else:
            found[name] = value
    if broken and not found:
        raise SpecError(f"expected rows that can be read, found {broken}")
    return found
