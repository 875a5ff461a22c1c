"""Strict reading of recorded candles in CSV text. Opening files is the adapter's part."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import NoReturn

from dantaro_central.core.candles import Candle
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval, utc_text

__all__ = ["check_candles", "parse_candles"]

_HEADER = "time,open,high,low,close,volume"
_HEADERS = (_HEADER, f"{_HEADER},value")
_NUMBER = r"(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,18})?"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"
_ROW = re.compile(rf"({_TIME}){rf',({_NUMBER})' * 5}(,{_NUMBER})?")

_Row = tuple[str, datetime, str, str, str, str, str]


def check_candles(
    lines: Iterable[str], *, file: str, interval: Interval
) -> tuple[datetime, datetime]:
    """Read every line and return the opens of the first and the last candle.

    Args:
        lines: Text of the file, header first; line ends may be there or not.
        file: Name for messages.
        interval: Interval that every time must be on the grid of.

    Raises:
        SpecError: Names file, line, what was expected and what was found; also without any candle.
    """
    first: datetime | None = None
    last: datetime | None = None
    for _, last, *_ in _rows(lines, file=file, interval=interval):
        first = first or last
    if first is None or last is None:
        _refuse(file, 2, "a candle", "the end of the file")
    return first, last


def parse_candles(
    lines: Iterable[str], *, file: str, interval: Interval, since: datetime | None = None
) -> Iterator[Candle]:
    """Yield the candles of a file from `since` on, oldest first.

    Args:
        lines: Text of the file, header first.
        file: Name for messages.
        interval: Interval that every time must be on the grid of.
        since: Open of the first candle wanted; older lines are passed over unread. None: all.

    Raises:
        SpecError: Names file, line, what was expected and what was found.
    """
    for _, time, open_, high, low, close, volume in _rows(
        lines, file=file, interval=interval, since=utc_text(since) if since else ""
    ):
        yield Candle(
            time=time,
            open=Decimal(open_),
            high=Decimal(high),
            low=Decimal(low),
            close=Decimal(close),
            volume=Decimal(volume),
        )


def _rows(
    lines: Iterable[str], *, file: str, interval: Interval, since: str = ""
) -> Iterator[_Row]:
    numbered = enumerate((line.removesuffix("\n") for line in lines), start=1)
    _, header = next(numbered, (1, ""))
    if header not in _HEADERS:
        _refuse(file, 1, f"the header {' or '.join(_HEADERS)}", repr(header))
    columns = header.count(",") + 1
    seconds = int(interval.span.total_seconds())
    before = ""
    for number, line in numbered:
        text = line[:20]
        if text < since:
            continue
        match = _ROW.fullmatch(line)
        if match is None or (match[7] is not None) != (columns == 7):
            _refuse_row(file, number, line, columns)
        time = _to_time(file, number, text)
        if int(time.timestamp()) % seconds:
            _refuse(file, number, f"a time on the grid of {interval}", text)
        if text <= before:
            _refuse(file, number, f"a time after {before}", text)
        before = text
        _, open_, high, low, close, volume, _ = match.groups()
        # Converting to float keeps the order, so it is enough to find a wrong order.
        if not 0 < float(low) <= float(open_) <= float(high) >= float(close) >= float(low):
            _refuse_prices(file, number, open_, high, low, close)
        yield text, time, open_, high, low, close, volume


def _to_time(file: str, number: int, text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        _refuse(file, number, "a time such as 2025-09-01T00:00:00Z", repr(text))


def _refuse_row(file: str, number: int, line: str, columns: int) -> NoReturn:
    if line.endswith("\r"):
        _refuse(file, number, "line ends of LF alone", "CR LF")
    values = line.split(",")
    if len(values) != columns:
        _refuse(file, number, f"{columns} columns", f"{len(values)} in {line[:80]!r}")
    if re.fullmatch(_TIME, values[0]) is None:
        _refuse(file, number, "a time such as 2025-09-01T00:00:00Z", repr(values[0]))
    names = _HEADERS[1].split(",")
    name, value = next(
        (name, value)
        for name, value in zip(names[1:], values[1:], strict=False)
        if re.fullmatch(_NUMBER, value) is None
    )
    _refuse(file, number, f"{name} as a plain decimal >= 0 such as 1234.5", repr(value))


def _refuse_prices(file: str, number: int, open_: str, high: str, low: str, close: str) -> NoReturn:
    if float(low) <= 0:
        _refuse(file, number, "prices > 0", f"low {low}")
    found = f"open {open_}, high {high}, low {low}, close {close}"
    _refuse(file, number, "low <= open, close <= high", found)


def _refuse(file: str, number: int, expected: str, found: str) -> NoReturn:
    raise SpecError(
        f"{file}, line {number}: expected {expected}, found {found}", code="CandlesInvalid"
    )
