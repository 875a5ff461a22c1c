"""What `dantaro up` shows of a round: a title, tables, messages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dantaro_crds.v1alpha1.conditions import ConditionType, Reason, condition_of
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_operator.core.bots import Bot, bots_in, label
from dantaro_operator.core.local.documents import Finding
from dantaro_operator.core.local.market import MAX_SPEED, MarketSettings
from dantaro_operator.core.local.table import Table, build_table

__all__ = ["Screen", "build_screen"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """One picture.

    Attributes:
        title: Market, market time and speed.
        tables: One a kind that has objects.
        messages: What a person should know, the worst first.
        time: Wall time.
    """

    title: str
    tables: tuple[Table, ...]
    messages: tuple[str, ...]
    time: datetime

    def fingerprint(self) -> tuple[object, ...]:
        """Return what two pictures must differ in to be worth a new one: all but ages."""
        bodies = tuple(
            tuple(
                tuple(c for c, title in zip(row, table.header, strict=True) if "AGE" not in title)
                for row in table.rows
            )
            for table in self.tables
        )
        return (bodies, self.messages)


def build_screen(
    objects: Iterable[Resource],
    *,
    market: MarketSettings,
    health: CentralHealth | None,
    market_times: Mapping[str, datetime],
    findings: Iterable[Finding],
    trouble: str,
    now: datetime,
) -> Screen:
    """Return the picture of a round."""
    resources = tuple(objects)
    spaces = {item.metadata.namespace for item in resources}
    tables = (
        build_table(
            kind, resources, now=now, market_times=market_times, with_namespace=len(spaces) > 1
        )
        for kind in KINDS.values()
    )
    shown = [finding.text for finding in findings]
    told = {finding.object for finding in findings}
    complaints = [
        text for bot in bots_in(resources) if label(bot) not in told and (text := _complaint(bot))
    ]
    return Screen(
        title=_title(market, health),
        tables=tuple(table for table in tables if table.rows),
        messages=tuple(dict.fromkeys(([trouble] if trouble else []) + shown + complaints)),
        time=now,
    )


def _title(market: MarketSettings, health: CentralHealth | None) -> str:
    name = f"replay of {market.folder}" if market.folder else f"{market.source} market"
    speed = "as fast as possible" if market.speed == MAX_SPEED else f"speed {market.speed}x"
    time = health.market_time if health else None
    clock = f"{time:%Y-%m-%d %H:%M} UTC on the market" if time else "central starts"
    ended = ", ended" if health and health.source.ended else ""
    return f"{name}, {clock}{ended}, {speed}"


def _complaint(bot: Bot) -> str:
    """A bot that cannot go on without a person, or whose process has just ended."""
    ready = condition_of(bot.status.conditions, ConditionType.READY)
    stalled = condition_of(bot.status.conditions, ConditionType.STALLED)
    if ready is None or (stalled is None and ready.reason != Reason.RESTARTING):
        return ""
    return f"{label(bot)}: {ready.message}"
