from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.bot_common import BotStatus
from dantaro_crds.v1alpha1.common import Condition
from dantaro_crds.v1alpha1.conditions import Phase, Reason, condition_of
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.allocation import NO_CAPS, RiskCaps
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.checks import Claim, Refusal, Situation
from dantaro_operator.core.observed import NOTHING, BotObserved, ProcessFacts
from dantaro_operator.core.plan import MarketMoment, Plan, decide_plan
from dantaro_operator.core.status import AccountView, build_allocation_status, build_bot_status
from tests.support.bots import (
    NOW,
    make_allocation,
    make_grid_bot,
    make_report,
    make_settings,
    make_trading_bot,
)

pytestmark = pytest.mark.unit

RUNS = ProcessFacts(running=True, pid=7)
DELETED = {"deletionTimestamp": "2026-01-02T00:00:00Z"}
BROKEN = {"ok": False, "reason": "Error", "message": "no more trades"}
SWITCHED_OFF = {"ok": False, "reason": "AllocationHalted", "message": "set spec.halt to false"}
REFUSAL = Refusal(reason=Reason.NO_SHARE, field="spec.x", message="add a share", halts=True)


def planned(bot: Bot, caps: RiskCaps = NO_CAPS) -> Plan:
    allocation = make_allocation()
    at = Situation(bot=bot, allocation=allocation, accounts=(allocation,), claims=(Claim(bot=bot),))
    return decide_plan(at, last=None, settings=make_settings(caps), market=MarketMoment())


def reporting(**values: Any) -> BotObserved:
    return BotObserved(process=RUNS, report=make_report(**values), answered=True)


def status(
    observed: BotObserved,
    *,
    bot: Bot | None = None,
    plan: Plan | None = None,
    later: timedelta = timedelta(0),
) -> BotStatus:
    found = bot or make_grid_bot()
    return build_bot_status(found, plan or planned(found), observed, mode="Paper", now=NOW + later)


def condition(found: BotStatus, kind: str) -> Condition:
    result = condition_of(found.conditions, kind)
    assert result is not None
    return result


def verdict(found: BotStatus, kind: str) -> tuple[str, str]:
    result = condition(found, kind)
    return result.status.value, result.reason


def test_a_trading_bot_is_ready_with_its_figures() -> None:
    found = status(reporting())
    assert (found.phase, found.mode, found.strategy, found.symbol) == (
        "Running",
        "Paper",
        "grid",
        "KRW-BTC",
    )
    assert verdict(found, "Ready") == ("True", "Running")
    assert [item.type for item in found.conditions] == [
        "Ready",
        "Allocated",
        "WorkloadReady",
        "CentralReachable",
        "ExchangeReachable",
        "OrdersReconciled",
        "TradingHalted",
    ]
    assert condition(found, "Allocated").message == "5,000,000 KRW, 50 % of main"
    assert verdict(found, "TradingHalted") == ("False", "Fine")
    assert found.message == "all is well"
    assert found.orders is not None
    assert (found.orders.open, found.orders.filled) == (10, 3)


def test_figures_are_rounded_and_still_add_up() -> None:
    found = status(reporting())
    assert found.pnl is not None
    assert found.position is not None
    assert [str(v) for v in (found.pnl.total, found.pnl.realized, found.pnl.unrealized)] == [
        "12",
        "10",
        "2",
    ]
    assert str(found.position.average_price) == "100.12345679"


def test_before_the_first_look_everything_is_pending() -> None:
    found = status(NOTHING, plan=Plan(waits_for="central sleeps"))
    assert found.phase == Phase.PENDING
    assert verdict(found, "Ready") == ("False", "CentralUnreachable")
    assert verdict(found, "CentralReachable") == ("Unknown", "Pending")


def test_a_refused_bot_is_stalled_and_says_why() -> None:
    found = status(NOTHING, plan=Plan(refusal=REFUSAL))
    assert (found.phase, found.message) == ("Pending", "spec.x: add a share")
    assert [verdict(found, kind) for kind in ("Ready", "Stalled", "Allocated")] == [
        ("False", "NoShare"),
        ("True", "NoShare"),
        ("False", "NoShare"),
    ]
    assert condition_of(found.conditions, "Reconciling") is None


def test_a_refused_bot_that_goes_on_says_so() -> None:
    bot = make_grid_bot()
    plan = Plan(refusal=REFUSAL, workload=planned(bot).workload)
    found = status(reporting(), plan=plan, bot=bot)
    assert found.phase == "Running"
    assert found.message == "spec.x: add a share; it goes on as it was, without new entries"
    assert verdict(found, "Stalled") == ("True", "NoShare")


@pytest.mark.parametrize(
    ("observed", "want_phase", "want_ready", "want_extra"),
    [
        pytest.param(
            BotObserved(process=RUNS), "Starting", ("False", "Starting"), "Reconciling", id="starts"
        ),
        pytest.param(
            BotObserved(process=RUNS, report=make_report()),
            "Starting",
            ("False", "Starting"),
            "Reconciling",
            id="a-report-of-an-earlier-process-does-not-count",
        ),
        pytest.param(
            BotObserved(process=ProcessFacts(failures=1, exit_code=-9), report=make_report()),
            "Starting",
            ("False", "Restarting"),
            "Reconciling",
            id="killed",
        ),
        pytest.param(
            BotObserved(process=ProcessFacts(failures=5, exit_code=70)),
            "Error",
            ("False", "CrashLoop"),
            "Stalled",
            id="crashes-again-and-again",
        ),
        pytest.param(
            BotObserved(process=ProcessFacts(exit_code=78, blocked="it cannot read it")),
            "Error",
            ("False", "CrashLoop"),
            "Stalled",
            id="configuration-unreadable",
        ),
        pytest.param(
            BotObserved(process=RUNS, report=make_report(), answered=True, silent=True),
            "Running",
            ("False", "NotReporting"),
            "Reconciling",
            id="silent",
        ),
        pytest.param(
            reporting(observedGeneration=0),
            "Running",
            ("False", "Pending"),
            "Reconciling",
            id="older-configuration",
        ),
        pytest.param(
            reporting(ready={"ok": False, "reason": "DataStale", "message": "old"}),
            "Running",
            ("False", "DataStale"),
            "Reconciling",
            id="not-ready-by-its-own-word",
        ),
        pytest.param(
            reporting(ready={"ok": False, "reason": "Transient", "message": "x"}, marketTime=None),
            "Pending",
            ("False", "Transient"),
            "Reconciling",
            id="no-candle-yet",
        ),
        pytest.param(
            reporting(ready={"ok": False, "reason": "Error", "message": "x"}, marketTime=None),
            "Error",
            ("False", "Error"),
            "Stalled",
            id="error-before-the-first-candle",
        ),
        pytest.param(
            reporting(
                engineState="ERROR", ready={"ok": False, "reason": "EngineError", "message": "x"}
            ),
            "Error",
            ("False", "EngineError"),
            "Stalled",
            id="engine-in-error",
        ),
        pytest.param(
            reporting(engineState="ERROR"),
            "Error",
            ("False", "EngineError"),
            "Stalled",
            id="engine-in-error-that-finds-itself-ready",
        ),
        pytest.param(
            reporting(ready={"ok": False, "reason": "MaxDrawdown", "message": "reset it"}),
            "Running",
            ("False", "MaxDrawdown"),
            "Stalled",
            id="latched-until-a-reset",
        ),
        pytest.param(
            reporting(ready={"ok": False, "reason": "DailyLoss", "message": "tomorrow"}),
            "Running",
            ("False", "DailyLoss"),
            "Reconciling",
            id="latched-until-tomorrow",
        ),
        pytest.param(
            reporting(engineState="STOPPING"),
            "Stopping",
            ("False", "Stopping"),
            "Reconciling",
            id="cancels-its-orders",
        ),
        pytest.param(
            reporting(engineState="IDLE"),
            "Starting",
            ("False", "Starting"),
            "Reconciling",
            id="its-engine-starts",
        ),
        pytest.param(
            reporting(
                strategyState="Stopped",
                ready={"ok": True, "reason": "StopLoss", "message": "reset starts anew"},
            ),
            "Stopped",
            ("True", "StopLoss"),
            None,
            id="grid-at-its-stop-is-ready",
        ),
    ],
)
def test_conditions_tell_what_is_going_on(
    observed: BotObserved,
    want_phase: str,
    want_ready: tuple[str, str],
    want_extra: str | None,
) -> None:
    found = status(observed)
    extra = {"Reconciling", "Stalled"} & {item.type for item in found.conditions}
    assert (found.phase, verdict(found, "Ready")) == (want_phase, want_ready)
    assert extra == ({want_extra} if want_extra else set())


def test_a_deleted_bot_is_draining() -> None:
    found = status(reporting(), bot=make_grid_bot(metadata=DELETED))
    assert (found.phase, verdict(found, "Ready")) == ("Stopping", ("False", "Draining"))


def test_a_refused_bot_that_is_deleted_is_draining_too() -> None:
    bot = make_grid_bot(metadata=DELETED)
    plan = Plan(refusal=REFUSAL, workload=planned(bot).workload)
    found = status(reporting(), plan=plan, bot=bot)
    assert verdict(found, "Reconciling") == ("True", "Draining")
    assert condition_of(found.conditions, "Stalled") is None


@pytest.mark.parametrize(
    ("observed", "want"),
    [
        pytest.param(reporting(engineState="ERROR", ready=BROKEN), "no more trades", id="engine"),
        pytest.param(
            BotObserved(process=ProcessFacts(exit_code=78, blocked="x", words="a later store")),
            "its process ended: a later store",
            id="process",
        ),
    ],
)
def test_a_drain_that_cannot_go_on_says_why_and_how_to_let_go(
    observed: BotObserved, want: str
) -> None:
    found = status(observed, bot=make_grid_bot(metadata=DELETED, deletionPolicy="Flatten"))
    assert verdict(found, "Stalled") == ("True", "DrainFailed")
    assert found.message == (
        f'Flatten cannot be carried out; dantaro.io/force-delete: "true" lets it go anyway: {want}'
    )


def test_a_drained_bot_in_error_needs_no_person() -> None:
    observed = reporting(engineState="ERROR", ready=BROKEN, drained=True)
    found = status(observed, bot=make_grid_bot(metadata=DELETED))
    assert verdict(found, "Reconciling") == ("True", "Draining")


def halted_plan(bot: Bot) -> Plan:
    allocation = make_allocation(halt=True)
    at = Situation(bot=bot, allocation=allocation, accounts=(allocation,), claims=(Claim(bot=bot),))
    return decide_plan(at, last=None, settings=make_settings(), market=MarketMoment())


def test_a_bot_under_the_kill_switch_does_what_it_was_asked_to() -> None:
    found = status(
        reporting(halted=SWITCHED_OFF, ready=SWITCHED_OFF), plan=halted_plan(make_grid_bot())
    )
    assert verdict(found, "Ready") == ("True", "AllocationHalted")
    assert verdict(found, "TradingHalted") == ("True", "AllocationHalted")
    assert found.message == "set spec.halt to false"


@pytest.mark.parametrize(
    ("observed", "is_halted"),
    [
        pytest.param(reporting(), True, id="on"),
        pytest.param(reporting(halted=SWITCHED_OFF, ready=SWITCHED_OFF), False, id="off"),
    ],
)
def test_a_bot_that_does_not_know_of_the_kill_switch_yet_is_not_ready(
    observed: BotObserved, *, is_halted: bool
) -> None:
    bot = make_grid_bot()
    found = status(observed, plan=halted_plan(bot) if is_halted else planned(bot))
    assert condition(found, "Ready").status == "False"
    assert condition(found, "Reconciling").status == "True"


def test_a_limit_that_tripped_under_the_kill_switch_is_still_told() -> None:
    tripped = {"ok": False, "reason": "MaxDrawdown", "message": "reset it"}
    found = status(reporting(halted=tripped, ready=tripped), plan=halted_plan(make_grid_bot()))
    assert verdict(found, "Stalled") == ("True", "MaxDrawdown")


def test_bound_money_is_told() -> None:
    found = status(reporting(budget="6000000"))
    assert verdict(found, "Allocated") == ("True", "BudgetBound")
    assert "1,000,000 KRW more are bound" in condition(found, "Allocated").message


def test_what_the_operator_caps_is_told_and_stays_as_it_is() -> None:
    caps = RiskCaps(max_daily_loss_percent=Decimal(5), max_drawdown_percent=Decimal(20))
    bot = make_grid_bot(risk={"maxDailyLossPercent": "10"})
    plan = planned(bot, caps)
    found = status(reporting(), bot=bot, plan=plan)
    assert verdict(found, "Allocated") == ("True", "LimitsCapped")
    assert condition(found, "Allocated").message == (
        "5,000,000 KRW, 50 % of main; capped by the operator: maxDailyLossPercent 5 (asked for "
        "10), maxDrawdownPercent 20"
    )
    assert found.message == (
        "all is well; capped by the operator: maxDailyLossPercent 5 (asked for 10)"
    )
    told = bot.model_copy(update={"status": found})
    assert status(reporting(), bot=told, plan=plan, later=timedelta(seconds=30)) is found


def test_a_cap_on_what_nobody_asked_for_is_told_in_the_condition_alone() -> None:
    caps = RiskCaps(max_drawdown_percent=Decimal(20))
    bot = make_grid_bot()
    found = status(reporting(), bot=bot, plan=planned(bot, caps))
    assert found.message == "all is well"
    assert "maxDrawdownPercent 20" in condition(found, "Allocated").message


def test_what_really_trades_is_told() -> None:
    assert status(reporting(strategy="staged")).strategy == "staged"


def test_figures_outlive_the_process() -> None:
    found = status(BotObserved(report=make_report(), process=ProcessFacts(exit_code=1, failures=1)))
    assert found.pnl is not None
    assert found.orders is not None


def with_status(bot: Bot, found: BotStatus) -> Bot:
    return bot.model_copy(update={"status": found})


def test_nothing_new_is_no_write() -> None:
    bot = make_grid_bot()
    first = status(reporting(), bot=bot)
    beat = reporting(heartbeatTime="2026-01-31T09:04:59Z")
    assert status(beat, bot=with_status(bot, first), later=timedelta(minutes=4)) is first


def test_a_heartbeat_alone_is_written_every_five_minutes() -> None:
    bot = make_grid_bot()
    first = status(reporting(), bot=bot)
    beat = reporting(heartbeatTime="2026-01-31T09:05:00Z")
    second = status(beat, bot=with_status(bot, first), later=timedelta(minutes=5))
    assert second == first.model_copy(update={"last_heartbeat_time": NOW + timedelta(minutes=5)})


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    bot = make_grid_bot()
    first = status(reporting(), bot=bot)
    broken = {"ok": False, "reason": "Halted", "message": "x"}
    second = status(
        reporting(halted=broken), bot=with_status(bot, first), later=timedelta(minutes=1)
    )
    assert condition(second, "Ready").last_transition_time == NOW
    assert condition(second, "TradingHalted").last_transition_time == NOW + timedelta(minutes=1)


def test_status_tells_of_the_present_generation() -> None:
    bot = make_grid_bot(metadata={"generation": 4})
    found = status(reporting(observedGeneration=4), bot=bot)
    assert found.observed_generation == 4
    assert {item.observed_generation for item in found.conditions} == {4}


def account(
    *bots: Bot,
    refusal: Refusal | None = None,
    metadata: dict[str, Any] | None = None,
    reports: tuple[BotReport, ...] = (),
    **spec: Any,
) -> AccountView:
    return AccountView(
        allocation=make_allocation(metadata=metadata, **spec),
        refusal=refusal,
        bots=bots,
        reports={report.uid: report for report in reports},
    )


def test_an_account_sums_up_its_bots() -> None:
    grid = with_status(make_grid_bot(), status(reporting()))
    report = make_report()
    found = build_allocation_status(account(grid, make_trading_bot(), reports=(report,)), now=NOW)
    assert (found.allocated_percent, str(found.equity)) == (75, "10000013")
    assert (str(found.realized_pnl), str(found.unrealized_pnl)) == ("10", "2")
    assert [(b.name, str(b.budget), b.phase, b.pnl is None) for b in found.bots] == [
        ("grid", "5000000", "Running", False),
        ("staged", "2500000", "Pending", True),
    ]
    assert [(c.type, c.status.value, c.reason) for c in found.conditions] == [
        ("Ready", "True", "Accepted"),
        ("Halted", "False", "NotHalted"),
    ]


@pytest.mark.parametrize(
    ("view", "want"),
    [
        pytest.param(
            account(halt=True), [("True", "Accepted"), ("True", "Halted")], id="kill-switch"
        ),
        pytest.param(
            account(refusal=REFUSAL),
            [("False", "NoShare"), ("True", "NoShare"), ("False", "NotHalted")],
            id="refused",
        ),
        pytest.param(
            account(make_grid_bot(), metadata={"deletionTimestamp": "2026-01-02T00:00:00Z"}),
            [("False", "BotsRemain"), ("True", "BotsRemain"), ("True", "Deleted")],
            id="deleted-while-bots-remain",
        ),
    ],
)
def test_an_account_says_what_keeps_it(view: AccountView, want: list[tuple[str, str]]) -> None:
    found = build_allocation_status(view, now=NOW)
    assert [(item.status.value, item.reason) for item in found.conditions] == want


@pytest.mark.parametrize(
    ("metadata", "want"),
    [
        pytest.param(None, ["Ready", "Stalled", "Halted"], id="refused"),
        pytest.param(DELETED, ["Ready", "Reconciling", "Halted"], id="refused-and-deleted"),
    ],
)
def test_an_account_that_is_deleted_waits_for_its_bots_and_for_no_person(
    metadata: dict[str, Any] | None, want: list[str]
) -> None:
    found = build_allocation_status(account(refusal=REFUSAL, metadata=metadata), now=NOW)
    assert [item.type for item in found.conditions] == want


def test_an_account_without_news_is_the_same() -> None:
    view = account(make_grid_bot(), reports=(make_report(),))
    first = build_allocation_status(view, now=NOW)
    again = AccountView(
        allocation=view.allocation.model_copy(update={"status": first}),
        refusal=None,
        bots=view.bots,
        reports=view.reports,
    )
    assert build_allocation_status(again, now=NOW + timedelta(hours=1)) == first
