"""Constrained value types with the JSON schema that a structural CRD schema accepts.

The same pattern is checked here and by the API server (RE2 syntax, no lookahead), so that local
mode and a cluster accept the same text. Python compares with `re.fullmatch`.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

__all__ = [
    "DECIMAL_PATTERN",
    "INTERVALS",
    "NAME_PATTERN",
    "POSITIVE_DECIMAL_PATTERN",
    "SIGNED_DECIMAL_PATTERN",
    "SYMBOL_OR_AUTO_PATTERN",
    "SYMBOL_PATTERN",
    "DecimalStr",
    "Interval",
    "PositiveDecimalStr",
    "SignedDecimalStr",
    "Symbol",
    "SymbolOrAuto",
    "UtcTime",
    "decimal_text",
    "parse_day",
    "parse_utc",
    "quote_of",
    "utc_text",
]

DECIMAL_PATTERN = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$"
"""A decimal >= 0: at most 18 digits before and 18 after the point, no sign, no exponent."""

POSITIVE_DECIMAL_PATTERN = r"^(0\.0{0,17}[1-9][0-9]{0,17}|[1-9][0-9]{0,17}(\.[0-9]{1,18})?)$"
"""A decimal > 0, likewise."""

SIGNED_DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$"
"""A decimal of either sign, likewise."""

SYMBOL_PATTERN = (
    r"^([A-Z0-9]{1,10}-[A-Z0-9]{1,20}|[A-Z0-9]{1,20}/[A-Z0-9]{1,10}(:[A-Z0-9]{1,10})?)$"
)
"""A market: `KRW-BTC` (Upbit: quote first) or `BTC/USDT` (ccxt: base first)."""

SYMBOL_OR_AUTO_PATTERN = (
    r"^(auto|[A-Z0-9]{1,10}-[A-Z0-9]{1,20}|[A-Z0-9]{1,20}/[A-Z0-9]{1,10}(:[A-Z0-9]{1,10})?)$"
)
"""A market, or `auto`: the best recommendation."""

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
"""A DNS label: the name of a bot or an Allocation (at most 49 signs, no dots)."""


class Interval(StrEnum):
    """Length of a candle."""

    M1 = "1m"
    M5 = "5m"
    M15 = "15m"
    M30 = "30m"
    M60 = "60m"
    M240 = "240m"
    D1 = "1d"

    @property
    def span(self) -> timedelta:
        """The length as a span of time."""
        return INTERVALS[self]


INTERVALS: dict[Interval, timedelta] = {
    Interval.M1: timedelta(minutes=1),
    Interval.M5: timedelta(minutes=5),
    Interval.M15: timedelta(minutes=15),
    Interval.M30: timedelta(minutes=30),
    Interval.M60: timedelta(minutes=60),
    Interval.M240: timedelta(minutes=240),
    Interval.D1: timedelta(days=1),
}
"""Span of each interval."""


def decimal_text(value: Decimal) -> str:
    """Return the plain decimal text of a number: no exponent, no trailing zeros, never `-0`."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def utc_text(value: datetime) -> str:
    """Return RFC 3339 text in UTC with `Z`, with a fraction only where there is one."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_utc(value: object) -> datetime:
    """Return an aware UTC time from RFC 3339 text or an aware time.

    Raises:
        ValueError: The text is no RFC 3339 time, or the time has no zone.
    """
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(time, datetime) and time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"expected a time with a zone such as 2026-01-31T09:00:00Z, was {value!r}")


def parse_day(text: str) -> date:
    """Return the day of a text such as 2026-01-31, and of no other notation.

    Raises:
        ValueError: The text is no such day.
    """
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ValueError(f"expected a day such as 2026-01-31, was {text!r}")


def quote_of(symbol: str) -> str:
    """Return the quote currency of a symbol: `KRW` of `KRW-BTC`, `USDT` of `BTC/USDT`."""
    if "-" in symbol:
        return symbol.split("-", 1)[0]
    return symbol.split("/", 1)[1].split(":", 1)[0]


def _cut_text(value: Decimal) -> str:
    """Return the text of a number, cut to 18 places: exact arithmetic gives more than that."""
    if not value.is_finite() or (value and value.adjusted() > 18):
        return str(value)
    if value.adjusted() < -19:
        return "0"
    text = decimal_text(value)
    if len(text) <= 20:  # at most 18 places: no need to cut, and this runs for every candle
        return text
    with localcontext(prec=60):
        return decimal_text(round(value, 18))


def _decimal_reader(pattern: str, expected: str) -> Callable[[Any], Decimal]:
    compiled = re.compile(pattern)

    def read(value: Any) -> Decimal:
        if isinstance(value, Decimal):
            text = _cut_text(value)
        elif isinstance(value, str):
            text = value
        else:
            raise ValueError(  # pydantic reports ValueError only
                f"expected {expected} as a quoted string, was {type(value).__name__} {value!r}"
            )
        if compiled.fullmatch(text) is None:
            raise ValueError(f"expected {expected}, was {text!r}")
        return Decimal(text)

    return read


def _decimal_type(pattern: str, expected: str, longest: int = 37) -> Any:
    return (
        BeforeValidator(_decimal_reader(pattern, expected)),
        PlainSerializer(decimal_text, return_type=str),
        WithJsonSchema({"type": "string", "maxLength": longest, "pattern": pattern}),
    )


_GE0 = _decimal_type(DECIMAL_PATTERN, "a decimal number >= 0")
_GT0 = _decimal_type(POSITIVE_DECIMAL_PATTERN, "a decimal number > 0")
_ANY = _decimal_type(SIGNED_DECIMAL_PATTERN, "a decimal number", 38)

DecimalStr = Annotated[Decimal, _GE0[0], _GE0[1], _GE0[2]]
"""A `Decimal` >= 0 that is a string on every wire."""

PositiveDecimalStr = Annotated[Decimal, _GT0[0], _GT0[1], _GT0[2]]
"""A `Decimal` > 0 that is a string on every wire."""

SignedDecimalStr = Annotated[Decimal, _ANY[0], _ANY[1], _ANY[2]]
"""A `Decimal` of either sign that is a string on every wire."""


def _text_reader(pattern: str, expected: str, longest: int) -> Callable[[Any], str]:
    compiled = re.compile(pattern)

    def read(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not compiled.fullmatch(value):
            raise ValueError(f"expected {expected}, was {value!r}")
        return value

    return read


Symbol = Annotated[
    str,
    BeforeValidator(_text_reader(SYMBOL_PATTERN, "a market such as KRW-BTC or BTC/USDT", 42)),
    WithJsonSchema({"type": "string", "maxLength": 42, "pattern": SYMBOL_PATTERN}),
]
"""A market."""

SymbolOrAuto = Annotated[
    str,
    BeforeValidator(
        _text_reader(SYMBOL_OR_AUTO_PATTERN, "auto or a market such as KRW-BTC or BTC/USDT", 42)
    ),
    WithJsonSchema({"type": "string", "maxLength": 42, "pattern": SYMBOL_OR_AUTO_PATTERN}),
]
"""A market, or `auto`."""

UtcTime = Annotated[
    datetime,
    BeforeValidator(parse_utc),
    PlainSerializer(utc_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware UTC time, RFC 3339 with `Z` on every wire."""
