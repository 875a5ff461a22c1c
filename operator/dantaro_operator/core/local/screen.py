"""What `dantaro up` shows of a round: a title, tables, messages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from dantaro_crds.v1alpha1.common import Condition, ConditionStatus
from dantaro_crds.v1alpha1.conditions import ConditionType, Reason, condition_of
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.values import quote_of, utc_text
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_operator.core.bots import Bot, bots_in, label, strategy_name
from dantaro_operator.core.figures import round_money
from dantaro_operator.core.local.documents import Finding
from dantaro_operator.core.local.market import MAX_SPEED, MarketSettings
from dantaro_operator.core.local.table import Table, build_table

__all__ = ["MAX_COMPLAINTS", "Screen", "build_screen"]

MAX_COMPLAINTS = 8
"""Most lines about bots under the tables."""

_PASSING = frozenset({Reason.STARTING.value, Reason.PENDING.value, "NotAskedYet"})
"""Causes that pass by themselves: told only once they have lasted for `_PATIENCE`."""

_PATIENCE = timedelta(seconds=15)


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
    reports: Mapping[str, BotReport],
    findings: Iterable[Finding],
    trouble: str,
    now: datetime,
) -> Screen:
    """Return the picture of a round.

    Args:
        objects: All objects, with status.
        market: The market.
        health: What central says; None while it does not answer.
        reports: Last reports by uid of the bot.
        findings: What is wrong with the files.
        trouble: What is wrong with central; empty if nothing.
        now: Wall time.
    """
    resources = tuple(objects)
    times = {uid: r.market_time for uid, r in reports.items() if r.market_time is not None}
    spaces = {item.metadata.namespace for item in resources}
    tables = (
        build_table(kind, resources, now=now, market_times=times, with_namespace=len(spaces) > 1)
        for kind in KINDS.values()
    )
    shown = [finding.text for finding in findings]
    told = {finding.object for finding in findings}
    complaints = [
        f"{label(bot)}: {text}"
        for bot in bots_in(resources)
        for text in _complaints(bot, reports.get(bot.metadata.uid), now, is_told=label(bot) in told)
    ]
    lines = [trouble, _late_start(market, health), *shown, *_bounded(complaints)]
    return Screen(
        title=_title(market, health),
        tables=tuple(table for table in tables if table.rows),
        messages=tuple(line for line in dict.fromkeys(lines) if line),
        time=now,
    )


def _title(market: MarketSettings, health: CentralHealth | None) -> str:
    name = f"replay of {market.folder}" if market.folder else f"{market.source} market"
    speed = "as fast as possible" if market.speed == MAX_SPEED else f"speed {market.speed}x"
    time = health.market_time if health else None
    clock = f"{time:%Y-%m-%d %H:%M} UTC on the market" if time else "central starts"
    ended = ", ended" if health and health.source.ended else ""
    return f"{name}, {clock}{ended}, {speed}"


def _late_start(market: MarketSettings, health: CentralHealth | None) -> str:
    start = health.market_start if health else None
    if market.start is None or start is None or start <= market.start:
        return ""
    return f"--from: the 1-minute candles begin at {utc_text(start)}: the market starts there"


def _bounded(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_COMPLAINTS
    if more <= 0:
        return lines
    return [*lines[:MAX_COMPLAINTS], f"and {more} more: dantaro get all -o wide"]


def _complaints(
    bot: Bot, report: BotReport | None, now: datetime, *, is_told: bool
) -> Iterable[str]:
    """Return what keeps a bot from trading, and what has become of a changed budget."""
    budget = _budget_change(bot, report)
    trouble = "" if is_told else _trouble(bot, now)
    # A bot that waits for its budget says so in its message too, with more digits.
    idle = "" if trouble or budget or is_told else _idle(bot)
    return [text for text in (trouble, budget, idle) if text]


def _trouble(bot: Bot, now: datetime) -> str:
    ready = condition_of(bot.status.conditions, ConditionType.READY)
    if ready is None or ready.status is ConditionStatus.TRUE:
        return ""
    if _may_pass(bot, ready) and now - ready.last_transition_time < _PATIENCE:
        return ""
    return ready.message


def _may_pass(bot: Bot, ready: Condition) -> bool:
    """Whether it is the start, or central that every bot waits for."""
    if ready.reason in _PASSING:
        return True
    central = condition_of(bot.status.conditions, ConditionType.CENTRAL_REACHABLE)
    return (
        central is not None
        and central.status is ConditionStatus.FALSE
        and central.reason == ready.reason
        and ready.reason != Reason.SYMBOL_UNKNOWN
    )


def _budget_change(bot: Bot, report: BotReport | None) -> str:
    planned = bot.status.budget
    if planned is None or report is None:
        return ""
    quote = quote_of(report.symbol)
    has, gets = round_money(report.budget, quote), round_money(planned, quote)
    if has == gets:
        return ""
    verb = "cut" if has > gets else "raised"
    return (
        f"budget {has:f} is being {verb} to {gets:f}: the rest follows as orders and coin free it"
    )


def _idle(bot: Bot) -> str:
    """Why a bot holds neither an order nor coin, or trades something else than its spec says."""
    ready = condition_of(bot.status.conditions, ConditionType.READY)
    if ready is None or ready.status is not ConditionStatus.TRUE:
        return ""
    orders, position = bot.status.orders, bot.status.position
    if _is_held_back(bot):
        return bot.status.message or ""
    if (orders is not None and orders.open) or (position is not None and position.amount):
        return ""
    return bot.status.message or ""


def _is_held_back(bot: Bot) -> bool:
    """Whether the market or the strategy that it reports is not the one of its spec."""
    status = bot.status
    is_other_market = status.symbol is not None and bot.spec.symbol not in {"auto", status.symbol}
    return is_other_market or status.strategy not in {None, strategy_name(bot)}
