"""A picked market in a round of an account: configuration, status, Event."""

from dataclasses import replace

import pytest

from dantaro_crds.v1alpha1.trading_bot import TradingBot
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.account_round import AccountFacts, ObjectSteps, decide_account
from dantaro_operator.core.cluster.settings import ClusterSettings
from dantaro_operator.core.fleet import Surroundings
from dantaro_operator.core.notices import Notice, build_notices
from dantaro_operator.core.observed import BotObserved, ProcessFacts
from dantaro_operator.core.plan import MarketMoment
from tests.support.bots import (
    NOW,
    make_allocation,
    make_report,
    make_settings,
    make_trading_bot,
    share,
)
from tests.support.recommendations import make_recommendations

pytestmark = pytest.mark.unit

NEW = make_trading_bot("a", symbol="auto")
ACCOUNT = make_allocation(shares=[share("TradingBot", "a"), share("TradingBot", "b")])
BEST = make_recommendations("KRW-SOL", "KRW-XRP")


def facts_of(
    *bots: TradingBot,
    observed: BotObserved | None = None,
    best: tuple[Recommendation, ...] | None = BEST,
) -> AccountFacts:
    return AccountFacts(
        account=ACCOUNT.key,
        objects=(ACCOUNT, *bots),
        children={},
        around=Surroundings(
            bots={bots[0].metadata.uid: observed or BotObserved()},
            market=MarketMoment(),
            settings=make_settings(),
            now=NOW,
            recommendations=best,
        ),
        settings=ClusterSettings(image="localhost/dantaro/runtime:1"),
    )


def steps_of(facts: AccountFacts) -> ObjectSteps:
    return next(item for item in decide_account(facts) if item.resource.metadata.name == "a")


def picked(steps: ObjectSteps) -> list[Notice]:
    return [notice for notice in build_notices(steps) if notice.reason == "SymbolPicked"]


def market_of(steps: ObjectSteps) -> str | None:
    workload = steps.plan.workload if steps.plan else None
    return workload.config.symbol if workload else None


def test_a_new_bot_gets_the_best_market_and_an_event_says_why() -> None:
    steps = steps_of(facts_of(NEW))
    assert market_of(steps) == "KRW-SOL"
    assert isinstance(steps.fresh, TradingBot)
    assert (steps.fresh.spec.symbol, steps.fresh.status.symbol) == ("auto", "KRW-SOL")
    assert [notice.message for notice in picked(steps)] == ["KRW-SOL: score 0.9; trend: it rises"]


def test_what_it_was_told_is_no_news() -> None:
    first = steps_of(facts_of(NEW))
    assert first.plan is not None
    assert first.plan.workload is not None
    told = BotObserved(config=first.plan.workload.config)
    again = steps_of(facts_of(NEW, observed=told, best=tuple(reversed(BEST))))
    assert (market_of(again), picked(again)) == ("KRW-SOL", [])


def test_a_bot_whose_cycle_ended_is_told_where_it_goes_and_shows_where_it_is() -> None:
    first = steps_of(facts_of(NEW, best=make_recommendations("KRW-XRP")))
    assert first.plan is not None
    assert first.plan.workload is not None
    done = {"symbol": "KRW-XRP", "flat": True, "caughtUp": True, "marketCycles": 1}
    observed = BotObserved(
        config=first.plan.workload.config,
        process=ProcessFacts(running=True),
        report=make_report(kind="TradingBot", name="a", uid=NEW.metadata.uid, **done),
        answered=True,
    )
    steps = steps_of(facts_of(NEW, observed=observed))
    assert market_of(steps) == "KRW-SOL"
    assert steps.fresh.status.symbol == "KRW-XRP"  # type: ignore[union-attr]  # it is a bot
    (notice,) = picked(steps)
    assert notice.message == (
        "KRW-SOL in place of KRW-XRP, a cycle on KRW-XRP came to its end: score 0.9; "
        "trend: it rises"
    )

    on_its_way = replace(observed, config=steps.plan.workload.config)  # type: ignore[union-attr]
    again = steps_of(facts_of(NEW, observed=on_its_way, best=make_recommendations("KRW-ADA")))
    assert (market_of(again), picked(again)) == ("KRW-SOL", [])


@pytest.mark.parametrize(
    ("best", "want"),
    [
        pytest.param(None, "CentralUnreachable", id="central-says-nothing"),
        pytest.param(make_recommendations(), "WaitingForRecommendation", id="nothing-fits"),
        pytest.param(
            make_recommendations("KRW-SOL"), "WaitingForRecommendation", id="a-sibling-has-it"
        ),
    ],
)
def test_a_bot_without_a_market_waits_and_says_for_what(
    best: tuple[Recommendation, ...] | None, want: str
) -> None:
    steps = steps_of(facts_of(NEW, make_trading_bot("b", symbol="KRW-SOL"), best=best))
    assert (market_of(steps), steps.children) == (None, None)
    assert isinstance(steps.fresh, TradingBot)
    conditions = {item.type: item for item in steps.fresh.status.conditions}
    assert (conditions["Ready"].reason, conditions["Reconciling"].status) == (want, "True")
    assert "Stalled" not in conditions
    assert (steps.fresh.status.phase, steps.fresh.status.symbol) == ("Pending", None)
