from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bot_config import BotConfig, CentralConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_operator.core.bots import Key, bots_in
from dantaro_operator.core.local.documents import FolderScan
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.core.observed import ProcessFacts
from dantaro_operator.core.workload import BotWorkload
from dantaro_operator.services.local import LocalPorts, LocalService
from tests.support.bots import NOW, make_report, make_scan, make_settings, share
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document

pytestmark = pytest.mark.unit

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

    async def remove(self, uid: str) -> None:
        self._world.configs.pop(uid, None)
        self._world.log.append(f"remove {uid}")


class FakeCentral:
    config = CentralConfig(url="http://127.0.0.1:1", key_file="key")

    def __init__(self, world: FakeWorld) -> None:
        self._world = world

    def observe(self) -> ProcessFacts:
        return self._world.central

    async def ensure(self, settings: MarketSettings, symbols: frozenset[str]) -> None:
        if not self._world.symbols:
            self._world.log.append("central")
        self._world.symbols = symbols


def make_service(world: FakeWorld, **market: Any) -> LocalService:
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
        ports, market=settings, places_of=make_settings().places_of, new_uid=lambda: next(uids)
    )


def healthy(*, ended: bool = False, status: str = "ok") -> CentralHealth:
    return CentralHealth.model_validate(
        {
            "status": status,
            "version": "0",
            "source": {"name": "replay", "live": False, "ended": ended},
            "marketTime": "2025-09-03T00:00:00Z",
        }
    )


def answer_all(world: FakeWorld, **values: Any) -> None:
    for uid, config in world.configs.items():
        names = {"uid": uid, "kind": config.kind, "name": config.name, "symbol": config.symbol}
        world.answers[uid] = make_report(**(names | values))


async def test_objects_and_the_market_are_stored_before_anything_starts() -> None:
    world = FakeWorld()
    await make_service(world).run_round()
    assert world.log == [
        "store main",
        "store grid",
        "store staged",
        "market started=True",
        "central",
        "run grid",
        "run staged",
    ]
    assert world.symbols == {"KRW-BTC", "KRW-ETH"}


async def test_a_second_round_writes_nothing() -> None:
    world = FakeWorld()
    service = make_service(world)
    await service.run_round()
    world.log.clear()
    await service.run_round()
    assert [line for line in world.log if not line.startswith("status")] == []
    world.log.clear()
    await service.run_round()
    assert world.log == []


async def test_a_restart_goes_on_with_the_same_objects() -> None:
    world = FakeWorld()
    await make_service(world).run_round()
    before = {key: item.metadata for key, item in world.objects.items()}
    world.log.clear()
    await make_service(world, started=True).run_round()
    assert {key: item.metadata for key, item in world.objects.items()} == before
    assert not [line for line in world.log if line.startswith(("store", "run"))]


async def test_reports_become_status_and_are_kept() -> None:
    world = FakeWorld(health=healthy())
    service = make_service(world)
    await service.run_round()
    answer_all(world)
    done = await service.run_round()
    assert {bot.status.phase for bot in bots_in(done.objects)} == {"Running"}
    assert sorted(world.reports) == ["uid-000001", "uid-000002"]
    assert done.market_times == dict.fromkeys(
        world.reports, datetime(2025, 9, 1, 0, 10, tzinfo=UTC)
    )


async def test_a_heartbeat_alone_is_not_stored() -> None:
    world = FakeWorld(health=healthy())
    service = make_service(world)
    await service.run_round()
    answer_all(world)
    await service.run_round()
    await service.run_round()
    world.log.clear()
    answer_all(world, heartbeatTime="2026-01-31T09:00:30Z")
    await service.run_round()
    assert world.log == []


async def test_a_bot_that_stops_answering_is_silent_after_a_while() -> None:
    world = FakeWorld(health=healthy())
    service = make_service(world)
    await service.run_round()
    answer_all(world)
    await service.run_round()
    world.answers.clear()
    world.seconds += 20
    done = await service.run_round()
    reasons = {bot.status.conditions[0].reason for bot in bots_in(done.objects)}
    assert reasons == {"NotReporting"}


async def test_the_report_of_a_dead_process_does_not_count() -> None:
    world = FakeWorld(health=healthy())
    service = make_service(world)
    await service.run_round()
    answer_all(world)
    await service.run_round()
    world.facts = ProcessFacts(running=True, pid=99)
    world.answers.clear()
    done = await service.run_round()
    assert {bot.status.phase for bot in bots_in(done.objects)} == {"Starting"}


async def test_a_drained_bot_is_removed() -> None:
    world = FakeWorld(health=healthy())
    service = make_service(world)
    await service.run_round()
    world.scan = make_scan(account=[ACCOUNT], bots=[trading_bot_document()])
    answer_all(world, drained=True)
    for _ in range(2):
        await service.run_round()
    assert "remove uid-000001" not in world.log[:-2]
    assert world.log[-2:] == ["remove uid-000001", "forget grid"]
    assert not service.is_empty


@pytest.mark.parametrize(
    ("health", "central", "want"),
    [
        pytest.param(healthy(), ProcessFacts(running=True), "", id="fine"),
        pytest.param(None, ProcessFacts(running=True), "", id="starts"),
        pytest.param(
            healthy(status="KRW-ETH is broken"),
            ProcessFacts(running=True),
            "central: KRW-ETH is broken",
            id="reports-a-broken-file",
        ),
        pytest.param(
            None,
            ProcessFacts(exit_code=78, words="no such folder"),
            "central ended with code 78: no such folder",
            id="ended",
        ),
        pytest.param(
            None, ProcessFacts(exit_code=-9), "central ended with code -9: see its log", id="killed"
        ),
    ],
)
async def test_trouble_with_central_is_told(
    health: CentralHealth | None, central: ProcessFacts, want: str
) -> None:
    world = FakeWorld(health=health, central=central)
    assert (await make_service(world).run_round()).trouble == want


CAUGHT_UP = {"caughtUp": True, "sourceEnded": True}


@pytest.mark.parametrize(
    ("ended", "report", "facts", "want"),
    [
        pytest.param(True, CAUGHT_UP, None, True, id="all-has-been-seen"),
        pytest.param(False, CAUGHT_UP, None, False, id="there-is-more"),
        pytest.param(True, {"caughtUp": True}, None, False, id="a-bot-does-not-know-yet"),
        pytest.param(True, {"engineState": "ERROR"}, None, True, id="a-bot-gave-up"),
        pytest.param(
            True, None, ProcessFacts(exit_code=78, blocked="x"), True, id="a-bot-cannot-start"
        ),
        pytest.param(True, None, None, False, id="a-bot-says-nothing"),
    ],
)
async def test_a_replay_is_over_when_every_bot_has_seen_it(
    ended: bool, report: dict[str, Any] | None, facts: ProcessFacts | None, want: bool
) -> None:
    world = FakeWorld(health=healthy(ended=ended))
    service = make_service(world)
    assert not (await service.run_round()).is_over
    if report is not None:
        answer_all(world, **report)
    if facts is not None:
        world.facts = facts
    assert (await service.run_round()).is_over is want


async def test_a_stopped_bot_does_not_hold_up_the_end_of_a_replay() -> None:
    stopped = trading_bot_document(state="Stopped")
    world = FakeWorld(scan=make_scan(account=[ACCOUNT], bots=[stopped]), health=healthy(ended=True))
    service = make_service(world)
    await service.run_round()
    assert (await service.run_round()).is_over
