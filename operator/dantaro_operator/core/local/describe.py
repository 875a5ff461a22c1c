"""One object in full, for a person: fields, conditions, open orders, last events."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dantaro_crds.v1alpha1.resource import Resource, dump
from dantaro_crds.values import decimal_text, utc_text
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.local.table import age_text, table_text

__all__ = ["describe_object"]

_LISTS = frozenset({"conditions", "bots"})
"""Lists that are shown as tables of their own."""


def describe_object(
    resource: Resource, *, report: BotReport | None, events: Sequence[str], now: datetime
) -> str:
    """Return the text of `dantaro describe`.

    Args:
        resource: The object.
        report: What the bot last said; None for other kinds, or if it never said anything.
        events: Last lines of its log, readable.
        now: Wall time, for ages.
    """
    document = dump(resource)
    sections = [
        "\n".join(_fields({"kind": resource.kind, "metadata": document["metadata"]}, 0)),
        "\n".join(_fields({"spec": document["spec"]}, 0)),
        "\n".join(_fields({"status": _without_lists(document["status"])}, 0)),
        _conditions(document["status"].get("conditions", []), now),
        _bots(document["status"].get("bots", [])),
        _figures(report),
        _open_orders(report),
        _events(events),
    ]
    return "\n\n".join(section for section in sections if section)


def _fields(data: Mapping[str, Any], depth: int) -> Iterator[str]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            if value:
                yield f"{'  ' * depth}{_title(name)}:"
                yield from _fields(value, depth + 1)
        elif isinstance(value, list):
            if value:
                yield f"{'  ' * depth}{_title(name)}:"
                yield from (f"{'  ' * (depth + 1)}- {_inline(item)}" for item in value)
        else:
            yield f"{'  ' * depth}{_title(name)}: {_plain(value)}"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:] if "/" not in name else name


def _inline(item: Any) -> str:
    if isinstance(item, Mapping):
        return ", ".join(f"{name} {_plain(value)}" for name, value in item.items())
    return str(item)


def _without_lists(status: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in status.items() if name not in _LISTS}


def _conditions(conditions: Iterable[Mapping[str, Any]], now: datetime) -> str:
    rows = [
        (
            item["type"],
            item["status"],
            age_text(now - datetime.fromisoformat(item["lastTransitionTime"])),
            item["reason"],
            item["message"],
        )
        for item in conditions
    ]
    return _section("Conditions", ("TYPE", "STATUS", "FOR", "REASON", "MESSAGE"), rows)


def _bots(bots: Iterable[Mapping[str, Any]]) -> str:
    names = ("kind", "name", "percent", "budget", "phase", "pnl")
    rows = [tuple(str(item.get(name, "")) for name in names) for item in bots]
    return _section("Bots", tuple(name.upper() for name in names), rows)


def _figures(report: BotReport | None) -> str:
    if report is None:
        return ""
    values = {
        "Engine": report.engine_state.value,
        "Strategy state": report.strategy_state,
        "Cycle": str(report.cycle),
        "Market time": utc_text(report.market_time) if report.market_time else "none yet",
        "Last price": decimal_text(report.last_price) if report.last_price else "none yet",
        "Equity": decimal_text(report.equity),
        "Realized": decimal_text(report.pnl.realized),
        "Unrealized": decimal_text(report.pnl.unrealized),
        "Fees": decimal_text(report.pnl.fees),
        "Reported": utc_text(report.heartbeat_time),
    }
    lines = "\n".join(f"  {name}: {value}" for name, value in values.items())
    return f"Last report:\n{lines}"


def _open_orders(report: BotReport | None) -> str:
    if report is None:
        return ""
    rows = [
        (order.side, decimal_text(order.price), decimal_text(order.volume), order.client_id)
        for order in report.open_orders
    ]
    header = ("SIDE", "PRICE", "VOLUME", "CLIENT ID")
    return _section(f"Open orders ({len(rows)})", header, rows)


def _events(events: Sequence[str]) -> str:
    return "Last events:\n" + "\n".join(f"  {line}" for line in events) if events else ""


def _section(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    table = table_text(header, rows).replace("\n", "\n  ")
    return f"{title}:\n  {table}"
