"""What GitOps tools say of real status objects: each situation through the whole status code."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_crds.v1alpha1.kinds import KINDS, Resource, dump
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.fleet import Surroundings, plan_bots, with_status
from dantaro_operator.core.observed import NOTHING, BotObserved, Hindrance, ProcessFacts
from dantaro_operator.core.plan import MarketMoment
from tests.support import argocd, kstatus
from tests.support.bots import (
    NOW,
    make_allocation,
    make_grid_bot,
    make_report,
    make_settings,
    share,
)
from tests.support.kstatus import Kstatus

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[4]
RUNS = ProcessFacts(running=True, pid=7)
DELETED = {"deletionTimestamp": "2026-01-02T00:00:00Z"}
HALTED = {"ok": False, "reason": "AllocationHalted", "message": "set spec.halt to false"}
STOPPED = {"ok": True, "reason": "Stopped", "message": "all own orders are cancelled"}

Document = dict[str, Any]


def told(subject: Resource, *others: Resource, **around: Any) -> Document:
    """Return an object as users and tools see it, after one look at it and the others.

    Keywords: `observed` of the only bot, or of the subject among several; `market`.
    """
    objects = (subject, *others)
    bots = [item for item in objects if not isinstance(item, Allocation)]
    watched = bots[0].metadata.uid if bots else ""
    surroundings = Surroundings(
        bots={watched: around.get("observed", NOTHING)},
        market=around.get("market", MarketMoment()),
        settings=make_settings(),
        now=NOW,
    )
    plans = plan_bots(objects, surroundings)
    (fresh,) = [i for i in with_status(objects, plans, surroundings) if i.key == subject.key]
    return dump(fresh)


def bot(observed: BotObserved = NOTHING, **values: Any) -> Document:
    """Return a GridBot of a healthy account; `account`, `metadata` or fields of its spec differ."""
    account = values.pop("account", make_allocation())
    found = make_grid_bot(metadata=values.pop("metadata", None), **values)
    return told(found, account, observed=observed)


def runs(**report: Any) -> BotObserved:
    return BotObserved(
        process=RUNS, report=make_report(**report), answered=True, config=ran_with(make_grid_bot())
    )


def hindered(reason: str, *, needs_person: bool = False) -> BotObserved:
    hindrance = Hindrance(reason=reason, message="x", needs_person=needs_person)
    return BotObserved(process=ProcessFacts(hindrance=hindrance), config=ran_with(make_grid_bot()))


def ran_with(found: Bot) -> BotConfig:
    around = Surroundings(bots={}, market=MarketMoment(), settings=make_settings(), now=NOW)
    plan = plan_bots((found, make_allocation()), around)[found.key]
    assert plan.workload is not None
    return plan.workload.config


def unready(reason: str, **report: Any) -> BotObserved:
    return runs(ready={"ok": False, "reason": reason, "message": "x"}, **report)


def untouched(kind: str) -> Document:
    """Return an object that the API server stored a moment ago, by our CRD's defaults."""
    name = KINDS[kind].info.plural
    manifest = yaml.safe_load((ROOT / "crds" / f"{name}.yaml").read_text())
    schema = manifest["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    default = schema["properties"]["status"]["default"]
    return {"kind": kind, "metadata": {"name": "x", "generation": 1}, "status": default}


def changed(document: Document) -> Document:
    """Return an object whose spec was changed after the operator's last look."""
    metadata = document["metadata"]
    return {**document, "metadata": {**metadata, "generation": metadata["generation"] + 1}}


LIVE = make_allocation(
    mode="Live",
    exchange={"name": "upbit"},
    credentialsSecretRef={"name": "keys"},
    acknowledgeLiveTrading=True,
)
RIVALS = make_allocation(shares=[share("GridBot", "grid"), share("GridBot", "older", 25)])
OLDER = make_grid_bot("older", metadata={"creationTimestamp": "2025-01-01T00:00:00Z"})
GONE = make_allocation(metadata=DELETED)
OFF = make_allocation(halt=True)

PROGRESSING = [
    *(pytest.param(untouched(kind), id=f"untouched-{kind}") for kind in KINDS),
    pytest.param(changed(bot(runs())), id="changed-bot"),
    pytest.param(changed(told(make_allocation())), id="changed-account"),
    pytest.param(changed(bot(account=make_allocation(shares=[]))), id="mended-and-not-yet-seen"),
    pytest.param(
        told(make_grid_bot(), make_allocation(), market=MarketMoment(started=True)),
        id="central-tells-no-time",
    ),
    pytest.param(bot(), id="no-process-yet"),
    pytest.param(bot(BotObserved(process=RUNS)), id="no-report-yet"),
    pytest.param(bot(unready("NotAskedYet")), id="central-not-asked-yet"),
    pytest.param(bot(unready("WaitingForMarket", marketTime=None)), id="no-candle-yet"),
    pytest.param(bot(unready("Transient")), id="central-unreachable"),
    pytest.param(bot(unready("DataStale")), id="central-tells-old-news"),
    pytest.param(bot(unready("DailyLoss")), id="a-day-s-loss-ends-with-the-day"),
    pytest.param(bot(unready("NeverHeardOf")), id="cause-of-a-newer-runtime"),
    pytest.param(
        bot(BotObserved(process=RUNS, report=make_report(), answered=True, silent=True)),
        id="silent",
    ),
    pytest.param(bot(BotObserved(process=ProcessFacts(failures=1, exit_code=-9))), id="killed"),
    pytest.param(bot(hindered("Unschedulable")), id="no-node-has-room"),
    pytest.param(bot(runs(observedGeneration=0)), id="older-configuration"),
    pytest.param(bot(runs(), account=OFF), id="halt-not-taken-over-yet"),
    pytest.param(bot(runs(halted=HALTED, ready=HALTED)), id="end-of-halt-not-taken-over-yet"),
    pytest.param(bot(runs(engineState="STOPPING", ready=STOPPED), state="Stopped"), id="stopping"),
    pytest.param(bot(runs(), state="Stopped"), id="stop-not-begun"),
    pytest.param(bot(runs(engineState="IDLE", ready=STOPPED)), id="started-again-by-the-user"),
]

TERMINATING = [
    pytest.param(bot(runs(), metadata=DELETED), id="draining"),
    pytest.param(bot(runs(drained=True), metadata=DELETED), id="drained"),
    pytest.param(
        bot(runs(), metadata=DELETED, account=make_allocation(shares=[])),
        id="drained-while-refused",
    ),
    pytest.param(bot(unready("Error", engineState="ERROR"), metadata=DELETED), id="drain-fails"),
    pytest.param(
        bot(hindered("ImagePullBackOff", needs_person=True), metadata=DELETED),
        id="drain-without-an-image",
    ),
    pytest.param(told(GONE, make_grid_bot(), observed=runs()), id="account-with-bots-left"),
    pytest.param(told(make_allocation(metadata=DELETED, mode="Live")), id="refused-account"),
]

HEALTHY = [
    pytest.param(bot(runs()), id="running"),
    pytest.param(bot(runs(caughtUp=False)), id="catching-up"),
    pytest.param(bot(runs(budget="6000000")), id="budget-bound"),
    pytest.param(
        bot(
            runs(
                strategyState="Stopped",
                ready={"ok": True, "reason": "StrategyStopped", "message": "stop loss"},
            )
        ),
        id="grid-ended-by-its-stop-loss",
    ),
    pytest.param(told(make_allocation()), id="account"),
]

DEGRADED = [
    pytest.param(told(make_grid_bot()), id="no-such-account"),
    pytest.param(bot(account=make_allocation(shares=[])), id="no-share"),
    pytest.param(bot(runs(), account=make_allocation(shares=[])), id="no-share-and-goes-on"),
    pytest.param(bot(account=make_allocation(budget="1000")), id="budget-too-small"),
    pytest.param(bot(account=LIVE), id="live"),
    pytest.param(bot(leverage=3), id="leverage"),
    pytest.param(bot(symbol="ETH-BTC"), id="other-currency"),
    pytest.param(told(make_grid_bot(), OLDER, RIVALS), id="market-taken"),
    pytest.param(bot(runs(halted=HALTED, ready=HALTED), account=GONE), id="account-deleted"),
    pytest.param(bot(unready("SymbolUnknown")), id="market-unknown"),
    pytest.param(bot(unready("Authentication")), id="key-for-central-refused"),
    pytest.param(bot(unready("MaxDrawdown")), id="drawdown-waits-for-a-reset"),
    pytest.param(bot(unready("Error", engineState="ERROR")), id="engine-error"),
    pytest.param(bot(unready("Error", marketTime=None)), id="error-before-the-first-candle"),
    pytest.param(bot(BotObserved(process=ProcessFacts(failures=5, exit_code=70))), id="crashes"),
    pytest.param(
        bot(BotObserved(process=ProcessFacts(exit_code=78, blocked="it cannot read it"))),
        id="configuration-unreadable",
    ),
    pytest.param(bot(hindered("ImagePullBackOff", needs_person=True)), id="no-image"),
    pytest.param(told(LIVE), id="account-refused"),
    pytest.param(
        told(LIVE.model_copy(update={"spec": LIVE.spec.model_copy(update={"halt": True})})),
        id="account-refused-and-halted",
    ),
]

SUSPENDED = [
    pytest.param(bot(runs(engineState="IDLE", ready=STOPPED), state="Stopped"), id="stopped"),
    pytest.param(bot(runs(halted=HALTED, ready=HALTED), account=OFF), id="bot-of-a-halted-account"),
    pytest.param(told(OFF), id="halted-account"),
]

EVERY = [*PROGRESSING, *TERMINATING, *HEALTHY, *DEGRADED, *SUSPENDED]

SAME = {
    "Progressing": {Kstatus.IN_PROGRESS, Kstatus.TERMINATING},
    "Healthy": {Kstatus.CURRENT},
    "Suspended": {Kstatus.CURRENT},
    "Degraded": {Kstatus.FAILED},
}
"""What kstatus may say where Argo CD says this."""


def verdicts(document: Document) -> tuple[str, str]:
    return argocd.judge(document).status, kstatus.judge(document).value


def state_of(document: Document, kind: str) -> Document:
    conditions: list[Document] = document["status"].get("conditions", [])
    return next((item for item in conditions if item["type"] == kind), {"status": None})


@pytest.mark.parametrize("document", PROGRESSING)
def test_what_time_brings_is_progressing(document: Document) -> None:
    assert verdicts(document) == ("Progressing", "InProgress")


@pytest.mark.parametrize("document", TERMINATING)
def test_what_is_deleted_is_terminating(document: Document) -> None:
    assert verdicts(document) == ("Progressing", "Terminating")


@pytest.mark.parametrize("document", HEALTHY)
def test_what_does_as_it_was_asked_is_healthy(document: Document) -> None:
    assert verdicts(document) == ("Healthy", "Current")


@pytest.mark.parametrize("document", DEGRADED)
def test_what_a_person_must_mend_is_degraded(document: Document) -> None:
    assert verdicts(document) == ("Degraded", "Failed")


@pytest.mark.parametrize("document", SUSPENDED)
def test_what_a_person_stopped_is_suspended(document: Document) -> None:
    assert verdicts(document) == ("Suspended", "Current")


@pytest.mark.parametrize("document", EVERY)
def test_an_object_that_is_not_ready_says_whose_move_it_is(document: Document) -> None:
    if "conditions" not in document["status"]:
        return
    assert_one_move(document)


def assert_one_move(document: Document) -> None:
    moves = {kind for kind in ("Reconciling", "Stalled") if state_of(document, kind)["status"]}
    assert {state_of(document, kind)["status"] for kind in moves} <= {"True"}
    assert len(moves) == (0 if state_of(document, "Ready")["status"] == "True" else 1)


@pytest.mark.parametrize(
    ("document", "want"),
    [
        pytest.param(
            untouched("GridBot"), "Waiting for the operator to look at it", id="untouched"
        ),
        pytest.param(bot(BotObserved(process=RUNS)), "its process starts", id="progressing"),
        pytest.param(bot(runs(), metadata=DELETED), "Pending deletion", id="deleted"),
        pytest.param(bot(runs()), "it trades", id="healthy"),
        pytest.param(
            bot(account=LIVE),
            "spec.allocationRef.name: Allocation/main is refused: spec.mode: expected Paper, was "
            "Live: nobody trades with real money here before whoever runs Dantaro sets "
            "DANTARO_OPERATOR_LIVE_TRADING to true",
            id="degraded",
        ),
        pytest.param(told(OFF), "spec.halt is true: bots open nothing new", id="halted-account"),
        pytest.param(
            bot(runs(halted=HALTED, ready=HALTED), account=OFF), "set spec.halt to false", id="bot"
        ),
    ],
)
def test_argo_cd_shows_why(document: Document, want: str) -> None:
    assert argocd.judge(document).message == want


@pytest.mark.parametrize(
    ("document", "want"),
    [
        pytest.param({}, "Progressing", id="nothing"),
        pytest.param({"metadata": {"generation": 1}}, "Progressing", id="no-status"),
        pytest.param({"metadata": {"generation": 1}, "status": {}}, "Progressing", id="empty"),
        pytest.param(
            {"metadata": {"generation": 1}, "status": {"observedGeneration": 1}},
            "Progressing",
            id="no-conditions",
        ),
        pytest.param(
            {
                "metadata": {"generation": 1},
                "status": {"observedGeneration": 1, "conditions": [{"status": "True"}]},
            },
            "Progressing",
            id="a-condition-without-type",
        ),
        pytest.param(
            {
                "metadata": {"generation": 1},
                "status": {
                    "observedGeneration": 1,
                    "conditions": [{"type": "Ready", "status": "True"}],
                },
            },
            "Healthy",
            id="no-spec-and-no-message",
        ),
    ],
)
def test_the_check_for_argo_cd_stands_half_an_object(document: Document, want: str) -> None:
    assert argocd.judge(document).status == want


@pytest.mark.parametrize(
    ("conditions", "want"),
    [
        pytest.param({}, "Current", id="nothing-is-current"),
        pytest.param({"Ready": "True"}, "Current", id="ready"),
        pytest.param({"Ready": "False"}, "InProgress", id="not-ready"),
        pytest.param({"Ready": "Unknown"}, "InProgress", id="unknown"),
        pytest.param({"Ready": "True", "Stalled": "True"}, "Failed", id="stalled-beats-ready"),
        pytest.param({"Stalled": "True", "Reconciling": "True"}, "InProgress", id="work-goes-on"),
        pytest.param({"Stalled": "False", "Reconciling": "False"}, "Current", id="neither"),
    ],
)
def test_kstatus_reads_conditions_in_its_order(conditions: dict[str, str], want: str) -> None:
    items = [{"type": kind, "status": status} for kind, status in conditions.items()]
    document = {"metadata": {"generation": 1}, "status": {"conditions": items}}
    assert kstatus.judge(document) == want


REASONS = st.sampled_from([*(reason.value for reason in Reason), "Error", "AllocationHalted"])
FACTS = st.builds(
    lambda ok, reason: {"ok": ok, "reason": reason, "message": reason}, st.booleans(), REASONS
)
REPORTS = st.builds(
    make_report,
    engineState=st.sampled_from(["IDLE", "RUNNING", "STOPPING", "ERROR"]),
    strategyState=st.sampled_from(["Running", "Stopped"]),
    marketTime=st.sampled_from([None, "2025-09-01T00:10:00Z"]),
    observedGeneration=st.sampled_from([0, 1]),
    drained=st.booleans(),
    halted=FACTS,
    ready=FACTS,
)
PROCESSES = st.builds(
    ProcessFacts,
    running=st.booleans(),
    failures=st.integers(0, 4),
    exit_code=st.sampled_from([None, 1]),
    blocked=st.sampled_from(["", "x"]),
)
OBSERVED = st.builds(
    BotObserved,
    config=st.sampled_from([None, ran_with(make_grid_bot())]),
    process=PROCESSES,
    report=st.none() | REPORTS,
    answered=st.booleans(),
    silent=st.booleans(),
)
ACCOUNTS = st.sampled_from([make_allocation(), OFF, GONE, LIVE, make_allocation(shares=[])])
BOTS = st.builds(
    make_grid_bot,
    metadata=st.sampled_from([None, DELETED]),
    state=st.sampled_from(["Running", "Stopped"]),
)


@given(subject=BOTS, account=ACCOUNTS, observed=OBSERVED, started=st.booleans())
def test_both_tools_agree_whatever_happens(
    subject: Bot, account: Allocation, observed: BotObserved, *, started: bool
) -> None:
    market = MarketMoment(started=started)
    for document in (
        told(subject, account, observed=observed, market=market),
        told(account, subject, observed=observed, market=market),
    ):
        health, state = verdicts(document)
        assert state in SAME[health]
        assert (health, document["status"].get("phase")) != ("Healthy", "Error")
        assert_one_move(document)


def test_the_guide_names_the_setting_of_every_kind() -> None:
    guide = (argocd.HEALTH_LUA.parent / "README.md").read_text()
    assert [kind for kind in KINDS if f"health.dantaro.io_{kind}=" not in guide] == []
