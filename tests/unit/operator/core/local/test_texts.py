"""What people read: the summary of a run, one object in full, the picture of a round."""

from datetime import datetime, timedelta

import pytest

from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_operator.core.checks import Claim, Situation
from dantaro_operator.core.local.describe import describe_object
from dantaro_operator.core.local.documents import Finding
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.core.local.screen import MAX_COMPLAINTS, Screen, build_screen
from dantaro_operator.core.local.summary import summary_lines
from dantaro_operator.core.observed import BotObserved, ProcessFacts
from dantaro_operator.core.plan import MarketMoment, decide_plan
from dantaro_operator.core.status import build_bot_status
from tests.support.bots import (
    NOW,
    make_allocation,
    make_grid_bot,
    make_report,
    make_settings,
    make_trading_bot,
)

pytestmark = pytest.mark.unit

ORDER = {"clientId": "grid-0-b", "side": "Buy", "price": "100", "volume": "0.5"}
REPORT = make_report(openOrders=[ORDER], lastPrice="104.5")
GRID = make_grid_bot()
ACCOUNT = make_allocation()


def with_status(process: ProcessFacts, report: BotReport = REPORT, name: str = "grid") -> object:
    plan = decide_plan(
        Situation(bot=GRID, allocation=ACCOUNT, accounts=(ACCOUNT,), claims=(Claim(bot=GRID),)),
        last=None,
        settings=make_settings(),
        market=MarketMoment(),
    )
    observed = BotObserved(process=process, report=report, answered=process.running)
    status = build_bot_status(GRID, plan, observed, mode="Paper", now=NOW)
    named = GRID.metadata.model_copy(update={"name": name})
    return GRID.model_copy(update={"status": status, "metadata": named})


def test_the_summary_shows_money_as_the_table_does() -> None:
    lines = summary_lines([make_trading_bot(), GRID], {REPORT.uid: REPORT})
    assert lines == (
        (
            "GridBot/grid: 3 fills, 10 open, realized 10, unrealized 2, fees 3, "
            "equity 5000013 KRW, at 2025-09-01T00:10:00Z"
        ),
    )


def test_an_object_is_described_in_full() -> None:
    bot = with_status(ProcessFacts(running=True, pid=1))
    assert isinstance(bot, type(GRID))
    text = describe_object(bot, report=REPORT, events=["a b c"], now=NOW)
    for words in (
        "Kind: GridBot",
        "  Name: grid",
        "  LowerPrice: 90000000",
        "Phase: Running",
        "True     0s    Running",
        "Open orders (1):",
        "Buy    100     0.5      grid-0-b",
        "Equity: 5000012.6",
        "Last events:\n  a b c",
    ):
        assert words in text


def test_an_account_is_described_with_its_shares() -> None:
    text = describe_object(ACCOUNT, report=None, events=(), now=NOW)
    assert "- kind GridBot, name grid, percent 50" in text
    assert "Open orders" not in text


def screen(
    *objects: object,
    findings: tuple[Finding, ...] = (),
    trouble: str = "",
    market: MarketSettings | None = None,
    health: CentralHealth | None = None,
    report: BotReport = REPORT,
    now: datetime = NOW,
) -> Screen:
    return build_screen(
        [item for item in objects if isinstance(item, type(GRID) | type(ACCOUNT))],
        market=market or MarketSettings.model_validate({"source": "simulated", "speed": "60"}),
        health=health,
        reports={report.uid: report},
        findings=findings,
        trouble=trouble,
        now=now,
    )


def test_a_picture_shows_a_table_a_kind_and_what_is_wrong() -> None:
    found = screen(
        GRID, ACCOUNT, findings=(Finding(file="a.yaml", message="no"),), trouble="central: late"
    )
    assert [table.plural for table in found.tables] == ["allocations", "gridbots"]
    assert found.messages == ("central: late", "a.yaml: no")
    assert found.title == "simulated market, central starts, speed 60x"


def test_a_picture_names_the_recording_and_its_end() -> None:
    health = CentralHealth.model_validate(
        {
            "status": "ok",
            "version": "0",
            "source": {"name": "replay", "live": False, "ended": True},
            "marketTime": "2025-10-01T00:00:00Z",
        }
    )
    market = MarketSettings.model_validate(
        {"source": "replay", "folder": "/candles", "speed": "max"}
    )
    assert screen(market=market, health=health).title == (
        "replay of /candles, 2025-10-01 00:00 UTC on the market, ended, as fast as possible"
    )


@pytest.mark.parametrize(
    ("process", "want"),
    [
        pytest.param(ProcessFacts(running=True, pid=1), (), id="all-is-well"),
        pytest.param(
            ProcessFacts(exit_code=-9, failures=1),
            (
                (
                    "GridBot/grid: its process ended with code -9 and is started again after a "
                    "pause: `dantaro describe` shows its log"
                ),
            ),
            id="killed",
        ),
        pytest.param(
            ProcessFacts(exit_code=78, blocked="x", words="the store is of a later version"),
            ("GridBot/grid: its process ended: the store is of a later version",),
            id="cannot-start",
        ),
    ],
)
def test_a_picture_tells_of_bots_in_trouble(process: ProcessFacts, want: tuple[str, ...]) -> None:
    assert screen(with_status(process)).messages == want


RUNS = ProcessFacts(running=True, pid=1)
EMPTY = {
    "orders": {"open": 0, "filled": 0, "rejected": 0},
    "position": {"amount": "0", "value": "0"},
}
UNKNOWN = {"ok": False, "reason": "SymbolUnknown", "message": "central has no KRW-XX"}


@pytest.mark.parametrize(
    ("values", "want"),
    [
        pytest.param({"ready": UNKNOWN}, "GridBot/grid: central has no KRW-XX", id="not-ready"),
        pytest.param(
            EMPTY | {"message": "it waits for 30 days of history"},
            "GridBot/grid: it waits for 30 days of history",
            id="neither-orders-nor-coin",
        ),
        pytest.param(
            {"budget": "6000000.123456789012345"},
            "GridBot/grid: budget 6000000 is being cut to 5000000: the rest follows as orders and "
            "coin free it",
            id="a-cut-budget",
        ),
        pytest.param(
            {"symbol": "KRW-SOL", "message": "the market cannot change"},
            "GridBot/grid: the market cannot change",
            id="another-market-than-its-spec-while-it-trades",
        ),
    ],
)
def test_a_bot_that_does_not_trade_says_why(values: dict[str, object], want: str) -> None:
    report = make_report(**values)
    assert screen(with_status(RUNS, report), report=report).messages == (want,)


@pytest.mark.parametrize(
    ("seconds", "want"), [(14, ()), (16, ("GridBot/grid: its process starts",))]
)
def test_a_start_is_told_of_once_it_takes_long(seconds: int, want: tuple[str, ...]) -> None:
    bot = with_status(ProcessFacts(), make_report(**EMPTY))
    assert screen(bot, now=NOW + timedelta(seconds=seconds)).messages == want


def test_central_that_does_not_answer_is_no_trouble_of_each_bot_at_once() -> None:
    silent = {"ok": False, "reason": "Transient", "message": "central does not answer"}
    bot = with_status(RUNS, make_report(**EMPTY, ready=silent, central=silent))
    assert screen(bot).messages == ()
    later = screen(bot, now=NOW + timedelta(seconds=16)).messages
    assert later == ("GridBot/grid: central does not answer",)


def test_a_start_before_the_recording_is_told() -> None:
    market = MarketSettings.model_validate(
        {"source": "replay", "folder": "/c", "speed": "max", "start": "2020-01-01T00:00:00Z"}
    )
    health = CentralHealth.model_validate(
        {
            "status": "ok",
            "version": "0",
            "source": {"name": "replay", "live": False},
            "marketStart": "2025-09-01T00:00:00Z",
        }
    )
    assert screen(market=market, health=health).messages == (
        "--from: the 1-minute candles begin at 2025-09-01T00:00:00Z: the market starts there",
    )


def test_many_bots_in_trouble_are_counted() -> None:
    report = make_report(ready=UNKNOWN)
    bots = [with_status(RUNS, report, f"g{at}") for at in range(MAX_COMPLAINTS + 2)]
    lines = screen(*bots).messages
    assert len(lines) == MAX_COMPLAINTS + 1
    assert lines[-1] == "and 2 more: dantaro get all -o wide"


def test_a_bot_in_trouble_is_not_said_twice_where_its_file_is_wrong() -> None:
    report = make_report(ready=UNKNOWN)
    found = Finding(file="a.yaml", message="no", object="GridBot/grid")
    assert len(screen(with_status(RUNS, report), findings=(found,)).messages) == 1


def test_ages_alone_are_no_news() -> None:
    before, after = screen(ACCOUNT), screen(make_allocation(metadata={"uid": "x"}))
    older = make_allocation(metadata={"creationTimestamp": "2020-01-01T00:00:00Z"})
    assert before.fingerprint() == after.fingerprint() == screen(older).fingerprint()
    assert before.fingerprint() != screen(make_allocation(budget="1")).fingerprint()
