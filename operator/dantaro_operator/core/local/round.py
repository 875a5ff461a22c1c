"""One round of local mode, decided: from files, objects, processes and reports to what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.bots import AUTO, MARKET_START, Key, bots_in
from dantaro_operator.core.checks import Refusal
from dantaro_operator.core.fleet import (
    Surroundings,
    find_gone,
    find_refusals,
    plan_bots,
    with_markets,
    with_status,
)
from dantaro_operator.core.local.documents import Document, Finding
from dantaro_operator.core.local.folder import FolderContent
from dantaro_operator.core.local.notes import farewells, idle_shares, waiting_accounts
from dantaro_operator.core.local.registry import merge_objects
from dantaro_operator.core.observed import BotObserved
from dantaro_operator.core.plan import MarketMoment, Plan
from dantaro_operator.core.workload import BotWorkload, PlanSettings

__all__ = ["Decision", "World", "decide_round", "refusal_findings"]


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
        recommendations: Markets that central recommends, best first; None while it does not say.
    """

    content: FolderContent
    stored: Mapping[Key, Resource]
    missing: frozenset[Key]
    bots: Mapping[str, BotObserved]
    market: MarketMoment
    settings: PlanSettings
    now: datetime
    new_uid: Callable[[], str]
    recommendations: tuple[Recommendation, ...] | None = None


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
        needs_choice: Whether a bot's market is picked, so that central must know more than those
            that are traded.
    """

    objects: tuple[Resource, ...]
    workloads: tuple[BotWorkload, ...]
    removed: tuple[Resource, ...]
    missing: frozenset[Key]
    findings: tuple[Finding, ...]
    farewells: tuple[Finding, ...] = ()
    needs_choice: bool = False


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
    around = Surroundings(
        bots=world.bots,
        market=world.market,
        settings=world.settings,
        now=world.now,
        wrong=content.wrong,
        recommendations=world.recommendations,
    )
    plans = plan_bots(change.objects, around)
    gone = find_gone(change.objects, plans, around)
    staying = [item for item in change.objects if item.key not in gone]
    removed = tuple(item for item in change.objects if item.key in gone)
    placed, _ = with_markets(change.objects, around)
    refusals = find_refusals(
        [item for item in placed if item.key not in gone],
        world.bots,
        content.wrong,
        is_live_open=around.is_live_open,
    )
    return Decision(
        objects=tuple(_marked(item, plans) for item in with_status(staying, plans, around)),
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
        needs_choice=any(bot.spec.symbol == AUTO for bot in bots_in(staying)),
    )


def _marked(item: Resource, plans: Mapping[Key, Plan]) -> Resource:
    """Return a bot with the market time from which it trades, noted once and for good."""
    plan, metadata = plans.get(item.key), item.metadata
    if plan is None or plan.market_start is None or MARKET_START in metadata.annotations:
        return item
    marks = {**metadata.annotations, MARKET_START: plan.market_start}
    return item.model_copy(update={"metadata": metadata.model_copy(update={"annotations": marks})})


def refusal_findings(
    refusals: Mapping[Key, Refusal], documents: Mapping[Key, Document]
) -> list[Finding]:
    """Return refusals as findings at their places in the files."""
    return [_finding(key, documents.get(key), refusal) for key, refusal in refusals.items()]


def _finding(key: Key, document: Document | None, refusal: Refusal) -> Finding:
    if document is not None:
        return document.finding(refusal.message, field=refusal.field)
    return Finding(message=refusal.message, object=f"{key[0]}/{key[2]}", field=refusal.field)
