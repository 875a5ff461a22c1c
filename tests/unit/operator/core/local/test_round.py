from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.core.bots import MARKET_START, bots_in
from dantaro_operator.core.local.documents import FolderScan
from dantaro_operator.core.local.folder import read_content
from dantaro_operator.core.local.round import Decision, World, decide_round
from dantaro_operator.core.observed import BotObserved, ProcessFacts
from dantaro_operator.core.plan import MarketMoment
from tests.support.bots import NOW, make_report, make_scan, make_settings, share
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document

pytestmark = pytest.mark.unit

SHARES = [share("GridBot", "grid"), share("TradingBot", "staged", 25)]
ACCOUNT = allocation_document(shares=SHARES)
GOOD = make_scan(account=[ACCOUNT], bots=[grid_bot_document(), trading_bot_document()])
RUNS = ProcessFacts(running=True, pid=1)


class Machine:
    """A folder, what is stored of it, and what runs: rounds can be played one after the other."""

    def __init__(self) -> None:
        self.last: Decision | None = None
        self.bots: dict[str, BotObserved] = {}
        self.market = MarketMoment()
        self._count = 0

    def look(self, scan: FolderScan) -> Decision:
        stored = {item.key: item for item in self.last.objects} if self.last else {}
        self.last = decide_round(
            World(
                content=read_content(scan, stored),
                stored=stored,
                missing=self.last.missing if self.last else frozenset(),
                bots=self.bots,
                market=self.market,
                settings=make_settings(),
                now=NOW,
                new_uid=self._uid,
            )
        )
        return self.last

    def _uid(self) -> str:
        self._count += 1
        return f"uid-{self._count:08}"

    def run(self, **report: Any) -> None:
        """Pretend that every workload runs and reports."""
        assert self.last is not None
        self.market = MarketMoment(started=True, time=datetime(2025, 9, 1, tzinfo=UTC))
        for workload in self.last.workloads:
            config = workload.config
            values = {"uid": config.uid, "symbol": config.symbol, "kind": config.kind}
            self.bots[config.uid] = BotObserved(
                config=config, process=RUNS, report=make_report(**(values | report)), answered=True
            )


def names(objects: tuple[Resource, ...]) -> list[str]:
    return sorted(item.metadata.name for item in objects)


def config_of(decision: Decision, name: str) -> BotConfig:
    return next(w.config for w in decision.workloads if w.config.name == name)


def test_a_first_look_makes_objects_and_workloads() -> None:
    decision = Machine().look(GOOD)
    assert names(decision.objects) == ["grid", "main", "staged"]
    assert [w.config.name for w in decision.workloads] == ["grid", "staged"]
    assert {b.metadata.annotations[MARKET_START] for b in bots_in(decision.objects)} == {"first"}
    assert (decision.findings, decision.removed) == ((), ())


def test_a_second_look_changes_nothing() -> None:
    machine = Machine()
    first = machine.look(GOOD)
    assert machine.look(GOOD) == first


def test_a_bot_added_later_starts_at_the_present_market_time() -> None:
    machine = Machine()
    machine.look(make_scan(account=[ACCOUNT], bots=[grid_bot_document()]))
    machine.run()
    decision = machine.look(GOOD)
    assert config_of(decision, "staged").start_time == datetime(2025, 9, 1, tzinfo=UTC)
    assert config_of(decision, "grid").start_time is None


def test_an_edit_touches_only_the_bot_concerned() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run()
    before = machine.look(GOOD)
    bots = [grid_bot_document(state="Stopped"), trading_bot_document()]
    after = machine.look(make_scan(account=[ACCOUNT], bots=bots))
    assert config_of(after, "staged") == config_of(before, "staged")
    assert config_of(after, "grid").generation == 2


def test_a_share_changes_only_the_budget_of_its_bot() -> None:
    machine = Machine()
    before = machine.look(GOOD)
    account = allocation_document(shares=[share("GridBot", "grid", 60), SHARES[1]])
    after = machine.look(
        make_scan(account=[account], bots=[grid_bot_document(), trading_bot_document()])
    )
    assert config_of(after, "staged") == config_of(before, "staged")
    changed = config_of(before, "grid").model_copy(
        update={"budget": config_of(after, "grid").budget}
    )
    assert config_of(after, "grid") == changed


WITHOUT_GRID = make_scan(account=[ACCOUNT], bots=[trading_bot_document()])


def test_a_missing_bot_is_drained_then_removed() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run()
    assert config_of(machine.look(WITHOUT_GRID), "grid").drain is None
    draining = machine.look(WITHOUT_GRID)
    assert config_of(draining, "grid").drain is not None
    machine.run(drained=True)
    decision = machine.look(WITHOUT_GRID)
    assert (names(decision.removed), names(decision.objects)) == (["grid"], ["main", "staged"])
    assert [w.config.name for w in decision.workloads] == ["staged"]


def test_a_report_of_an_earlier_process_is_no_proof_of_a_drain() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run(drained=True)
    machine.bots = {uid: replace(bot, answered=False) for uid, bot in machine.bots.items()}
    machine.look(WITHOUT_GRID)
    assert machine.look(WITHOUT_GRID).removed == ()
    assert machine.look(WITHOUT_GRID).removed == ()


def test_a_bot_that_never_ran_goes_at_once() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.look(WITHOUT_GRID)
    assert names(machine.look(WITHOUT_GRID).removed) == ["grid"]


def test_force_delete_lets_go() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run()
    machine.look(WITHOUT_GRID)
    machine.look(WITHOUT_GRID)
    forced = grid_bot_document()
    forced["metadata"]["annotations"] = {"dantaro.io/force-delete": "true"}
    decision = machine.look(make_scan(account=[ACCOUNT], bots=[forced, trading_bot_document()]))
    assert names(decision.removed) == ["grid"]


def test_a_deleted_allocation_waits_for_its_bots_and_halts_them() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run()
    alone = make_scan(bots=[grid_bot_document()])
    machine.look(alone)
    decision = machine.look(alone)
    assert names(decision.removed) == []
    assert [w.config.halt for w in decision.workloads] == [True, True]
    machine.run(drained=True)
    decision = machine.look(alone)
    assert names(decision.removed) == ["staged"]
    machine.look(FolderScan())
    decision = machine.look(FolderScan())
    assert names(decision.removed) == ["grid", "main"]


WITHOUT_ACCOUNT = make_scan(bots=[grid_bot_document(), trading_bot_document()])
HALTED = {"ok": False, "reason": "AllocationHalted", "message": "set spec.halt to false"}


def told(decision: Decision) -> set[tuple[str, str]]:
    """Return reason and message of every bot's condition that tells of a halt, and of Ready."""
    return {
        (condition.reason, condition.message)
        for bot in bots_in(decision.objects)
        for condition in bot.status.conditions
        if condition.type in {"Ready", "TradingHalted"}
    }


def test_an_allocation_that_waits_for_its_bots_is_told_with_its_bots() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run()
    assert machine.look(WITHOUT_ACCOUNT).findings == ()
    machine.look(WITHOUT_ACCOUNT)
    machine.run(halted=HALTED, ready=HALTED)
    decision = machine.look(WITHOUT_ACCOUNT)
    assert [finding.text for finding in decision.findings] == [
        (
            "Allocation/main: is being deleted, halts GridBot/grid, TradingBot/staged and waits "
            "until they are gone: put it back, or take them out too"
        )
    ]
    assert told(decision) == {
        (
            "AllocationDeleted",
            (
                "its Allocation main is being deleted and acts as halted: put it back, or delete "
                "the bot too"
            ),
        )
    }


def test_an_allocation_that_is_put_back_lets_its_bots_trade_again() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run()
    before = machine.look(GOOD)
    machine.look(WITHOUT_ACCOUNT)
    assert machine.look(WITHOUT_ACCOUNT).workloads[0].config.halt
    after = machine.look(GOOD)
    assert (after.workloads, after.findings) == (before.workloads, ())
    assert after.objects == before.objects


def test_a_bot_halted_for_want_of_a_share_says_so() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run(halted=HALTED, ready=HALTED)
    bots = [grid_bot_document(), trading_bot_document()]
    account = allocation_document(shares=SHARES[:1])
    decision = machine.look(make_scan(account=[account], bots=bots))
    (staged,) = [bot for bot in bots_in(decision.objects) if bot.kind == "TradingBot"]
    halted = next(c for c in staged.status.conditions if c.type == "TradingHalted")
    assert (halted.status, halted.reason) == ("True", "NoShare")


def test_a_kill_switch_is_told_as_the_bot_tells_it() -> None:
    machine = Machine()
    account = allocation_document(shares=SHARES, halt=True)
    scan = make_scan(account=[account], bots=[grid_bot_document(), trading_bot_document()])
    machine.look(scan)
    machine.run(halted=HALTED, ready=HALTED)
    assert told(machine.look(scan)) == {(HALTED["reason"], HALTED["message"])}


def test_bots_of_a_wrong_allocation_are_sent_to_it() -> None:
    account = allocation_document(shares=SHARES, budget="none")
    decision = Machine().look(make_scan(account=[account], bots=[grid_bot_document()]))
    assert [finding.text for finding in decision.findings][-1] == (
        "bots.yaml:1: GridBot/grid: spec.allocationRef.name: Allocation/main is wrong "
        "(account.yaml:1): mend it"
    )


def test_a_bot_that_is_gone_is_told_of_with_its_result() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.run()
    machine.look(WITHOUT_GRID)
    machine.look(WITHOUT_GRID)
    machine.run(drained=True)
    decision = machine.look(WITHOUT_GRID)
    assert [line.text for line in decision.farewells] == [
        (
            "GridBot/grid deleted (CancelOrders): 3 fills, position 0.1, result 13 KRW; its "
            "records are in .dantaro/deleted/grid"
        )
    ]
    assert machine.look(WITHOUT_GRID).farewells == ()


def test_a_bot_that_never_ran_is_told_of_without_figures() -> None:
    machine = Machine()
    machine.look(GOOD)
    machine.look(WITHOUT_GRID)
    (line,) = machine.look(WITHOUT_GRID).farewells
    assert line.text == "GridBot/grid deleted (CancelOrders): it never ran"


def test_refusals_are_told_at_their_place() -> None:
    machine = Machine()
    decision = machine.look(
        make_scan(
            account=[ACCOUNT],
            bots=[grid_bot_document(leverage=2), trading_bot_document("lonely")],
        )
    )
    assert decision.workloads == ()
    assert [f.text.split(": expected")[0] for f in decision.findings] == [
        "bots.yaml:1: GridBot/grid: spec.leverage",
        "bots.yaml:11: TradingBot/lonely: spec.allocationRef.name",
        (
            "account.yaml:1: Allocation/main: spec.shares[1].name: no TradingBot is named staged: "
            "its 25 % lie idle"
        ),
    ]
    phases = {bot.metadata.name: bot.status.phase for bot in bots_in(decision.objects)}
    assert phases == {"grid": "Pending", "lonely": "Pending"}


def test_other_bots_go_on_when_one_is_broken() -> None:
    machine = Machine()
    before = machine.look(GOOD)
    broken = [grid_bot_document(grids="ten"), trading_bot_document()]
    after = machine.look(make_scan(account=[ACCOUNT], bots=broken))
    assert after.workloads == before.workloads
    assert len(after.findings) == 2
