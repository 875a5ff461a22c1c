from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.wire.bundle import CentralHealth
from dantaro_operator.core.allocation import RiskCaps
from dantaro_operator.core.bots import bots_in
from dantaro_operator.core.observed import ProcessFacts
from dantaro_operator.services.local import ADVICE_EVERY
from tests.support.bots import NOW, make_scan
from tests.support.documents import trading_bot_document
from tests.support.fake_world import ACCOUNT, FakeWorld, answer_all, healthy, make_service
from tests.support.recommendations import make_recommendations

pytestmark = pytest.mark.unit


async def test_objects_and_the_market_are_stored_before_anything_starts() -> None:
    world = FakeWorld()
    await make_service(world).run_round()
    assert world.log == [
        "store main",
        "store grid",
        "store staged",
        "market started=False",
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


async def test_a_bot_that_never_answers_is_started_again() -> None:
    world = FakeWorld(health=healthy())
    service = make_service(world)
    await service.run_round()
    await service.run_round()
    answer_all(world)
    world.answers.pop("uid-000002")
    for seconds, want in (
        (59, []),
        (61, ["restart uid-000002: ended by dantaro up: it did not answer for 60 s"]),
    ):
        world.seconds = seconds
        await service.run_round()
        assert [line for line in world.log if line.startswith("restart")] == want


async def test_a_market_is_for_good_once_central_served_it() -> None:
    world = FakeWorld()
    service = make_service(world)
    await service.run_round()
    world.health = healthy()
    await service.run_round()
    await service.run_round()
    told = [line for line in world.log if line.startswith("market")]
    assert told == ["market started=False", "market started=True"]


@pytest.mark.parametrize(
    ("served", "central", "want"),
    [
        pytest.param(
            False,
            ProcessFacts(exit_code=78, words="there are no candles after that"),
            "central cannot serve this market (--market, --from): there are no candles after that",
            id="cannot-start",
        ),
        pytest.param(True, ProcessFacts(exit_code=78), "", id="broke-later"),
        pytest.param(False, ProcessFacts(exit_code=70), "", id="crashed"),
        pytest.param(False, ProcessFacts(running=True, exit_code=78), "", id="tries-again"),
    ],
)
async def test_a_market_that_cannot_be_served_is_a_failure(
    served: bool, central: ProcessFacts, want: str
) -> None:
    world = FakeWorld(health=healthy() if served else None)
    service = make_service(world)
    await service.run_round()
    world.health, world.central = None, central
    done = await service.run_round()
    assert (done.failure, bool(done.trouble)) == (want, not want)


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
    for _ in range(2):
        texts = [finding.text for finding in (await service.run_round()).findings]
        assert [text.split(":")[0] for text in texts if "deleted" in text] == [
            "GridBot/grid deleted (CancelOrders)"
        ]


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
            ProcessFacts(exit_code=75, words="the disk is full"),
            "central ended with code 75: the disk is full; it is started again",
            id="ended",
        ),
        pytest.param(
            None,
            ProcessFacts(exit_code=-9),
            "central ended with code -9: its log is central.log; it is started again",
            id="killed",
        ),
        pytest.param(
            None,
            ProcessFacts(exit_code=70),
            "central ended with code 70: its log is central.log; it is started again; a bug of "
            "ours: please send central.log with a report",
            id="bug",
        ),
        pytest.param(
            healthy(status="the worker gave no sign of life since 2026-01-31T08:00:00Z"),
            ProcessFacts(running=True, started=NOW),
            "",
            id="silence-of-an-earlier-process",
        ),
        pytest.param(
            healthy(status="the worker gave no sign of life since 2026-01-31T09:00:00Z"),
            ProcessFacts(running=True, started=NOW),
            "central: the worker gave no sign of life since 2026-01-31T09:00:00Z",
            id="silence-of-this-process",
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


async def test_a_bot_without_a_market_does_not_hold_up_the_end_of_a_replay() -> None:
    world = FakeWorld(health=healthy(ended=True, symbols=[]))
    service = make_service(world)
    await service.run_round()
    assert (await service.run_round()).is_over


AUTO = make_scan(account=[ACCOUNT], bots=[trading_bot_document(symbol="auto")])


async def test_a_bot_without_a_market_waits_for_central_and_gets_the_best() -> None:
    world = FakeWorld(scan=AUTO)
    service = make_service(world)
    first = await service.run_round()
    bot = bots_in(first.objects)[0]
    assert (bot.status.phase, bot.status.symbol) == ("Pending", None)
    assert bot.status.conditions[0].reason == "CentralUnreachable"
    assert (world.choice, world.symbols) == (True, frozenset())
    assert "central" in world.log

    world.health, world.recommendations = healthy(), ()
    waiting = bots_in((await service.run_round()).objects)[0]
    assert waiting.status.conditions[0].reason == "WaitingForRecommendation"

    world.recommendations = make_recommendations("USDT-BTC", "KRW-SOL", "KRW-XRP")
    world.seconds += ADVICE_EVERY
    await service.run_round()
    picked = bots_in((await service.run_round()).objects)[0]
    (config,) = world.configs.values()
    assert (config.symbol, picked.status.symbol, picked.spec.symbol) == (
        "KRW-SOL",
        "KRW-SOL",
        "auto",
    )
    # Nothing of before the pick is traded: the pick knew it.
    assert config.start_time == healthy().market_time


async def test_a_pick_is_kept_over_restarts_and_without_central() -> None:
    world = FakeWorld(scan=AUTO, health=healthy())
    world.recommendations = make_recommendations("KRW-SOL")
    service = make_service(world)
    await service.run_round()
    await service.run_round()
    world.recommendations = None
    world.log.clear()
    done = await make_service(world, started=True).run_round()
    (config,) = world.configs.values()
    assert (config.symbol, bots_in(done.objects)[0].status.symbol) == ("KRW-SOL", "KRW-SOL")
    assert [line for line in world.log if line.startswith("run")] == []


async def test_central_is_not_asked_while_every_bot_names_its_market() -> None:
    world = FakeWorld(health=healthy())
    await make_service(world).run_round()
    assert world.choice is False


async def test_a_new_cap_reaches_a_running_bot_as_a_configuration_once() -> None:
    world = FakeWorld(health=healthy())
    await make_service(world).run_round()
    before = dict(world.configs)
    service = make_service(world, RiskCaps(max_drawdown_percent=Decimal(20)), started=True)
    await service.run_round()
    for uid, config in before.items():
        risk = config.risk.model_copy(update={"max_drawdown_percent": Decimal(20)})
        assert world.configs[uid] == config.model_copy(update={"risk": risk})
    answer_all(world)
    await service.run_round()
    world.log.clear()
    await service.run_round()
    assert world.log == []
