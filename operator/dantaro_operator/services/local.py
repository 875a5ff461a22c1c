"""The use case of `dantaro up`: one round after the other, gather, decide, apply."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.common import BotState
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport, EngineState
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_operator.core.bots import Bot, Key
from dantaro_operator.core.local.documents import Finding, FolderScan
from dantaro_operator.core.local.folder import FolderContent, read_content
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.core.local.registry import SOURCE_FILE
from dantaro_operator.core.local.round import Decision, World, decide_round
from dantaro_operator.core.observed import BotObserved, ProcessFacts
from dantaro_operator.core.plan import MarketMoment
from dantaro_operator.core.workload import BotPlaces, BotWorkload, PlanSettings
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
    """

    objects: tuple[Resource, ...]
    reports: Mapping[str, BotReport]
    health: CentralHealth | None
    market: MarketSettings
    findings: tuple[Finding, ...]
    trouble: str
    time: datetime
    is_over: bool

    @property
    def market_times(self) -> Mapping[str, datetime]:
        """Market time of each bot that has one, by uid."""
        return {
            uid: report.market_time
            for uid, report in self.reports.items()
            if report.market_time is not None
        }


@dataclass(slots=True)
class _Answer:
    pid: int
    time: float


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
        places_of: Callable[[Bot], BotPlaces],
        new_uid: Callable[[], str],
    ) -> None:
        self._ports = ports
        self._market = market
        self._places_of = places_of
        self._new_uid = new_uid
        self._stored = {item.key: item for item in ports.objects.load_objects()}
        self._reports = dict(ports.reports.load_reports())
        self._answers: dict[str, _Answer] = {}
        self._missing: frozenset[Key] = frozenset()
        self._symbols: frozenset[str] = frozenset()
        self._farewells: list[Finding] = []
        self._read: tuple[FolderScan, dict[Key, object], FolderContent] | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is no object at all."""
        return not self._stored

    async def run_round(self) -> LocalRound:
        """Gather, decide, apply. Twice is the same as once."""
        gathered = await self._gather()
        decision = decide_round(
            World(
                content=self._content(),
                stored=self._stored,
                missing=self._missing,
                bots=gathered.bots,
                market=MarketMoment(
                    started=self._market.started,
                    time=gathered.health.market_time if gathered.health else None,
                ),
                settings=PlanSettings(
                    central=self._ports.central.config, places_of=self._places_of
                ),
                now=self._ports.clock.now(),
                new_uid=self._new_uid,
            )
        )
        await self._apply(decision)
        self._farewells = [*self._farewells, *decision.farewells][-MAX_FAREWELLS:]
        return LocalRound(
            objects=decision.objects,
            reports=self._reports,
            health=gathered.health,
            market=self._market,
            findings=(*decision.findings, *self._farewells),
            trouble=self._trouble(gathered),
            time=self._ports.clock.now(),
            is_over=_is_over(gathered, decision.workloads),
        )

    async def _gather(self) -> _Gathered:
        ports = self._ports
        processes = ports.cluster.observe()
        health, reports = await asyncio.gather(
            ports.status.fetch_health(ports.central.config.url),
            ports.status.fetch_reports(ports.cluster.status_urls()),
        )
        now = ports.clock.monotonic()
        for uid, report in reports.items():
            if uid not in processes:
                continue
            pid = processes[uid][1].pid
            if pid is not None:
                self._answers[uid] = _Answer(pid=pid, time=now)
            self._take_report(report)
        bots = {
            uid: self._observed(uid, config_and_process, now)
            for uid, config_and_process in processes.items()
        }
        return _Gathered(health=health, bots=bots, central=ports.central.observe(), fresh=reports)

    def _observed(self, uid: str, known: tuple[BotConfig, ProcessFacts], now: float) -> BotObserved:
        config, process = known
        answer = self._answers.get(uid)
        answered = answer is not None and answer.pid == process.pid
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
        if decision.workloads:
            if not self._market.started:
                self._market = self._market.model_copy(update={"started": True})
                ports.objects.save_market(self._market)
            await ports.central.ensure(self._market, self._symbols)
        for workload in decision.workloads:
            await ports.cluster.ensure(workload)
        for item in decision.removed:
            await ports.cluster.remove(item.metadata.uid)
            ports.objects.remove_object(item)
            self._stored.pop(item.key, None)

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

    @staticmethod
    def _trouble(gathered: _Gathered) -> str:
        health, process = gathered.health, gathered.central
        if health is not None:
            quiet = health.status == "ok" or health.status.startswith("starting")
            return "" if quiet else f"central: {health.status}"
        if process.exit_code is None and not process.blocked:
            return ""
        return f"central ended with code {process.exit_code}: {process.words or 'see its log'}"


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
