"""One account in a cluster, decided: from objects and what exists to writes, in their order.

The order makes dying half-way harmless: a finalizer before anything runs, the ConfigMap before the
StatefulSet whose marks say that both are there, the status after both, the finalizer's end last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.common import DeletionPolicy
from dantaro_crds.v1alpha1.resource import Resource, dump
from dantaro_operator.core.bots import Bot, Key, account_of, allocations_in, bots_in, label
from dantaro_operator.core.children import ChildFacts
from dantaro_operator.core.cluster.config_map import build_config_map, config_hash
from dantaro_operator.core.cluster.drift import differing_fields
from dantaro_operator.core.cluster.names import CONFIG_HASH, FINALIZER, is_owned_by
from dantaro_operator.core.cluster.rollout import (
    Candidate,
    ImageRollout,
    Rollout,
    build_wanted,
    decide_rollouts,
    read_live,
)
from dantaro_operator.core.cluster.settings import ClusterSettings
from dantaro_operator.core.cluster.stateful_set import build_stateful_set
from dantaro_operator.core.fleet import Surroundings, find_gone, plan_bots, with_status
from dantaro_operator.core.merge_patch import build_merge_patch
from dantaro_operator.core.observed import BotObserved
from dantaro_operator.core.plan import Plan
from dantaro_operator.core.workload import BotWorkload

__all__ = ["AccountFacts", "BotSteps", "ObjectSteps", "decide_account"]

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """Everything that one account is decided from.

    Attributes:
        account: Key of its Allocation, whether that exists or not.
        objects: The Allocations of the namespace and the bots of the account, with their status.
        children: StatefulSets by the bot's key.
        around: What plans and status depend on.
        settings: What was decided for all bots.
        policy: What a new default image means for bots that run.
        forgotten: Bots whose ConfigMap must be applied again, whatever the marks say.
    """

    account: Key
    objects: tuple[Resource, ...]
    children: Mapping[Key, ChildFacts]
    around: Surroundings
    settings: ClusterSettings
    policy: ImageRollout = ImageRollout.HELD


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSteps:
    """What is to be written for a bot's children, in this order.

    Attributes:
        apply: Manifests to apply: ConfigMap, then StatefulSet. Empty: nothing to do.
        refresh: Marks for its pod, so that kubelet brings the new configuration at once.
        drift: Fields that somebody else changed and that are put right.
        moves: Why its pod is replaced; empty if it stays.
        is_new: Whether there was no StatefulSet.
        waits: Whether an older bot's StatefulSet of that name must be gone first.
        proven: Version of the live StatefulSet that was compared and is as it should be; 0 if none.
    """

    apply: tuple[Manifest, ...] = ()
    refresh: Mapping[str, str] | None = None
    drift: tuple[str, ...] = ()
    moves: str = ""
    is_new: bool = False
    waits: bool = False
    proven: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSteps:
    """What is to be written for one object and its children.

    Attributes:
        resource: The object as it was decided upon.
        fresh: The same with its status as it should be.
        plan: What was decided for a bot; None for an Allocation.
        hold: Whether our finalizer must be set, before anything else.
        children: A bot's children; None for an Allocation, or where nothing is to run.
        gain: By how much the money rises that a bot is told it may use; negative if it falls.
        patch: Merge patch of the status; empty if it is right.
        release: Whether our finalizer must go, after everything else.
    """

    resource: Allocation | Bot
    fresh: Allocation | Bot
    plan: Plan | None = None
    hold: bool = False
    children: BotSteps | None = None
    gain: Decimal = Decimal(0)
    patch: Mapping[str, Any]
    release: bool = False


def decide_account(facts: AccountFacts) -> list[ObjectSteps]:
    """Return what is to be written, the Allocation first. Done again on the result: nothing."""
    around = facts.around
    plans = plan_bots(facts.objects, around)
    gone = find_gone(facts.objects, plans, around)
    rollouts = _rollouts(facts, plans)
    seen = replace(around, bots=_with_behind(facts, rollouts))
    fresh = {item.key: item for item in with_status(facts.objects, plans, seen)}
    fresh |= {item.key: item for item in _as_told(facts)}
    own = [item for item in allocations_in(facts.objects) if item.key == facts.account]
    accounts = [_account_steps(item, fresh[item.key], facts, gone) for item in own]
    bots = [
        _bot_steps(bot, fresh[bot.key], facts, plans[bot.key], rollouts.get(label(bot)), gone)
        for bot in bots_in(facts.objects)
    ]
    return [*accounts, *bots]


def _as_told(facts: AccountFacts) -> list[Allocation | Bot]:
    """Return the objects whose status stands until their bots are heard of.

    An operator that has just started was told nothing yet by bots that trade all the time. Only
    those that were heard of before, are as they were then, and do not count as silent.
    """
    quiet = [bot for bot in bots_in(facts.objects) if _is_as_told(bot) and _is_unheard(bot, facts)]
    homes = {account_of(bot) for bot in quiet}
    accounts = [item for item in allocations_in(facts.objects) if item.key in homes]
    return [*(item for item in accounts if _is_as_told(item)), *quiet]


def _is_as_told(resource: Allocation | Bot) -> bool:
    metadata = resource.metadata
    is_same = resource.status.observed_generation == metadata.generation
    return is_same and metadata.deletion_timestamp is None


def _is_unheard(bot: Bot, facts: AccountFacts) -> bool:
    observed = facts.around.observed(bot)
    return (
        observed.process.running
        and bot.status.last_heartbeat_time is not None
        and observed.report is None
        and not observed.silent
    )


def _account_steps(
    allocation: Allocation, fresh: Allocation | Bot, facts: AccountFacts, gone: set[Key]
) -> ObjectSteps:
    held = FINALIZER in allocation.metadata.finalizers
    deleting = allocation.metadata.deletion_timestamp is not None
    used = any(account_of(bot) == allocation.key for bot in bots_in(facts.objects))
    return ObjectSteps(
        resource=allocation,
        fresh=fresh,
        hold=used and not held and not deleting,
        patch=_status_patch(allocation, fresh),
        release=held and allocation.key in gone,
    )


def _bot_steps(
    bot: Bot,
    fresh: Allocation | Bot,
    facts: AccountFacts,
    plan: Plan,
    rollout: Rollout | None,
    gone: set[Key],
) -> ObjectSteps:
    metadata = bot.metadata
    held = FINALIZER in metadata.finalizers
    deleting = metadata.deletion_timestamp is not None
    child = facts.children.get(bot.key)
    children = None
    if rollout is not None and (held or not deleting):
        children = _child_steps(bot, facts, plan, rollout, child, going=bot.key in gone)
    return ObjectSteps(
        resource=bot,
        fresh=fresh,
        plan=plan,
        hold=plan.workload is not None and not held and not deleting,
        children=children,
        gain=_gain(plan, facts.around.observed(bot)),
        patch=_status_patch(bot, fresh),
        release=held and bot.key in gone,
    )


def _gain(plan: Plan, observed: BotObserved) -> Decimal:
    if plan.workload is None:
        return Decimal(0)
    known = observed.config.budget if observed.config else Decimal(0)
    return plan.workload.config.budget - known


def _child_steps(
    bot: Bot,
    facts: AccountFacts,
    plan: Plan,
    rollout: Rollout,
    child: ChildFacts | None,
    *,
    going: bool,
) -> BotSteps | None:
    if plan.workload is None or facts.around.observed(bot).expelled:
        return None
    live = child.live if child else None
    if live is not None and _is_in_the_way(live, bot, facts):
        return BotSteps(waits=True)
    if going and child is None:
        return None
    stays = not going and not rollout.moves
    if child and stays and _is_handed_over(child, facts.around.observed(bot), plan.workload):
        return BotSteps(proven=child.version)  # the common case, and nothing had to be built for it
    told = config_hash(plan.workload)
    intent = build_stateful_set(
        plan.workload,
        bot,
        facts.settings,
        image=rollout.image,
        template_version=rollout.template_version,
        template=rollout.template,
        keep_volume=not (going and _is_clean(bot)),
        live=live,
        config_hash=told,
    )
    if child is None:
        return BotSteps(apply=(build_config_map(plan.workload, bot), intent), is_new=True)
    marks = intent["metadata"]["annotations"]
    found = child.live["metadata"].get("annotations", {})
    same = all(found.get(name) == value for name, value in marks.items())
    if not same:
        moves = f"image {rollout.image}" if rollout.moves else ""
        refresh = {CONFIG_HASH: told} if found.get(CONFIG_HASH) != told else None
        drift = tuple(_drift_beside_change(intent, child, moves=rollout.moves))
        manifests = (build_config_map(plan.workload, bot), intent)
        return BotSteps(apply=manifests, refresh=refresh, drift=drift, moves=moves)
    if child.is_proven:
        return BotSteps(proven=child.version)
    drift = tuple(differing_fields(intent, child.live))
    return BotSteps(apply=(intent,), drift=drift) if drift else BotSteps(proven=child.version)


_CHANGING = ("metadata.annotations", "spec.persistentVolumeClaimRetentionPolicy")
"""Where a change of what is asked for shows; what differs elsewhere was changed by others."""


def _drift_beside_change(intent: Manifest, child: ChildFacts, *, moves: bool) -> list[str]:
    """Return what others changed in a StatefulSet that is about to change anyway."""
    lost = [] if child.input_hash else ["metadata.annotations"]
    if child.is_proven:
        return lost
    changing = (*_CHANGING, "spec.template") if moves else _CHANGING
    differing = differing_fields(intent, child.live)
    return lost + [field for field in differing if not field.startswith(changing)]


def _is_handed_over(child: ChildFacts, observed: BotObserved, workload: BotWorkload) -> bool:
    """Whether a compared StatefulSet runs with this very configuration."""
    return child.is_proven and observed.config == workload.config


def _is_in_the_way(live: Mapping[str, Any], bot: Bot, facts: AccountFacts) -> bool:
    """An object of an older bot of that name, or one that is being deleted, must go first.

    One whose owner was taken away is this bot's if the configuration beside it is.
    """
    if "deletionTimestamp" in live["metadata"]:
        return True
    owners = live["metadata"].get("ownerReferences", ())
    if any(owner.get("controller") for owner in owners):
        return not is_owned_by(live, bot)
    return facts.around.observed(bot).config is None


def _is_clean(bot: Bot) -> bool:
    """Whether a bot that is let go leaves nothing on the exchange that its records explain."""
    return (
        not bot.metadata.is_force_delete and bot.spec.deletion_policy is not DeletionPolicy.RETAIN
    )


def _rollouts(facts: AccountFacts, plans: Mapping[Key, Plan]) -> dict[str, Rollout]:
    """Return the pod of each bot that is to run, by `Kind/name`."""
    candidates = []
    for bot in bots_in(facts.objects):
        workload = plans[bot.key].workload
        if workload is None:
            continue
        child = facts.children.get(bot.key)
        own = child if child and not _is_in_the_way(child.live, bot, facts) else None
        newest = build_wanted(workload, bot, facts.settings, None)
        live = read_live(own.live, newest.template) if own is not None else None
        wanted = build_wanted(workload, bot, facts.settings, live) if live else newest
        candidates.append(
            Candidate(
                label=label(bot),
                wanted=wanted,
                live=live,
                never_ready=live is not None and _never_reported(bot, facts.around.observed(bot)),
            )
        )
    return decide_rollouts(candidates, policy=facts.policy)


def _never_reported(bot: Bot, observed: BotObserved) -> bool:
    """Whether no pod of a bot ever said anything: then its image may be what is wrong."""
    return observed.report is None and bot.status.last_heartbeat_time is None


def _with_behind(facts: AccountFacts, rollouts: Mapping[str, Rollout]) -> dict[str, BotObserved]:
    """Return what exists for each bot, with why its pod is not the newest."""
    seen = dict(facts.around.bots)
    for bot in bots_in(facts.objects):
        rollout = rollouts.get(label(bot))
        if rollout is not None and rollout.behind:
            seen[bot.metadata.uid] = replace(facts.around.observed(bot), behind=rollout.message)
    return seen


def _status_patch(old: Bot | Allocation, fresh: Bot | Allocation) -> dict[str, Any]:
    if old.status is fresh.status:
        return {}
    return build_merge_patch(_status_of(old), _status_of(fresh))


def _status_of(resource: Bot | Allocation) -> dict[str, Any]:
    return dump(resource.status)
