"""The use case of the operator in a cluster: one account, gather, decide, apply."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dantaro_crds.errors import NotFoundError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.account_round import (
    AccountFacts,
    BotSteps,
    ObjectSteps,
    decide_account,
)
from dantaro_operator.core.bots import Bot, Key, account_of, bots_in
from dantaro_operator.core.cluster.config_map import build_config_map
from dantaro_operator.core.cluster.names import child_name
from dantaro_operator.core.cluster.rollout import ImageRollout
from dantaro_operator.core.cluster.settings import ClusterSettings
from dantaro_operator.core.cluster.shared import (
    build_network_policy,
    build_service,
    build_service_account,
)
from dantaro_operator.core.fleet import Surroundings
from dantaro_operator.core.notices import build_notices, drift_notice
from dantaro_operator.core.observed import BotObserved
from dantaro_operator.core.plan import MarketMoment
from dantaro_operator.core.workload import PlanSettings
from dantaro_operator.errors import NamespaceEndsError
from dantaro_operator.ports import Children, Objects, Recorder
from dantaro_operator.services.compact import compact
from dantaro_operator.services.fleet import BotRecord, Fleet
from dantaro_operator.services.pod_looks import PodLooks
from dantaro_operator.services.work_queue import WorkQueue

__all__ = ["AccountPorts", "AccountService", "AccountSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPorts:
    """The world of the use case."""

    objects: Objects
    children: Children
    recorder: Recorder
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSettings:
    """What was decided for all accounts.

    Attributes:
        plan: The surroundings of a plan.
        cluster: The surroundings of manifests.
        policy: What a new default image means for bots that run.
        silent_after: Seconds without an answer after which a bot counts as silent.
        look_after: Seconds without an answer after which a bot's pod is read.
    """

    plan: PlanSettings
    cluster: ClusterSettings
    policy: ImageRollout = ImageRollout.HELD
    silent_after: float = 90.0
    look_after: float = 10.0


@dataclass(slots=True)
class _Shared:
    """What all bots of a namespace need."""

    versions: dict[str, dict[str, str]] = field(default_factory=dict)
    """Versions of the objects as we left them, by namespace and kind; none before the first
    apply of this run."""
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)


class AccountService:
    """Bring an account and its bots to their declared state.

    Two calls for one account must not overlap; the work queue sees to that. Dying between any two
    writes is harmless: the next call finds what is there and does the rest.
    """

    def __init__(
        self,
        fleet: Fleet,
        queue: WorkQueue[Key],
        ports: AccountPorts,
        settings: AccountSettings,
    ) -> None:
        self._fleet = fleet
        self._queue = queue
        self._ports = ports
        self._settings = settings
        self._shared = _Shared()
        self._to_refresh: set[Key] = set()
        self._pods = PodLooks(ports.children, after=settings.look_after)
        self._expelled: set[str] = set()
        self._recommendations: tuple[Recommendation, ...] | None = None

    def advise(self, recommendations: tuple[Recommendation, ...] | None) -> None:
        """Let the next looks pick markets among these; None while central does not say."""
        self._recommendations = recommendations

    def refresh_next(self, account: Key) -> None:
        """Let the next look at an account also apply again what no watch tells of."""
        self._to_refresh.add(account)

    def take_configs(self, configs: Mapping[str, BotConfig]) -> None:
        """Take what bots were handed last, by uid; else it is read with a call for each bot."""
        for bot in self._fleet.bots():
            record, config = self._fleet.record_of(bot.key), configs.get(bot.metadata.uid)
            if record.child is not None and record.config is None and config is not None:
                record.config = compact(config)

    async def reconcile(self, account: Key) -> None:
        """Gather, decide, apply; ask for a look where others wrote meanwhile. Twice is as once.

        Raises:
            DantaroError: The first write that failed; the other objects were looked after.
        """
        refresh = account in self._to_refresh
        facts = await self._gather(account)
        steps = decide_account(facts)
        await self._carry_out_all(steps)
        if refresh:
            for item in steps:
                try:
                    await self._refresh(item)
                except NamespaceEndsError:
                    self._expel(item.resource)
            self._to_refresh.discard(account)

    async def _gather(self, account: Key) -> AccountFacts:
        objects = self._fleet.objects_of(account)
        bots = bots_in(objects)
        records = {bot.key: self._fleet.record_of(bot.key) for bot in bots}
        unread = [
            bot
            for bot in bots
            if records[bot.key].child is not None and records[bot.key].config is None
        ]
        configs = await asyncio.gather(*(self._ports.children.load_config(bot) for bot in unread))
        for bot, config in zip(unread, configs, strict=True):
            own = _own(config, bot)
            records[bot.key].config = compact(own) if own else None
        now = self._ports.clock.monotonic()
        quiet = [bot for bot in bots if self._pods.is_due(bot, records[bot.key], now=now)]
        await asyncio.gather(*(self._pods.look(bot, now=now) for bot in quiet))
        around = Surroundings(
            bots={bot.metadata.uid: self._observed(bot, records[bot.key], now) for bot in bots},
            market=MarketMoment(),
            settings=self._settings.plan,
            now=self._ports.clock.now(),
            recommendations=self._recommendations,
        )
        children = {key: record.child for key, record in records.items() if record.child}
        return AccountFacts(
            account=account,
            objects=objects,
            children=children,
            around=around,
            settings=self._settings.cluster,
            policy=self._settings.policy,
        )

    def _observed(self, bot: Bot, record: BotRecord, now: float) -> BotObserved:
        since = record.unanswered
        return BotObserved(
            config=record.config,
            process=self._pods.facts_of(bot, record),
            report=record.report,
            answered=record.answered is not None,
            silent=since is not None and now - since > self._settings.silent_after,
            expelled=bot.metadata.uid in self._expelled,
        )

    async def _carry_out_all(self, steps: list[ObjectSteps]) -> None:
        """Write for all objects; nobody is given money that another may still be told to use."""
        results: list[BaseException | None] = []
        for is_raised in (False, True):
            group = [item for item in steps if (item.gain > 0) is is_raised]
            done = await asyncio.gather(*map(self._carry_out, group), return_exceptions=True)
            results += done
            if any(
                isinstance(e, BaseException) and i.gain < 0
                for e, i in zip(done, group, strict=True)
            ):
                break
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _carry_out(self, steps: ObjectSteps) -> None:
        """Write what is to be written for one object, in order."""
        resource = steps.resource
        try:
            await self._write(steps)
        except NamespaceEndsError:
            self._expel(resource)
        except NotFoundError:
            # It is gone, or stays until its namespace is; then its event is to come.
            if not await self._ports.objects.exists(resource):
                self._look_at(self._fleet.forget(resource.key, uid=resource.metadata.uid))

    def _expel(self, resource: Allocation | Bot) -> None:
        """Remember that nothing can be made for a bot any more, and decide again with that."""
        uid = resource.metadata.uid
        if uid not in self._expelled and not isinstance(resource, Allocation):
            self._expelled.add(uid)
            self._look_at([account_of(resource)])

    async def _write(self, steps: ObjectSteps) -> None:
        ports, resource = self._ports, steps.resource
        if steps.hold:
            answer = await ports.objects.hold(resource)
            self._look_at(self._fleet.wrote(resource, answer))
        if isinstance(resource, Allocation):
            pass
        elif steps.children is not None:
            await self._apply_children(resource, steps.children, steps)
        if steps.patch:
            answer = await ports.objects.write_status(resource, steps.patch)
            self._look_at(self._fleet.wrote(steps.fresh, answer))
        for notice in build_notices(steps):
            await ports.recorder.record(resource, notice)
        if steps.release:
            await ports.objects.release(resource)
            self._look_at(self._fleet.released(resource))
            self._pods.forget(resource.metadata.uid)
            self._expelled.discard(resource.metadata.uid)

    def _look_at(self, accounts: Iterable[Key]) -> None:
        for account in accounts:
            self._queue.add(account)

    async def _apply_children(self, bot: Bot, children: BotSteps, steps: ObjectSteps) -> None:
        record = self._fleet.record_of(bot.key)
        # What came since was not compared.
        if record.child is not None and record.child.version == children.proven:
            record.child = record.child.proven()
        if not children.apply:
            return
        await self._apply_shared(bot.metadata.namespace)
        answer: Mapping[str, Any] = {}
        # Whatever fails now, the next look asks what the bot was really told.
        record.config = None
        for manifest in children.apply:
            answer = await self._ports.children.apply(manifest)
            if manifest["kind"] == "ConfigMap":
                record.config_version = answer["metadata"]["resourceVersion"]
        self._fleet.wrote_child(bot.key, answer)
        if steps.plan is not None and steps.plan.workload is not None:
            record.config = compact(steps.plan.workload.config)
        if children.refresh is not None:
            await self._ports.children.mark_pod(bot, children.refresh)

    async def _refresh(self, steps: ObjectSteps) -> None:
        """Apply a bot's ConfigMap and what it shares again; a version that moved was drift."""
        bot, children = steps.resource, steps.children
        if isinstance(bot, Allocation) or children is None or steps.plan is None:
            return
        drifted = await self._apply_shared(bot.metadata.namespace, again=True)
        workload, record = steps.plan.workload, self._fleet.record_of(bot.key)
        if workload is not None and not children.waits and record.child is not None:
            answer = await self._ports.children.apply(build_config_map(workload, bot))
            version = answer["metadata"]["resourceVersion"]
            if record.config_version not in {"", version}:
                drifted.append(f"ConfigMap {child_name(bot)}")
            record.config_version = version
        for name in drifted:
            await self._ports.recorder.record(bot, drift_notice(name))

    async def _apply_shared(self, namespace: str, *, again: bool = False) -> list[str]:
        """Make what all bots of a namespace need: before the first bot of a run, and on request.

        Returns:
            What somebody else had changed since our last apply.
        """
        async with self._shared.locks.setdefault(namespace, asyncio.Lock()):
            known = self._shared.versions.get(namespace, {})
            if known and not again:
                return []
            drifted = []
            for manifest in (
                build_service_account(namespace),
                build_service(namespace),
                build_network_policy(namespace, self._settings.cluster),
            ):
                kind = manifest["kind"]
                answer = await self._ports.children.apply(manifest)
                version = answer["metadata"]["resourceVersion"]
                if known.get(kind, version) != version:
                    drifted.append(f"{kind} {manifest['metadata']['name']}")
                known = {**known, kind: version}
            self._shared.versions[namespace] = known
            return drifted


def _own(config: BotConfig | None, bot: Bot) -> BotConfig | None:
    """A ConfigMap of an older bot of that name is none of this one's."""
    return config if config is not None and config.uid == bot.metadata.uid else None
