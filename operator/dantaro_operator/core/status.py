"""Who writes status: one function a kind, from the object, what was decided and what exists."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.allocation import Allocation, AllocationStatus, Share, ShareStatus
from dantaro_crds.v1alpha1.bot_common import BotPnl, BotStatus
from dantaro_crds.v1alpha1.common import Condition, ConditionStatus
from dantaro_crds.v1alpha1.conditions import (
    AllocationConditionType,
    ConditionType,
    Phase,
    Reason,
    condition_of,
    make_condition,
    merge_conditions,
)
from dantaro_crds.v1alpha1.grid_bot import GridBotStatus
from dantaro_crds.v1alpha1.trading_bot import TradingBotStatus
from dantaro_crds.wire.bot_status import BotReport, Pnl
from dantaro_operator.core.allocation import build_part, to_text
from dantaro_operator.core.bots import AUTO, Bot, Key, label, strategy_name
from dantaro_operator.core.checks import Refusal
from dantaro_operator.core.conditions import BotView, build_conditions
from dantaro_operator.core.figures import build_orders, build_pnl, build_position, round_money
from dantaro_operator.core.observed import BotObserved
from dantaro_operator.core.phase import decide_phase, phase_facts
from dantaro_operator.core.plan import Plan
from dantaro_operator.core.workload import is_halted

__all__ = ["HEARTBEAT_EVERY", "AccountView", "build_allocation_status", "build_bot_status"]

HEARTBEAT_EVERY = timedelta(minutes=5)
"""A heartbeat alone is written no more often than this."""

_TOLD = (
    "strategy",
    "symbol",
    "position",
    "pnl",
    "orders",
    "last_trade_time",
    "analysis_time",
    "last_decision",
    "last_reset",
)
"""What a bot says of itself: it stands until the bot says something else."""

SENTENCE = 256
"""Longest message, signs."""

Verdict = tuple[bool, str, str]
"""Status, reason and message of a condition."""


def build_bot_status(
    bot: Bot, plan: Plan, observed: BotObserved, *, mode: str | None, now: datetime
) -> BotStatus:
    """Return the status of a bot; the old one itself when nothing worth a write changed.

    Args:
        bot: With its present status.
        plan: What was decided for it.
        observed: What exists.
        mode: Paper or Live, as its Allocation says; None without one.
        now: Wall time.
    """
    draining = bot.metadata.deletion_timestamp is not None
    old = bot.status
    known = old if old.last_heartbeat_time is not None else None
    facts = phase_facts(
        plan,
        observed,
        wanted=bot.spec.state,
        draining=draining,
        last=Phase(known.phase) if known and known.phase in set(Phase) else None,
    )
    view = BotView(bot=bot, plan=plan, observed=observed, phase=decide_phase(facts))
    conditions = merge_conditions(old.conditions, build_conditions(view, now=now))
    report = observed.report
    values: dict[str, object] = {
        "observed_generation": bot.metadata.generation,
        "phase": view.phase.value,
        "strategy": strategy_name(bot),
        "symbol": _market_of(bot, plan),
        "mode": mode or (known.mode if known else None),
        "budget": plan.part.budget if plan.part else None,
        "conditions": conditions,
        "message": _message(conditions, report, plan),
    }
    if report is not None:
        values |= _figures(report, plan)
    elif known is not None:
        values |= {name: getattr(known, name) for name in _TOLD}
    kind = GridBotStatus if bot.kind == "GridBot" else TradingBotStatus
    fresh = kind.model_validate(values)
    return _with_heartbeat(old, fresh, report)


def _market_of(bot: Bot, plan: Plan) -> str | None:
    """Return the market of a bot that was not heard of; None while none is picked."""
    if bot.spec.symbol != AUTO:
        return bot.spec.symbol
    return plan.workload.config.symbol if plan.workload is not None else None


def _message(conditions: list[Condition], report: BotReport | None, plan: Plan) -> str:
    ready = condition_of(conditions, ConditionType.READY)
    if ready is not None and ready.status is not ConditionStatus.TRUE:
        return ready.message
    halted = condition_of(conditions, ConditionType.TRADING_HALTED)
    if halted is not None and halted.status is ConditionStatus.TRUE:
        return halted.message
    told = report.message if report else ""
    return "; ".join(words for words in (told, _less_than_asked(plan)) if words)[:SENTENCE]


def _less_than_asked(plan: Plan) -> str:
    """Return which limits that somebody wrote a cap holds in place of; the condition has all."""
    lowered = plan.workload.lowered if plan.workload is not None else ()
    return to_text(limit for limit in lowered if limit.asked is not None)


def _figures(report: BotReport, plan: Plan) -> dict[str, object]:
    currency = plan.workload.config.quote_currency if plan.workload else "KRW"
    return {
        "strategy": report.strategy,
        "symbol": report.symbol,
        "position": build_position(report, currency),
        "pnl": build_pnl(report.pnl, currency),
        "orders": build_orders(report),
        "last_trade_time": report.last_trade_time,
        "analysis_time": report.analysis_time,
        "last_decision": report.last_decision[:SENTENCE] if report.last_decision else None,
        "last_reset": report.last_reset,
    }


def _with_heartbeat(old: BotStatus, fresh: BotStatus, report: BotReport | None) -> BotStatus:
    beat = report.heartbeat_time.replace(microsecond=0) if report else old.last_heartbeat_time
    known = old.last_heartbeat_time
    same = fresh.model_copy(update={"last_heartbeat_time": known})
    recent = beat is None or (known is not None and beat - known < HEARTBEAT_EVERY)
    if recent and same == old:
        return old
    return fresh.model_copy(update={"last_heartbeat_time": beat})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """Everything that an Allocation's status depends on.

    Attributes:
        allocation: The object.
        refusal: Why it is not carried out; None if it is.
        bots: The bots that refer to it, with their fresh status.
        reports: Last reports by uid.
    """

    allocation: Allocation
    refusal: Refusal | None
    bots: tuple[Bot, ...]
    reports: Mapping[str, BotReport]


def build_allocation_status(view: AccountView, *, now: datetime) -> AllocationStatus:
    """Return the status of an Allocation."""
    allocation = view.allocation
    shares = allocation.spec.shares
    by_key: dict[Key, Bot] = {bot.key: bot for bot in view.bots}
    ready = _account_ready(view)
    told: list[tuple[ConditionType | AllocationConditionType, Verdict]] = [
        (AllocationConditionType.READY, ready),
        *_account_progress(view, ready),
        (AllocationConditionType.HALTED, _account_halted(allocation)),
    ]
    conditions = [
        make_condition(
            kind,
            status=status,
            reason=reason,
            message=message,
            generation=allocation.metadata.generation,
            now=now,
        )
        for kind, (status, reason, message) in told
    ]
    return AllocationStatus(
        observed_generation=allocation.metadata.generation,
        allocated_percent=sum(share.percent for share in shares),
        bots=[_share_status(allocation, share, by_key) for share in shares],
        conditions=merge_conditions(allocation.status.conditions, conditions),
        **_sums(view),
    )


def _account_ready(view: AccountView) -> Verdict:
    allocation, refusal = view.allocation, view.refusal
    if allocation.metadata.deletion_timestamp is not None:
        names = ", ".join(label(bot) for bot in view.bots)
        return False, Reason.BOTS_REMAIN, f"it is deleted once no bot refers to it: {names}"
    if refusal is not None:
        return False, refusal.reason, f"{refusal.field}: {refusal.message}"
    spec = allocation.spec
    percent = sum(share.percent for share in spec.shares)
    return True, Reason.ACCEPTED, f"{len(spec.shares)} shares, {percent} % allocated"


def _account_progress(view: AccountView, ready: Verdict) -> list[tuple[ConditionType, Verdict]]:
    """Return what an account that is not ready waits for: a person, or its last bots."""
    is_ready, reason, message = ready
    if is_ready:
        return []
    is_stuck = view.allocation.metadata.deletion_timestamp is None
    kind = ConditionType.STALLED if is_stuck else ConditionType.RECONCILING
    return [(kind, (True, reason, message))]


def _account_halted(allocation: Allocation) -> Verdict:
    if allocation.metadata.deletion_timestamp is not None:
        return True, Reason.DELETED, "it is being deleted: bots open nothing new"
    if is_halted(allocation):
        return True, Reason.HALTED, "spec.halt is true: bots open nothing new"
    return False, Reason.NOT_HALTED, "bots may open positions"


def _share_status(allocation: Allocation, share: Share, bots: Mapping[Key, Bot]) -> ShareStatus:
    bot = bots.get((share.kind.value, allocation.metadata.namespace, share.name))
    return ShareStatus(
        kind=share.kind.value,
        name=share.name,
        percent=share.percent,
        budget=build_part(allocation, share).budget,
        phase=bot.status.phase if bot else None,
        pnl=bot.status.pnl.total if bot and bot.status.pnl else None,
    )


@exact
def _sums(view: AccountView) -> dict[str, Decimal]:
    """Equity is the budget and what the bots made of it: unallocated money counts as it is."""
    spec = view.allocation.spec
    made = [pnl for pnl in (_last_pnl(bot, view) for bot in view.bots) if pnl is not None]
    return {
        "equity": _rounded((spec.budget, *(pnl.total for pnl in made)), spec.quote_currency),
        "realized_pnl": _rounded((pnl.realized for pnl in made), spec.quote_currency),
        "unrealized_pnl": _rounded((pnl.unrealized for pnl in made), spec.quote_currency),
    }


def _last_pnl(bot: Bot, view: AccountView) -> Pnl | BotPnl | None:
    """Return what a bot made: to the last digit where it said so, else as the status tells."""
    report = view.reports.get(bot.metadata.uid)
    return report.pnl if report is not None else bot.status.pnl


def _rounded(amounts: Iterable[Decimal], currency: str) -> Decimal:
    return round_money(sum(amounts, Decimal(0)), currency)
