"""The use case of `dantaro up`: one round after the other, gather, decide, apply."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.common import BotState, Mode
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport, EngineState
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.allocation import NO_CAPS, RiskCaps
from dantaro_operator.core.bots import AUTO, Bot, Key, bots_in
from dantaro_operator.core.local.documents import Finding, FolderScan
from dantaro_operator.core.local.folder import FolderContent, read_content
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.core.local.registry import SOURCE_FILE
from dantaro_operator.core.local.round import Decision, World, decide_round
from dantaro_operator.core.local.trouble import central_trouble, final_failure, has_market
from dantaro_operator.core.observed import BotObserved, ProcessFacts
from dantaro_operator.core.plan import MarketMoment
from dantaro_operator.core.workload import BotPlaces, BotWorkload, LiveVenue, PlanSettings
from dantaro_operator.ports import (
    Central,
    Cluster,
    Folder,
    ObjectStore,
    ReportStore,
    StatusSource,
)

__all__ = ["LocalPorts", "LocalRound", "LocalService"]

SILENT_AFTER = 15.0
"""Seconds without an answer after which a running bot counts as silent."""

STUCK_AFTER = 60.0
"""Seconds without an answer after which a running bot's process is ended and started again."""

ADVICE_EVERY = 5.0
"""Seconds after which central is asked again what it recommends, while a bot needs that."""

MAX_FAREWELLS = 10
"""How many deleted bots are still told of; the oldest are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalPorts:
    """The world of the use case."""

    folder: Folder
    objects: ObjectStore
    reports: ReportStore
    cluster: Cluster
    central: Central
    status: StatusSource
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalRound:
    """What a round led to, for those who show it.

    Attributes:
        objects: All objects.
        reports: Last reports by uid of the bot.
        health: What central says; None while it does not answer.
        market: The market that the bots live on.
        findings: Everything that is wrong.
        trouble: What a person should know about central; empty if nothing.
        time: Wall time.
        is_over: Whether the replay ended and every bot has seen all of it.
        failure: Why the market cannot be had at all, so that going on is no use; else empty.
    """

    objects: tuple[Resource, ...]
    reports: Mapping[str, BotReport]
    health: CentralHealth | None
    market: MarketSettings
    findings: tuple[Finding, ...]
    trouble: str
    time: datetime
    is_over: bool
    failure: str = ""


@dataclass(slots=True)
class _Answer:
    """Last answer of a process, or when it was first seen while it has not answered yet."""

    pid: int
    time: float
    answered: bool = False


@dataclass(slots=True)
class _Gathered:
    health: CentralHealth | None
    bots: dict[str, BotObserved]
    central: ProcessFacts
    fresh: Mapping[str, BotReport] = field(default_factory=dict)


class LocalService:
    """Bring what runs on this machine to what a folder declares."""

    def __init__(
        self,
        ports: LocalPorts,
        *,
        market: MarketSettings,
        places_of: Callable[[Bot, Mode], BotPlaces],
        new_uid: Callable[[], str],
        caps: RiskCaps = NO_CAPS,
        live: LiveVenue | None = None,
    ) -> None:
        self._ports = ports
        self._market = market
        self._places_of = places_of
        self._new_uid = new_uid
        self._caps = caps
        self._live = live
        self._stored = {item.key: item for item in ports.objects.load_objects()}
        self._reports = dict(ports.reports.load_reports())
        self._answers: dict[str, _Answer] = {}
        self._missing: frozenset[Key] = frozenset()
        self._symbols: frozenset[str] = frozenset()
        self._served = False
        self._saved_market = market if market.started else None
        self._farewells: list[Finding] = []
        self._recommendations: tuple[Recommendation, ...] | None = None
        self._advice_due = 0.0
        self._read: tuple[FolderScan, dict[Key, object], FolderContent] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no object at all."""
        return not self._stored

    async def run_round(self) -> LocalRound:
        """Gather, decide, apply. Twice is the same as once."""
        gathered = await self._gather()
        self._served = self._served or has_market(gathered.health)
        decision = decide_round(
            World(
                content=self._content(),
                stored=self._stored,
                missing=self._missing,
                bots=gathered.bots,
                market=MarketMoment(
                    started=self._market.started or self._served,
                    time=gathered.health.market_time if gathered.health else None,
                ),
                settings=PlanSettings(
                    central=self._ports.central.config,
                    places_of=self._places_of,
                    caps=self._caps,
                    live=self._live,
                ),
                now=self._ports.clock.now(),
                new_uid=self._new_uid,
                recommendations=self._recommendations,
            )
        )
        await self._apply(decision)
        self._farewells = [*self._farewells, *decision.farewells][-MAX_FAREWELLS:]
        failure = "" if self._served else final_failure(gathered.central)
        log = self._ports.central.log
        return LocalRound(
            objects=decision.objects,
            reports=self._reports,
            health=gathered.health,
            market=self._market,
            findings=(*decision.findings, *self._farewells),
            trouble="" if failure else central_trouble(gathered.health, gathered.central, log=log),
            time=self._ports.clock.now(),
            is_over=_is_over(gathered, decision.workloads),
            failure=failure,
        )

    async def _gather(self) -> _Gathered:
        ports = self._ports
        processes = ports.cluster.observe()
        health, reports = await asyncio.gather(
            ports.status.fetch_health(ports.central.config.url),
            ports.status.fetch_reports(ports.cluster.status_urls()),
        )
        now = ports.clock.monotonic()
        await self._take_advice(now)
        for uid, report in reports.items():
            if uid not in processes:
                continue
            pid = processes[uid][1].pid
            if pid is not None:
                self._answers[uid] = _Answer(pid=pid, time=now, answered=True)
            self._take_report(report)
        self._end_stuck(processes, now)
        bots = {
            uid: self._observed(uid, config_and_process, now)
            for uid, config_and_process in processes.items()
        }
        return _Gathered(health=health, bots=bots, central=ports.central.observe(), fresh=reports)

    async def _take_advice(self, now: float) -> None:
        """Ask which markets to trade, if some bot leaves that open."""
        ports, bots = self._ports, bots_in(self._stored.values())
        if all(bot.spec.symbol != AUTO for bot in bots):
            return
        if self._recommendations is None or now >= self._advice_due:
            found = await ports.status.fetch_recommendations(ports.central.config)
            self._recommendations = found
            self._advice_due = now + ADVICE_EVERY

    def _end_stuck(
        self, processes: Mapping[str, tuple[BotConfig, ProcessFacts]], now: float
    ) -> None:
        """End processes that run and have not answered for so long that they never will."""
        for uid, (_, process) in processes.items():
            if process.pid is None:
                continue
            known = self._answers.get(uid)
            if known is None or known.pid != process.pid:
                self._answers[uid] = _Answer(pid=process.pid, time=now)
            elif now - known.time > STUCK_AFTER:
                words = f"ended by dantaro up: it did not answer for {STUCK_AFTER:.0f} s"
                self._ports.cluster.restart(uid, words)

    def _observed(self, uid: str, known: tuple[BotConfig, ProcessFacts], now: float) -> BotObserved:
        config, process = known
        answer = self._answers.get(uid)
        answered = answer is not None and answer.answered and answer.pid == process.pid
        return BotObserved(
            config=config,
            process=process,
            report=self._reports.get(uid),
            answered=answered,
            silent=answered and answer is not None and now - answer.time > SILENT_AFTER,
        )

    def _take_report(self, report: BotReport) -> None:
        known = self._reports.get(report.uid)
        self._reports[report.uid] = report
        beat = {"heartbeat_time": report.heartbeat_time}
        if known is None or known.model_copy(update=beat) != report:
            self._ports.reports.save_report(report)

    def _content(self) -> FolderContent:
        """Return what the folder asks for; nothing is checked again while nothing changed."""
        scan = self._ports.folder.read()
        specs: dict[Key, object] = {
            key: (
                item.metadata.annotations.get(SOURCE_FILE),
                item.metadata.deletion_timestamp,
                getattr(item, "spec", None),
            )
            for key, item in self._stored.items()
        }
        known = self._read
        if known is not None and known[0] == scan and known[1] == specs:
            return known[2]
        content = read_content(scan, self._stored)
        self._read = (scan, specs, content)
        return content

    async def _apply(self, decision: Decision) -> None:
        """Objects are stored before anything starts, so that a kill loses no uid and no start."""
        ports = self._ports
        for item in decision.objects:
            self._save(item)
        self._missing = decision.missing
        self._symbols |= {workload.config.symbol for workload in decision.workloads}
        if decision.workloads or decision.needs_choice:
            self._save_market()
            await ports.central.ensure(self._market, self._symbols, choice=decision.needs_choice)
        for workload in decision.workloads:
            await ports.cluster.ensure(workload)
        for item in decision.removed:
            await ports.cluster.remove(item.metadata.uid)
            ports.objects.remove_object(item)
            self._stored.pop(item.key, None)

    def _save_market(self) -> None:
        """Store the choice before central runs, and that it holds for good once central served."""
        fresh = self._market.model_copy(update={"started": self._market.started or self._served})
        if fresh != self._saved_market:
            self._ports.objects.save_market(fresh)
        self._market = self._saved_market = fresh

    def _save(self, item: Resource) -> None:
        known = self._stored.get(item.key)
        if known == item:
            return
        is_status_only = (
            known is not None
            and known.metadata == item.metadata
            and getattr(known, "spec", None) == getattr(item, "spec", None)
        )
        self._ports.objects.save_object(item, durable=not is_status_only)
        self._stored[item.key] = item


def _is_over(gathered: _Gathered, workloads: tuple[BotWorkload, ...]) -> bool:
    if gathered.health is None or not gathered.health.source.ended or not workloads:
        return False
    return all(_has_seen_all(gathered, workload) for workload in workloads)


def _has_seen_all(gathered: _Gathered, workload: BotWorkload) -> bool:
    """Whether a bot has nothing more to do in a replay that ended."""
    markets = gathered.health.symbols if gathered.health else []
    if workload.config.state is BotState.STOPPED or workload.config.symbol not in markets:
        return True
    observed = gathered.bots.get(workload.uid)
    if observed is not None and observed.process.blocked:
        return True
    report = gathered.fresh.get(workload.uid)
    if report is None:
        return False
    return report.engine_state is EngineState.ERROR or (report.caught_up and report.source_ended)
