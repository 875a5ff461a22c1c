"""Objects as the rows that `kubectl get` would print: the same columns, the same ages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from dantaro_crds.v1alpha1.resource import PrinterColumn, Resource, dump
from dantaro_crds.values import parse_utc

__all__ = ["Table", "age_text", "build_table", "fit_table", "table_text"]

MARKET_AGES = frozenset({".status.analysisTime"})
"""Columns whose time is market time: their age is taken against the bot's own market time."""

_GAP = "   "

_DROP_ORDER: tuple[tuple[str, frozenset[str]], ...] = (
    ("AGE", frozenset()),
    ("HALTED", frozenset({"", "False"})),
    ("READY", frozenset({"True"})),
    ("EXCHANGE", frozenset()),
    ("MODE", frozenset()),
    ("STRATEGY", frozenset()),
    ("ALLOCATED", frozenset()),
    ("BUDGET", frozenset()),
    ("SYMBOL", frozenset()),
    ("ORDERS", frozenset()),
    ("REALIZED", frozenset()),
    ("UNREALIZED", frozenset()),
)
"""What goes first where there is no room, with the only values that may go; none named: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Text in columns.

    Attributes:
        plural: Resource name.
        header: Titles, in capitals.
        rows: One a object, each as long as the header.
    """

    plural: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def build_table(
    kind: type[Resource],
    resources: Iterable[Resource],
    *,
    now: datetime,
    market_times: Mapping[str, datetime] | None = None,
    wide: bool = False,
    with_namespace: bool = False,
    prefix: str = "",
) -> Table:
    """Return the table of one kind, by namespace and name.

    Args:
        kind: The kind.
        resources: Its objects; others are left out.
        now: Wall time, for ages.
        market_times: Market time of each bot by uid, for ages of market data.
        wide: Whether columns of priority 1 are shown.
        with_namespace: Whether a first column names the namespace.
        prefix: What stands before each name.
    """
    columns = [column for column in kind.info.columns if wide or column.priority == 0]
    mine = sorted(
        (item for item in resources if isinstance(item, kind)),
        key=lambda item: (item.metadata.namespace, item.metadata.name),
    )
    rows = []
    for item in mine:
        document = dump(item)
        market = (market_times or {}).get(item.metadata.uid)
        cells = [_cell(column, document, now=now, market=market) for column in columns]
        space = [item.metadata.namespace] if with_namespace else []
        rows.append((*space, f"{prefix}{item.metadata.name}", *cells))
    titles = ["NAME", *(column.name.upper() for column in columns)]
    header = (["NAMESPACE"] if with_namespace else []) + titles
    return Table(plural=kind.info.plural, header=tuple(header), rows=tuple(rows))


def _cell(
    column: PrinterColumn, document: Mapping[str, Any], *, now: datetime, market: datetime | None
) -> str:
    value = column.value(document)
    if value is None:
        return ""
    if column.type == "date":
        reference = market if column.json_path in MARKET_AGES else now
        return age_text(reference - parse_utc(value)) if reference is not None else ""
    return str(value)


def age_text(span: timedelta) -> str:
    """Return a span as kubectl prints an age: `45s`, `2m30s`, `12m`, `3h5m`, `26h`, `3d4h`, `12d`.

    Source:
        HumanDuration of k8s.io/apimachinery.
    """
    seconds = int(span.total_seconds())
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    steps: tuple[tuple[bool, str], ...] = (
        (seconds < 120, f"{seconds}s"),
        (minutes < 10, _pair(minutes, "m", seconds % 60, "s")),
        (minutes < 180, f"{minutes}m"),
        (hours < 8, _pair(hours, "h", minutes % 60, "m")),
        (hours < 48, f"{hours}h"),
        (days < 8, _pair(days, "d", hours % 24, "h")),
        (days < 730, f"{days}d"),
        (days < 2920, _pair(days // 365, "y", days % 365, "d")),
    )
    return next((text for fits, text in steps if fits), f"{days // 365}y")


def _pair(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large}{large_unit}{small}{small_unit}" if small else f"{large}{large_unit}"


def table_text(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as plain text, each column as wide as its widest cell."""
    lines = [header, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(header))]
    return "\n".join(
        _GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def fit_table(table: Table, width: int, *, gap: int) -> Table:
    """Return a table without the columns that matter least, until it fits.

    Args:
        table: The table.
        width: Room, signs.
        gap: Signs between two columns.
    """
    for title, harmless in _DROP_ORDER:
        if _width(table, gap) <= width:
            break
        if title in table.header:
            at = table.header.index(title)
            if not harmless or {row[at] for row in table.rows} <= harmless:
                table = _without(table, at)
    return table


def _width(table: Table, gap: int) -> int:
    columns = list(zip(table.header, *table.rows, strict=True))
    return sum(max(map(len, column)) for column in columns) + gap * (len(columns) - 1)


def _without(table: Table, at: int) -> Table:
    rows = tuple((*row[:at], *row[at + 1 :]) for row in table.rows)
    return replace(table, header=(*table.header[:at], *table.header[at + 1 :]), rows=rows)
