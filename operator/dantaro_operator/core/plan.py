"""The planner: what is to run for a bot, or why nothing is."""

from dataclasses import dataclass
from datetime import datetime

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_crds.values import parse_utc, utc_text
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.core.allocation import BotPart, build_part
from dantaro_operator.core.bots import AUTO, MARKET_START, MARKET_START_FIRST, Bot
from dantaro_operator.core.checks import Refusal, Situation, refuse_bot
from dantaro_operator.core.markets.picking import Pick
from dantaro_operator.core.workload import (
    BotWorkload,
    PlanSettings,
    build_workload,
    hold_workload,
    is_halted,
)

__all__ = ["MarketMoment", "Plan", "decide_plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketMoment:
    """The market's clock.

    Attributes:
        started: Whether central was ever started, so that there is a clock.
        time: Market time; None while central does not say.
    """

    started: bool = False
    time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the planner decided for one bot.

    Attributes:
        workload: What is to run; None if nothing is.
        part: The bot's part of its account; None without a share.
        refusal: Why the spec is not carried out; None if it is.
        waits_for: What is missing for now, one sentence; empty if nothing is.
        waits_reason: The same as a code.
        pick: The market that is given to it just now; None if it keeps its own.
        market_start: Value that the market-start annotation must have; None while undecided.
    """

    workload: BotWorkload | None = None
    part: BotPart | None = None
    refusal: Refusal | None = None
    waits_for: str = ""
    waits_reason: Reason = Reason.CENTRAL_UNREACHABLE
    pick: Pick | None = None
    market_start: str | None = None


def decide_plan(
    situation: Situation,
    *,
    last: BotConfig | None,
    settings: PlanSettings,
    market: MarketMoment,
    pick: Pick | None = None,
    is_advised: bool = False,
) -> Plan:
    """Return the plan of one bot.

    Args:
        situation: The bot, its account and its siblings.
        last: The configuration that it has; None if it never ran.
        settings: The surroundings.
        market: The market's clock, from which a new bot starts.
        pick: The market that is given to it just now, which the bot has already.
        is_advised: Whether central says which markets it recommends.

    Returns:
        A workload for a spec that nothing speaks against; for a refused one that ran before, what
        it ran with, entries halted where the money is in doubt; else nothing and why.
    """
    bot, allocation = situation.bot, situation.allocation
    part = _part_of(bot, allocation)
    refusal = refuse_bot(situation)
    if refusal is not None:
        return Plan(
            workload=_held(bot, allocation, last, refusal=refusal, settings=settings),
            part=part,
            refusal=refusal,
            market_start=bot.metadata.annotations.get(MARKET_START),
        )
    if allocation is None or part is None:
        return Plan(part=part)
    if bot.spec.symbol == AUTO:
        return _without_market(part, is_advised=is_advised)
    start = bot.metadata.annotations.get(MARKET_START) or _new_start(market)
    if start is None:
        return Plan(part=part, waits_for="central has not said yet what time it is on the market")
    workload = build_workload(
        bot, allocation, part, settings=settings, start_time=_start_time(start)
    )
    return Plan(workload=workload, part=part, market_start=start, pick=pick)


def _without_market(part: BotPart, *, is_advised: bool) -> Plan:
    if not is_advised:
        return Plan(part=part, waits_for="central does not say which markets it recommends")
    return Plan(
        part=part,
        waits_for="central recommends no market that fits the account and that no other bot of "
        "it trades: name one in spec.symbol, or wait",
        waits_reason=Reason.WAITING_FOR_RECOMMENDATION,
    )


def _part_of(bot: Bot, allocation: Allocation | None) -> BotPart | None:
    if allocation is None:
        return None
    share = allocation.spec.share_of(bot.kind, bot.metadata.name)
    return build_part(allocation, share) if share else None


def _held(
    bot: Bot,
    allocation: Allocation | None,
    last: BotConfig | None,
    *,
    refusal: Refusal,
    settings: PlanSettings,
) -> BotWorkload | None:
    if last is None:
        return None
    halt = refusal.halts or (allocation is not None and is_halted(allocation))
    return hold_workload(bot, last, settings=settings, halt=halt, allocation=allocation)


def _new_start(market: MarketMoment) -> str | None:
    if not market.started:
        return MARKET_START_FIRST
    return utc_text(market.time) if market.time is not None else None


def _start_time(annotation: str) -> datetime | None:
    """An annotation that a person broke counts as the first candle: its cursor wins anyway."""
    if annotation == MARKET_START_FIRST:
        return None
    try:
        return parse_utc(annotation)
    except ValueError:
        return None
