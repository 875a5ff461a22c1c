"""Who trades what, where `symbol: auto` leaves it open."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_operator.core.bots import AUTO, Key
from dantaro_operator.core.checks import Situation
from dantaro_operator.core.markets.picking import (
    KEPT_RANK,
    BotView,
    Pick,
    pick_markets,
    symbols_of,
)
from dantaro_operator.core.observed import BotObserved, ProcessFacts
from dantaro_operator.core.plan import MarketMoment, decide_plan
from tests.support.bots import (
    make_allocation,
    make_report,
    make_settings,
    make_trading_bot,
    share,
)
from tests.support.recommendations import make_recommendations

pytestmark = pytest.mark.unit

NAMES = ("a", "b", "c", "d", "e")
ACCOUNT = make_allocation(shares=[share("TradingBot", name, 20) for name in NAMES])
MARKETS = tuple(f"KRW-{letter}" for letter in "ABCDEFGHIJKLMNOP")


def view(
    name: str,
    symbol: str = AUTO,
    *,
    told: str | None = None,
    trades: str | None = None,
    report: dict[str, Any] | None = None,
    is_sound: bool = True,
    **spec: Any,
) -> BotView:
    """Return a bot that was told to trade `told`, and trades `trades`."""
    bot = make_trading_bot(name, symbol=symbol, **spec)
    if told is None:
        return BotView(bot=bot, observed=BotObserved(), is_sound=is_sound)
    on_market = bot.model_copy(update={"spec": bot.spec.model_copy(update={"symbol": told})})
    plan = decide_plan(
        Situation(bot=on_market, allocation=ACCOUNT, accounts=(ACCOUNT,)),
        last=None,
        settings=make_settings(),
        market=MarketMoment(),
    )
    assert plan.workload is not None
    values = {"flat": True, "caughtUp": True, "symbol": trades or told} | (report or {})
    return BotView(
        bot=bot,
        observed=BotObserved(
            config=plan.workload.config,
            process=ProcessFacts(running=True),
            report=make_report(kind="TradingBot", name=name, uid=f"{name}-0000000-uid", **values),
            answered=True,
        ),
        is_sound=is_sound,
    )


def picked(
    *views: BotView, best: tuple[str, ...] | None = MARKETS, account: Allocation = ACCOUNT
) -> dict[str, str]:
    found, _ = pick_markets(account, views, None if best is None else make_recommendations(*best))
    return {key[2]: symbol for key, symbol in found.items()}


def test_older_bots_choose_first_and_named_markets_are_taken() -> None:
    old = {"creationTimestamp": "2025-01-01T00:00:00Z"}
    young = view("a")
    elder = BotView(bot=make_trading_bot("b", metadata=old, symbol=AUTO), observed=BotObserved())
    named = view("c", "KRW-A")
    assert picked(young, elder, named) == {"b": "KRW-B", "a": "KRW-C"}


@pytest.mark.parametrize(
    ("sibling", "want"),
    [
        pytest.param(view("b", "KRW-A"), "KRW-B", id="named"),
        pytest.param(view("b", told="KRW-A", report={"flat": False}), "KRW-B", id="told-to-trade"),
        pytest.param(
            view("b", told="KRW-B", trades="KRW-A"), "KRW-C", id="on-its-way-from-one-to-another"
        ),
        pytest.param(view("b", "KRW-B", told="KRW-A"), "KRW-C", id="named-another-trades-it-still"),
    ],
)
def test_a_market_of_a_sibling_is_not_free(sibling: BotView, want: str) -> None:
    assert picked(view("a"), sibling)["a"] == want


def test_what_does_not_fit_the_account_is_passed_over() -> None:
    best = ("USDT-BTC", "BTC/KRW", "KRW-B")
    assert picked(view("a"), best=best) == {"a": "KRW-B"}


@pytest.mark.parametrize("best", [None, (), ("USDT-BTC",)])
def test_without_advice_everybody_keeps_what_they_have(best: tuple[str, ...] | None) -> None:
    done = {"marketCycles": 1}
    assert picked(view("a"), view("b", told="KRW-Z", report=done), best=best) == {"b": "KRW-Z"}


def test_a_bot_that_is_refused_anyway_takes_no_market() -> None:
    assert picked(view("a", is_sound=False), view("b")) == {"b": "KRW-A"}


AFAR = "KRW-P"
"""Recommended, but not among the best."""


@pytest.mark.parametrize(
    ("bot", "want", "why"),
    [
        pytest.param(view("a", told="KRW-J"), "KRW-J", "", id="among-the-best-without-a-cycle-yet"),
        pytest.param(
            view("a", told="KRW-J", report={"marketCycles": 1}),
            "KRW-A",
            "a cycle on KRW-J came to its end",
            id="a-cycle-ended",
        ),
        pytest.param(
            view("a", told=AFAR),
            "KRW-A",
            f"{AFAR} is no longer among the {KEPT_RANK} best",
            id="no-longer-among-the-best",
        ),
        pytest.param(
            view("a", told="KRW-A", report={"marketCycles": 4}), "KRW-A", "", id="its-own-is-best"
        ),
        pytest.param(view("a", told=AFAR, report={"flat": False}), AFAR, "", id="it-is-not-flat"),
        pytest.param(
            view("a", told=AFAR, trades="KRW-X"), AFAR, "", id="it-has-not-arrived-there-yet"
        ),
        pytest.param(
            view("a", told=AFAR, report={"caughtUp": False}), AFAR, "", id="it-lags-behind"
        ),
        pytest.param(view("a", told=AFAR, state="Stopped"), AFAR, "", id="it-is-stopped"),
        pytest.param(view("a", told=AFAR, is_sound=False), AFAR, "", id="its-spec-is-refused"),
    ],
)
def test_when_a_bot_leaves_its_market(bot: BotView, want: str, why: str) -> None:
    found, picks = pick_markets(ACCOUNT, [bot], make_recommendations(*MARKETS))
    assert found == {bot.bot.key: want}
    assert [pick.why for pick in picks.values()] == ([why] if why else [])


def test_a_silent_bot_and_one_that_does_not_run_stay() -> None:
    bot = view("a", told=AFAR)
    for observed in (
        replace(bot.observed, silent=True),
        replace(bot.observed, answered=False),
        replace(bot.observed, process=ProcessFacts()),
    ):
        assert picked(replace(bot, observed=observed)) == {"a": AFAR}


def test_a_flat_bot_makes_way_for_one_that_names_its_market() -> None:
    named = view("b", "KRW-A")
    found, picks = pick_markets(
        ACCOUNT, [view("a", told="KRW-A"), named], make_recommendations(*MARKETS)
    )
    assert list(found.values()) == ["KRW-B"]
    assert [pick.why for pick in picks.values()] == ["TradingBot/b asks for KRW-A by name"]
    assert picked(view("a", told="KRW-A", report={"flat": False}), named) == {"a": "KRW-A"}


def test_the_status_is_the_memory_where_nothing_else_is() -> None:
    bot = make_trading_bot("a", symbol=AUTO)
    told = {"symbol": "KRW-C", "last_heartbeat_time": make_report().heartbeat_time}
    known = bot.model_copy(update={"status": bot.status.model_copy(update=told)})
    unheard = bot.model_copy(update={"status": bot.status.model_copy(update={"symbol": "KRW-C"})})
    views = {
        name: BotView(bot=item, observed=BotObserved())
        for name, item in {"known": known, "unheard": unheard}.items()
    }
    assert picked(views["known"]) == {"a": "KRW-C"}
    assert picked(views["known"], best=None) == {"a": "KRW-C"}
    assert picked(views["known"], view("b", told="KRW-C")) == {"a": "KRW-A", "b": "KRW-C"}
    assert picked(views["unheard"]) == {"a": "KRW-A"}


def test_a_pick_says_what_was_before() -> None:
    bot = view("a", told="KRW-B", report={"marketCycles": 2})
    _, picks = pick_markets(ACCOUNT, [bot, view("b")], make_recommendations(*MARKETS))
    a, b = (picks[("TradingBot", "default", name)] for name in "ab")
    assert (a.symbol, a.before) == ("KRW-A", "KRW-B")
    assert b == Pick(best=make_recommendations("KRW-C")[0])


@dataclass(frozen=True)
class _World:
    views: tuple[BotView, ...]
    best: tuple[str, ...] | None


@st.composite
def worlds(draw: st.DrawFn) -> _World:
    """Bots of one account that hold different markets, and some advice."""
    free = list(draw(st.permutations(MARKETS)))
    views = []
    for name in draw(st.sets(st.sampled_from(NAMES), min_size=1)):
        told = free.pop() if draw(st.booleans()) else None
        moving = told is not None and draw(st.integers(0, 3)) == 0
        views.append(
            view(
                name,
                draw(st.sampled_from([AUTO, AUTO, AUTO, *MARKETS])),
                told=told,
                trades=free.pop() if moving else None,
                report={"flat": draw(st.booleans()), "marketCycles": draw(st.integers(0, 1))},
                is_sound=draw(st.integers(0, 4)) > 0,
            )
        )
    best = draw(st.none() | st.lists(st.sampled_from(MARKETS), unique=True).map(tuple))
    return _World(views=tuple(views), best=best)


def markets_of(world: _World) -> tuple[dict[Key, str], dict[Key, Pick]]:
    return pick_markets(
        ACCOUNT, world.views, None if world.best is None else make_recommendations(*world.best)
    )


@given(worlds(), st.randoms(use_true_random=False))
def test_the_order_of_the_bots_does_not_matter(world: _World, rng: Any) -> None:
    shuffled = replace(world, views=tuple(rng.sample(world.views, len(world.views))))
    assert markets_of(shuffled) == markets_of(world)


@given(worlds())
def test_no_bot_is_given_a_market_of_another(world: _World) -> None:
    found, picks = markets_of(world)
    assert len(set(found.values())) == len(found)
    for key, pick in picks.items():
        others = [item for item in world.views if item.bot.key != key]
        held = {symbol for item in others for symbol in symbols_of(item.observed)}
        named = {item.bot.spec.symbol for item in others if not item.is_auto}
        assert pick.symbol == found[key]
        assert pick.symbol not in held | named


@given(worlds())
def test_nobody_is_moved_before_it_is_flat_and_has_arrived(world: _World) -> None:
    found, picks = markets_of(world)
    for item in world.views:
        report = item.observed.current
        if not item.is_auto or report is None or item.present is None:
            continue
        if not report.flat or report.symbol != item.present:
            assert found[item.bot.key] == item.present
            assert item.bot.key not in picks


@given(worlds())
def test_once_everybody_was_told_nothing_is_picked_again(world: _World) -> None:
    """Told, and before anybody reports anything new: the very next look keeps all."""
    found, _ = markets_of(world)
    told = []
    for item in world.views:
        symbol = found.get(item.bot.key)
        if symbol is None:
            told.append(item)
            continue
        report = item.observed.report
        again = view(
            item.bot.metadata.name,
            told=symbol,
            trades=report.symbol if report else None,
            report={"flat": report.flat, "marketCycles": report.market_cycles} if report else None,
            is_sound=item.is_sound,
        )
        told.append(again if report else replace(again, observed=_unheard(again.observed)))
    again_found, picks = markets_of(replace(world, views=tuple(told)))
    assert (again_found, picks) == (found, {})


def _unheard(observed: BotObserved) -> BotObserved:
    return replace(observed, report=None, answered=False)
