"""One account in a cluster: what is written, and what is left as it is."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_operator.core.account_round import AccountFacts, ObjectSteps, decide_account
from dantaro_operator.core.allocation import RiskCaps
from dantaro_operator.core.children import child_facts
from dantaro_operator.core.cluster.settings import ClusterSettings
from dantaro_operator.core.fleet import Surroundings
from dantaro_operator.core.notices import build_notices
from dantaro_operator.core.observed import BotObserved, Hindrance, ProcessFacts
from dantaro_operator.core.plan import MarketMoment
from tests.support.bots import (
    NOW,
    make_allocation,
    make_grid_bot,
    make_report,
    make_settings,
    share,
)

pytestmark = pytest.mark.unit

FINALIZER = {"finalizers": ["dantaro.io/operator"]}
IMAGE = "localhost/dantaro/runtime:1"
REPORT = make_report()
HEARD = BotObserved(process=ProcessFacts(running=True), report=REPORT, answered=True)
UNHEARD = BotObserved(process=ProcessFacts(running=True))


def build_facts(bot: GridBot, observed: BotObserved, **values: Any) -> AccountFacts:
    allocation = values.pop("allocation", make_allocation(metadata=FINALIZER))
    return AccountFacts(
        account=allocation.key,
        objects=(allocation, bot),
        children=values.pop("children", {}),
        around=Surroundings(
            bots={bot.metadata.uid: observed},
            market=MarketMoment(),
            settings=make_settings(),
            now=NOW,
        ),
        settings=ClusterSettings(image=IMAGE),
    )


def steps_of(facts: AccountFacts, kind: str = "GridBot") -> ObjectSteps:
    return next(item for item in decide_account(facts) if item.resource.kind == kind)


def build_running() -> tuple[GridBot, AccountFacts]:
    """A bot that an operator has made and heard of; its status stands as it was written."""
    bot = make_grid_bot(metadata=FINALIZER)
    made = steps_of(build_facts(bot, BotObserved()))
    assert made.plan is not None
    assert made.plan.workload is not None
    assert made.children is not None
    manifest = made.children.apply[-1]
    live = {
        **manifest,
        "metadata": {**manifest["metadata"], "generation": 1, "resourceVersion": "7"},
        "status": {"observedGeneration": 1, "readyReplicas": 1},
    }
    heard = replace(HEARD, config=made.plan.workload.config)
    facts = build_facts(bot, heard, children={bot.key: child_facts(live, known=None)})
    told = {item.resource.kind: item.fresh for item in decide_account(facts)}
    told_bot, told_account = told["GridBot"], told["Allocation"]
    assert isinstance(told_bot, GridBot)
    assert isinstance(told_account, Allocation)
    return told_bot, replace(facts, objects=(told_account, told_bot))


def with_observed(facts: AccountFacts, bot: GridBot, observed: BotObserved) -> AccountFacts:
    around = replace(facts.around, bots={bot.metadata.uid: observed})
    return replace(facts, around=around)


def with_owners(facts: AccountFacts, bot: GridBot, owners: list[Any]) -> AccountFacts:
    live = facts.children[bot.key].live
    changed = {**live, "metadata": {**live["metadata"], "ownerReferences": owners}}
    return replace(facts, children={bot.key: child_facts(changed, known=None)})


def test_an_operator_that_starts_leaves_the_status_of_bots_that_it_has_not_heard_of() -> None:
    bot, facts = build_running()
    config = facts.around.observed(bot).config

    steps = decide_account(with_observed(facts, bot, replace(UNHEARD, config=config)))

    assert [dict(item.patch) for item in steps] == [{}, {}]
    assert [build_notices(item) for item in steps] == [[], []]


def test_a_bot_that_answers_no_new_operator_is_told_when_it_counts_as_silent() -> None:
    bot, facts = build_running()
    config = facts.around.observed(bot).config

    steps = steps_of(with_observed(facts, bot, replace(UNHEARD, config=config, silent=True)))

    assert steps.patch


def test_a_stateful_set_whose_owner_was_taken_away_gets_it_back() -> None:
    bot, facts = build_running()

    children = steps_of(with_owners(facts, bot, [])).children

    assert children is not None
    assert children.drift == (f"metadata.ownerReferences[{bot.metadata.uid}]",)


@pytest.mark.parametrize(
    ("owners", "has_config"),
    [
        pytest.param([], False, id="nobody-knows-whose"),
        pytest.param([{"uid": "an-older-one", "controller": True}], True, id="an-older-namesake"),
    ],
)
def test_a_stateful_set_of_another_is_waited_for(owners: list[Any], *, has_config: bool) -> None:
    bot, facts = build_running()
    config = facts.around.observed(bot).config if has_config else None
    without = with_observed(facts, bot, replace(HEARD, config=config))

    children = steps_of(with_owners(without, bot, owners)).children

    assert children is not None
    assert children.waits
    assert not children.apply


@pytest.mark.parametrize(
    ("percent", "want_gain"),
    [pytest.param(60, 1_000_000, id="raised"), pytest.param(40, -1_000_000, id="lowered")],
)
def test_steps_tell_by_how_much_the_money_of_a_bot_changes(percent: int, want_gain: int) -> None:
    bot, facts = build_running()
    allocation = make_allocation(metadata=FINALIZER, shares=[share("GridBot", "grid", percent)])

    steps = steps_of(replace(facts, objects=(allocation, bot)))

    assert steps.gain == Decimal(want_gain)


def test_an_event_always_says_something() -> None:
    bot, facts = build_running()
    first = make_grid_bot(metadata=FINALIZER)

    notices = build_notices(steps_of(replace(facts, objects=(facts.objects[0], first))))

    assert bot.status.conditions
    assert notices
    assert all(notice.message for notice in notices)


def test_what_others_changed_is_named_beside_a_change_that_was_asked_for() -> None:
    bot, facts = build_running()
    live = facts.children[bot.key].live
    scaled = {**live, "spec": {**live["spec"], "replicas": 0}}
    shares = [share("GridBot", "grid", 40)]
    changed = replace(
        facts,
        objects=(make_allocation(metadata=FINALIZER, shares=shares), bot),
        children={bot.key: child_facts(scaled, known=None)},
    )

    steps = steps_of(changed)

    assert steps.children is not None
    assert steps.children.drift == ("spec.replicas",)
    told = {notice.reason: notice.message for notice in build_notices(steps)}
    assert told["DriftRepaired"].endswith("put right: spec.replicas")
    assert told["ConfigChanged"] == "a new configuration is handed over"


def test_a_change_that_was_asked_for_is_no_drift() -> None:
    bot, facts = build_running()
    stopped = bot.model_copy(update={"spec": bot.spec.model_copy(update={"state": "Stopped"})})

    steps = steps_of(replace(facts, objects=(facts.objects[0], stopped)))

    assert [notice.reason for notice in build_notices(steps)][:1] == ["ConfigChanged"]


def test_a_new_cap_is_a_new_configuration_and_no_new_pod() -> None:
    bot, facts = build_running()
    caps = RiskCaps(max_drawdown_percent=Decimal(20))
    around = replace(facts.around, settings=make_settings(caps))

    steps = steps_of(replace(facts, around=around))

    assert steps.plan is not None
    assert steps.plan.workload is not None
    assert steps.plan.workload.config.risk.max_drawdown_percent == Decimal(20)
    assert steps.children is not None
    assert [item["kind"] for item in steps.children.apply] == ["ConfigMap", "StatefulSet"]
    template = steps.children.apply[-1]["spec"]["template"]
    assert template == facts.children[bot.key].live["spec"]["template"]
    assert steps.children.moves == ""
    assert [notice.reason for notice in build_notices(steps)] == ["ConfigChanged"]


def test_nothing_is_made_in_a_namespace_that_ends() -> None:
    bot, facts = build_running()
    gone = with_observed(facts, bot, replace(facts.around.observed(bot), expelled=True))

    steps = steps_of(replace(gone, children={}))

    assert steps.children is None


def test_what_a_pod_tells_is_written_also_before_a_bot_counts_as_silent() -> None:
    bot, facts = build_running()
    hindrance = Hindrance(reason="Unschedulable", message="no node takes it")
    known = facts.around.observed(bot).config
    observed = BotObserved(config=known, process=ProcessFacts(hindrance=hindrance))

    steps = steps_of(with_observed(facts, bot, observed))

    assert [notice.reason for notice in build_notices(steps)] == ["Unschedulable"]
