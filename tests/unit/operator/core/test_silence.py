"""What is told of bots that say nothing: to this operator, to any, or any more."""

from dataclasses import replace
from typing import Any

import pytest

from dantaro_crds.v1alpha1.bot_common import BotStatus
from dantaro_crds.v1alpha1.conditions import condition_of
from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_operator.core.fleet import Surroundings, find_gone, plan_bots
from dantaro_operator.core.observed import BotObserved, Hindrance, ProcessFacts
from dantaro_operator.core.plan import MarketMoment, Plan
from dantaro_operator.core.status import AccountView, build_allocation_status, build_bot_status
from tests.support.bots import NOW, make_allocation, make_grid_bot, make_report, make_settings

pytestmark = pytest.mark.unit

RUNS = ProcessFacts(running=True)
DELETED = {"deletionTimestamp": "2026-01-02T00:00:00Z"}
SILENT = BotObserved(process=RUNS, silent=True)
"""An operator that has just started and has asked in vain for long."""

NO_ROOM = Hindrance(reason="Unschedulable", message="no node takes its pod: 0/3 nodes")
NO_IMAGE = Hindrance(reason="ImagePullBackOff", message="its image x", needs_person=True)
NO_KEYS = {"ok": False, "reason": "SecretMissing", "message": "create the Secret keys"}


def plan_of(bot: GridBot, observed: BotObserved) -> Plan:
    around = Surroundings(
        bots={bot.metadata.uid: observed},
        market=MarketMoment(),
        settings=make_settings(),
        now=NOW,
    )
    return plan_bots((bot, make_allocation()), around)[bot.key]


def status(bot: GridBot, observed: BotObserved, *, mode: str = "Paper") -> BotStatus:
    return build_bot_status(bot, plan_of(bot, observed), observed, mode=mode, now=NOW)


def answered(**values: Any) -> BotObserved:
    return BotObserved(process=RUNS, report=make_report(**values), answered=True)


def hindered(hindrance: Hindrance, *, silent: bool = False) -> BotObserved:
    return BotObserved(process=ProcessFacts(hindrance=hindrance), silent=silent)


def heard_before(mode: str = "Paper", **values: Any) -> GridBot:
    """A bot that another operator heard of at 09:00 and wrote the status of."""
    bot = make_grid_bot(**values)
    return bot.model_copy(update={"status": status(bot, answered(), mode=mode)})


def verdict(found: BotStatus, kind: str) -> tuple[str, str, str]:
    condition = condition_of(found.conditions, kind)
    assert condition is not None, found.conditions
    return condition.status.value, condition.reason, condition.message


def test_a_bot_that_was_heard_of_before_and_is_silent_is_told_with_since_when() -> None:
    bot = heard_before()

    found = status(bot, SILENT)

    words = "its process runs and has not answered since 2026-01-31T09:00:00Z"
    assert verdict(found, "Ready") == ("False", "NotReporting", words)
    assert verdict(found, "WorkloadReady") == ("False", "NotReporting", words)
    assert verdict(found, "ExchangeReachable") == ("Unknown", "Pending", words)
    assert (found.phase, found.message) == ("Running", words)


def test_a_bot_that_falls_silent_is_told_with_since_when() -> None:
    found = status(heard_before(), replace(answered(), silent=True))

    assert verdict(found, "Ready")[2].endswith("since 2026-01-31T09:00:00Z")


def test_a_bot_that_never_answered_is_starting() -> None:
    found = status(make_grid_bot(), SILENT)

    words = "its process was started and has not answered yet"
    assert verdict(found, "Ready") == ("False", "Starting", words)
    assert found.phase == "Starting"


@pytest.mark.parametrize(
    "observed",
    [pytest.param(SILENT, id="silent"), pytest.param(hindered(NO_ROOM), id="without-room")],
)
def test_the_last_figures_stand_until_there_are_others(observed: BotObserved) -> None:
    bot = heard_before()

    found = status(bot, observed)

    old = bot.status
    assert old.pnl is not None
    assert (found.pnl, found.position, found.orders) == (old.pnl, old.position, old.orders)
    assert found.last_heartbeat_time == NOW


def test_the_market_that_was_really_traded_stands_too() -> None:
    bot = heard_before()
    changed = bot.model_copy(
        update={"spec": bot.spec.model_copy(update={"symbol": "KRW-ETH"})},
    )

    assert status(changed, SILENT).symbol == "KRW-BTC"
    assert status(make_grid_bot(symbol="KRW-ETH"), SILENT).symbol == "KRW-ETH"


def test_an_account_counts_what_a_bot_made_before_this_operator() -> None:
    bot = heard_before()
    view = AccountView(allocation=make_allocation(), refusal=None, bots=(bot,), reports={})

    found = build_allocation_status(view, now=NOW)

    assert (str(found.equity), str(found.realized_pnl), str(found.unrealized_pnl)) == (
        "10000012",
        "10",
        "2",
    )


@pytest.mark.parametrize(
    ("hindrance", "kind"),
    [
        pytest.param(NO_ROOM, "Reconciling", id="time-may-heal-it"),
        pytest.param(NO_IMAGE, "Stalled", id="a-person-must"),
    ],
)
def test_what_keeps_a_pod_from_running_is_told(hindrance: Hindrance, kind: str) -> None:
    found = status(make_grid_bot(), hindered(hindrance))

    for item in ("Ready", "WorkloadReady"):
        assert verdict(found, item) == ("False", hindrance.reason, hindrance.message)
    assert verdict(found, kind) == ("True", hindrance.reason, hindrance.message)
    assert {"Reconciling", "Stalled"} & {item.type for item in found.conditions} == {kind}


def test_a_crash_loop_that_its_pod_tells_of_is_one() -> None:
    process = ProcessFacts(exit_code=70, failures=3, words="see its log")
    found = status(heard_before(), replace(answered(), process=process))

    assert found.phase == "Error"
    assert verdict(found, "Stalled")[1] == "CrashLoop"


@pytest.mark.parametrize(
    ("observed", "words"),
    [
        pytest.param(SILENT, "has not answered since 2026-01-31T09:00:00Z", id="silent"),
        pytest.param(hindered(NO_IMAGE), "its image x", id="no-image"),
        pytest.param(hindered(NO_ROOM, silent=True), "0/3 nodes", id="no-room-for-long"),
        pytest.param(answered(exchange=NO_KEYS), "create the Secret keys", id="no-keys"),
        pytest.param(answered(reconciled=NO_KEYS), "create the Secret keys", id="unexplained"),
    ],
)
def test_a_drain_that_nobody_carries_out_is_told_with_what_to_do(
    observed: BotObserved, words: str
) -> None:
    found = status(heard_before(metadata=DELETED), observed)

    state, reason, message = verdict(found, "Stalled")
    assert (state, reason) == ("True", "DrainFailed")
    assert 'dantaro.io/force-delete: "true" lets it go anyway' in message
    assert message.endswith(words)


@pytest.mark.parametrize(
    "observed",
    [
        pytest.param(hindered(NO_ROOM), id="no-room-for-a-moment"),
        pytest.param(BotObserved(process=RUNS), id="not-asked-for-long"),
        pytest.param(answered(exchange=NO_KEYS, drained=True), id="drained-anyway"),
    ],
)
def test_a_drain_that_may_yet_succeed_goes_on(observed: BotObserved) -> None:
    found = status(heard_before(metadata=DELETED), observed)

    assert (found.phase, verdict(found, "Reconciling")[1]) == ("Stopping", "Draining")


def test_a_drain_is_told_with_how_far_it_is() -> None:
    stopping = {"ok": True, "reason": "Stopping", "message": "2 of its orders are being cancelled"}
    offline = {"ok": False, "reason": "Transient", "message": "the exchange does not answer"}
    report = answered(engineState="STOPPING", ready=stopping, exchange=offline)

    assert status(make_grid_bot(metadata=DELETED), report).message == (
        "it is being deleted: CancelOrders is carried out; 2 of its orders are being cancelled; "
        "the exchange does not answer"
    )
    told = status(make_grid_bot(state="Stopped"), answered(engineState="STOPPING", ready=stopping))
    assert told.message == "2 of its orders are being cancelled"


def expelled(bot: GridBot) -> BotObserved:
    workload = plan_of(bot, BotObserved()).workload
    assert workload is not None
    return BotObserved(process=RUNS, config=workload.config, expelled=True)


def find_gone_with(bot: GridBot, observed: BotObserved) -> bool:
    around = Surroundings(
        bots={bot.metadata.uid: observed},
        market=MarketMoment(),
        settings=make_settings(),
        now=NOW,
    )
    objects = (bot, make_allocation())
    return bot.key in find_gone(objects, plan_bots(objects, around), around)


def test_a_namespace_that_ends_takes_a_bot_on_paper_along() -> None:
    bot = heard_before(metadata=DELETED)

    assert find_gone_with(bot, expelled(bot))
    assert not find_gone_with(bot, replace(expelled(bot), expelled=False))


def test_a_namespace_that_ends_does_not_take_a_live_bot_along() -> None:
    bot = heard_before("Live", metadata=DELETED)
    observed = expelled(bot)

    assert not find_gone_with(bot, observed)
    _, reason, message = verdict(status(bot, observed, mode="Live"), "Stalled")
    assert reason == "DrainFailed"
    assert 'dantaro.io/force-delete: "true" lets it go' in message
    assert message.endswith(
        "left on the exchange: 10 orders and 0.1 of KRW-BTC, worth 10 KRW, at the last look; "
        "namespace default is being deleted and took its pod"
    )
    forced = {**DELETED, "annotations": {"dantaro.io/force-delete": "true"}}
    assert find_gone_with(heard_before("Live", metadata=forced), observed)


def test_a_live_bot_of_which_nothing_is_left_is_not_let_go_in_silence() -> None:
    """Its StatefulSet and its account are gone, and this operator never knew them."""
    bot = heard_before("Live", metadata=DELETED, allocationRef={"name": "gone"})

    assert not find_gone_with(bot, BotObserved())
    found = build_bot_status(bot, plan_of(bot, BotObserved()), BotObserved(), mode=None, now=NOW)
    assert found.mode == "Live"
    assert verdict(found, "Stalled")[1] == "DrainFailed"


def test_a_live_bot_that_never_ran_has_nothing_to_leave() -> None:
    bot = make_grid_bot(metadata=DELETED)
    assert bot.status.last_heartbeat_time is None
    live = bot.model_copy(update={"status": bot.status.model_copy(update={"mode": "Live"})})

    assert find_gone_with(live, BotObserved())
