"""One round of local mode, decided: from files, objects, processes and reports to what to do."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.bots import (
    MARKET_START,
    Bot,
    Key,
    account_of,
    allocations_in,
    bots_in,
)
from dantaro_operator.core.checks import Claim, Refusal, Situation, refuse_account, refuse_bot
from dantaro_operator.core.halt import explain_halt
from dantaro_operator.core.local.documents import Document, Finding
from dantaro_operator.core.local.folder import FolderContent
from dantaro_operator.core.local.notes import farewells, idle_shares, waiting_accounts
from dantaro_operator.core.local.registry import merge_objects
from dantaro_operator.core.observed import NOTHING, BotObserved
from dantaro_operator.core.plan import MarketMoment, Plan, decide_plan
from dantaro_operator.core.status import AccountView, build_allocation_status, build_bot_status
from dantaro_operator.core.workload import BotWorkload, PlanSettings

__all__ = ["Decision", "World", "decide_round", "find_refusals", "refusal_findings", "situation_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that a round is decided from.

    Attributes:
        content: What the files ask for.
        stored: The objects so far, by key.
        missing: Keys that the files did not name at the last look.
        bots: What exists for each bot, by uid.
        market: The market's clock.
        settings: The surroundings of a plan.
        now: Wall time.
        new_uid: Gives an id that was never used.
    """

    content: FolderContent
    stored: Mapping[Key, Resource]
    missing: frozenset[Key]
    bots: Mapping[str, BotObserved]
    market: MarketMoment
    settings: PlanSettings
    now: datetime
    new_uid: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What is to be done.

    Attributes:
        objects: All objects from now on, with status.
        workloads: What is to run.
        removed: Objects whose deletion is done.
        missing: Keys that the files do not name at this look.
        findings: Everything that is wrong.
        farewells: A last line for each bot among `removed`; told in this round only.
    """

    objects: tuple[Resource, ...]
    workloads: tuple[BotWorkload, ...]
    removed: tuple[Resource, ...]
    missing: frozenset[Key]
    findings: tuple[Finding, ...]
    farewells: tuple[Finding, ...] = ()


def decide_round(world: World) -> Decision:
    """Return what is to be done. Done again on the result, it changes nothing more."""
    change = merge_objects(
        world.content.desired,
        world.stored,
        kept=world.content.kept,
        missing_before=world.missing,
        now=world.now,
        new_uid=world.new_uid,
    )
    content = world.content
    plans = {
        bot.key: decide_plan(
            situation_of(bot, change.objects, world.bots, content.wrong),
            last=_observed(world, bot).config,
            settings=world.settings,
            market=world.market,
        )
        for bot in bots_in(change.objects)
    }
    gone = _gone(change.objects, plans, world)
    staying = [item for item in change.objects if item.key not in gone]
    removed = tuple(item for item in change.objects if item.key in gone)
    refusals = find_refusals(staying, world.bots, content.wrong)
    return Decision(
        objects=tuple(_with_status(staying, plans, world)),
        workloads=tuple(
            plan.workload
            for key, plan in plans.items()
            if plan.workload is not None and key not in gone
        ),
        removed=removed,
        missing=change.missing,
        findings=(
            *content.findings,
            *refusal_findings(refusals, content.documents),
            *waiting_accounts(staying, content.documents),
            *idle_shares(staying, content.documents),
        ),
        farewells=tuple(farewells(removed, world.bots)),
    )


def situation_of(
    bot: Bot,
    objects: Iterable[Resource],
    observed: Mapping[str, BotObserved],
    wrong: Mapping[Key, str],
) -> Situation:
    """Return a bot among the others.

    Args:
        bot: The bot.
        objects: All objects.
        observed: What exists for each bot, by uid.
        wrong: Where objects stand that are refused, by key.
    """
    resources = tuple(objects)
    accounts = tuple(allocations_in(resources))
    account = account_of(bot)
    return Situation(
        bot=bot,
        allocation=next((item for item in accounts if item.key == account), None),
        accounts=accounts,
        wrong_at=wrong.get(account, ""),
        claims=tuple(
            Claim(bot=other, symbols=_symbols(observed.get(other.metadata.uid, NOTHING)))
            for other in bots_in(resources)
            if account_of(other) == account
        ),
    )


def _symbols(observed: BotObserved) -> frozenset[str]:
    config, report = observed.config, observed.report
    return frozenset(
        ([config.symbol] if config else []) + ([report.symbol] if report and config else [])
    )


def _observed(world: World, bot: Bot) -> BotObserved:
    return world.bots.get(bot.metadata.uid, NOTHING)


def _gone(objects: Iterable[Resource], plans: Mapping[Key, Plan], world: World) -> set[Key]:
    """Return what may go: bots that are drained or never ran, Allocations without bots."""
    resources = tuple(objects)
    gone = {
        bot.key
        for bot in bots_in(resources)
        if bot.metadata.deletion_timestamp is not None and _is_done(bot, plans[bot.key], world)
    }
    needed = {account_of(bot) for bot in bots_in(resources) if bot.key not in gone}
    return gone | {
        item.key
        for item in allocations_in(resources)
        if item.metadata.deletion_timestamp is not None and item.key not in needed
    }


def _is_done(bot: Bot, plan: Plan, world: World) -> bool:
    observed = _observed(world, bot)
    if bot.metadata.is_force_delete or plan.workload is None or observed.config is None:
        return True
    return observed.current is not None and observed.current.drained


def _with_status(
    objects: Iterable[Resource], plans: Mapping[Key, Plan], world: World
) -> list[Resource]:
    resources = tuple(objects)
    accounts = {item.key: item for item in allocations_in(resources)}
    bots = [_bot_with_status(bot, plans[bot.key], accounts, world) for bot in bots_in(resources)]
    reports = {
        uid: observed.report for uid, observed in world.bots.items() if observed.report is not None
    }
    return [
        *(
            _account_with_status(item, resources, bots, reports, world)
            for item in accounts.values()
        ),
        *bots,
    ]


def _bot_with_status(bot: Bot, plan: Plan, accounts: Mapping[Key, Allocation], world: World) -> Bot:
    allocation = accounts.get(account_of(bot))
    status = build_bot_status(
        bot,
        plan,
        explain_halt(_observed(world, bot), allocation=allocation, refusal=plan.refusal),
        mode=allocation.spec.mode.value if allocation else None,
        now=world.now,
    )
    metadata = bot.metadata
    if plan.market_start is not None and MARKET_START not in metadata.annotations:
        marks = {**metadata.annotations, MARKET_START: plan.market_start}
        metadata = metadata.model_copy(update={"annotations": marks})
    return bot.model_copy(update={"status": status, "metadata": metadata})


def _account_with_status(
    allocation: Allocation,
    objects: Iterable[Resource],
    bots: Iterable[Bot],
    reports: Mapping[str, BotReport],
    world: World,
) -> Allocation:
    view = AccountView(
        allocation=allocation,
        refusal=refuse_account(allocation, allocations_in(objects)),
        bots=tuple(bot for bot in bots if account_of(bot) == allocation.key),
        reports=reports,
    )
    status = build_allocation_status(view, now=world.now)
    return allocation.model_copy(update={"status": status})


def find_refusals(
    objects: Iterable[Resource],
    observed: Mapping[str, BotObserved],
    wrong: Mapping[Key, str],
) -> dict[Key, Refusal]:
    """Return why objects cannot be carried out, by key; those without a refusal are left out.

    Arguments are those of `situation_of`.
    """
    resources = tuple(objects)
    accounts = allocations_in(resources)
    verdicts: dict[Key, Refusal | None] = {
        item.key: refuse_account(item, accounts) for item in accounts
    }
    for bot in bots_in(resources):
        verdicts[bot.key] = refuse_bot(situation_of(bot, resources, observed, wrong))
    return {key: refusal for key, refusal in verdicts.items() if refusal is not None}


def refusal_findings(
    refusals: Mapping[Key, Refusal], documents: Mapping[Key, Document]
) -> list[Finding]:
    """Return refusals as findings at their places in the files."""
    return [_finding(key, documents.get(key), refusal) for key, refusal in refusals.items()]


def _finding(key: Key, document: Document | None, refusal: Refusal) -> Finding:
    if document is not None:
        return document.finding(refusal.message, field=refusal.field)
    return Finding(message=refusal.message, object=f"{key[0]}/{key[2]}", field=refusal.field)
