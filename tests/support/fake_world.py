"""Everything that local mode knows of the world, in memory."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bot_config import BotConfig, CentralConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.allocation import NO_CAPS, RiskCaps
from dantaro_operator.core.bots import Key
from dantaro_operator.core.local.documents import FolderScan
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.core.observed import ProcessFacts
from dantaro_operator.core.workload import BotWorkload
from dantaro_operator.services.local import LocalPorts, LocalService
from tests.support.bots import NOW, make_report, make_scan, make_settings, share
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document

__all__ = ["ACCOUNT", "GOOD", "FakeWorld", "answer_all", "healthy", "make_service"]

SHARES = [share("GridBot", "grid"), share("TradingBot", "staged", 25)]
ACCOUNT = allocation_document(shares=SHARES)
GOOD = make_scan(account=[ACCOUNT], bots=[grid_bot_document(), trading_bot_document()])


@dataclass
class FakeWorld:
    """Everything outside, in memory; `log` tells what was written in which order."""

    scan: FolderScan = GOOD
    objects: dict[Key, Resource] = field(default_factory=dict)
    reports: dict[str, BotReport] = field(default_factory=dict)
    answers: dict[str, BotReport] = field(default_factory=dict)
    configs: dict[str, BotConfig] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    facts: ProcessFacts = field(default_factory=lambda: ProcessFacts(running=True, pid=1))
    central: ProcessFacts = field(default_factory=lambda: ProcessFacts(running=True, pid=2))
    health: CentralHealth | None = None
    log: list[str] = field(default_factory=list)
    seconds: float = 0.0
    symbols: frozenset[str] = frozenset()
    choice: bool = False
    recommendations: tuple[Recommendation, ...] | None = None

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds

    def read(self) -> FolderScan:
        return self.scan

    def load_objects(self) -> Iterable[Resource]:
        return list(self.objects.values())

    def save_object(self, resource: Resource, *, durable: bool) -> None:
        self.objects[resource.key] = resource
        self.log.append(f"{'store' if durable else 'status'} {resource.metadata.name}")

    def remove_object(self, resource: Resource) -> None:
        self.objects.pop(resource.key, None)
        self.log.append(f"forget {resource.metadata.name}")

    def save_market(self, settings: MarketSettings) -> None:
        self.log.append(f"market started={settings.started}")

    def load_reports(self) -> Mapping[str, BotReport]:
        return self.reports

    def save_report(self, report: BotReport) -> None:
        self.reports[report.uid] = report
        self.log.append(f"report {report.uid}")

    async def fetch_reports(self, urls: Mapping[str, str]) -> Mapping[str, BotReport]:
        return {uid: self.answers[uid] for uid in urls if uid in self.answers}

    async def fetch_health(self, url: str) -> CentralHealth | None:
        return self.health

    async def fetch_recommendations(
        self, central: CentralConfig
    ) -> tuple[Recommendation, ...] | None:
        return self.recommendations


class FakeCluster:
    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def observe(self) -> Mapping[str, tuple[BotConfig, ProcessFacts]]:
        world = self._world
        return {
            uid: (config, ProcessFacts() if uid in world.dead else world.facts)
            for uid, config in world.configs.items()
        }

    def status_urls(self) -> Mapping[str, str]:
        return dict.fromkeys(self._world.configs.keys() - self._world.dead, "url")

    async def ensure(self, workload: BotWorkload) -> None:
        known = self._world.configs.get(workload.uid)
        self._world.configs[workload.uid] = workload.config
        if known != workload.config:
            self._world.log.append(f"run {workload.config.name}")

    def restart(self, uid: str, why: str) -> None:
        self._world.log.append(f"restart {uid}: {why}")

    async def remove(self, uid: str) -> None:
        self._world.configs.pop(uid, None)
        self._world.log.append(f"remove {uid}")


class FakeCentral:
    config = CentralConfig(url="http://127.0.0.1:1", key_file="key")
    log = "central.log"

    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def observe(self) -> ProcessFacts:
        return self._world.central

    async def ensure(
        self, settings: MarketSettings, symbols: frozenset[str], *, choice: bool
    ) -> None:
        if not self._world.symbols and not self._world.choice:
            self._world.log.append("central")
        self._world.symbols, self._world.choice = symbols, choice


def make_service(world: FakeWorld, caps: RiskCaps = NO_CAPS, **market: Any) -> LocalService:
    ports = LocalPorts(
        folder=world,
        objects=world,
        reports=world,
        cluster=FakeCluster(world),
        central=FakeCentral(world),
        status=world,
        clock=world,
    )
    uids = iter(f"uid-{number:06}" for number in range(100))
    settings = MarketSettings.model_validate({"source": "simulated", "speed": "60"} | market)
    return LocalService(
        ports,
        market=settings,
        places_of=make_settings().places_of,
        new_uid=lambda: next(uids),
        caps=caps,
    )


def healthy(
    *, ended: bool = False, status: str = "ok", symbols: list[str] | None = None
) -> CentralHealth:
    return CentralHealth.model_validate(
        {
            "status": status,
            "version": "0",
            "source": {"name": "replay", "live": False, "ended": ended},
            "marketTime": "2025-09-03T00:00:00Z",
            "symbols": ["KRW-BTC", "KRW-ETH"] if symbols is None else symbols,
        }
    )


def answer_all(world: FakeWorld, **values: Any) -> None:
    for uid, config in world.configs.items():
        names = {"uid": uid, "kind": config.kind, "name": config.name, "symbol": config.symbol}
        world.answers[uid] = make_report(**(names | values))
