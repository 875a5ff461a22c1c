"""What holds for a bot with one position after any events, and after a kill at any of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dantaro_crds.wire.bundle import Analysis, Candle
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from dantaro_runtime.core.orders import Side
from dantaro_runtime.core.strategies.position.trading import PositionState
from tests.support.paper_bot import wild_series
from tests.support.positions import (
    BUY,
    SELL,
    breakout_values,
    make_decision,
    make_indicators,
    make_position_paper_run,
    make_position_run,
    reborn,
)
from tests.support.strategy_run import HandRun, PaperStrategyRun

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)
PERIOD = 15 * MINUTE

Teller = Callable[[datetime, int], Analysis | None]


def candle_end(time: datetime) -> datetime:
    """Return the last quarter of an hour."""
    return time.replace(minute=time.minute // 15 * 15)


def tell_signal(time: datetime, mood: int) -> Analysis | None:
    """Return votes to buy, to sell, or none, or nothing at all."""
    values: list[dict[Any, str] | None] = [BUY, SELL, {}, {Name.CLOSE: "3240"}]
    if mood > 3:
        return None
    analysis = make_indicators(candle_end(time), values[mood])
    if mood == 3:
        assert analysis.indicators is not None
        del analysis.indicators.values[Name.RSI14]
    return analysis


def tell_breakout(time: datetime, mood: int) -> Analysis | None:
    """Return gates that are open, or one that is not."""
    moods = [{}, {"squeezeOn": "1"}, {"volume": "1"}, {"close": "3000"}]
    if mood > 3:
        return None
    values = breakout_values(dayOpen="3100", **moods[mood])
    return make_indicators(candle_end(time), values)


def tell_decision(time: datetime, mood: int) -> Analysis | None:
    """Return a decision."""
    words = ["Buy", "Sell", "Hold", "Buy"]
    if mood > 3:
        return None
    return make_decision(words[mood], "0.5" if mood == 3 else "0.8", data_until=candle_end(time))


TELLERS: dict[str, Teller] = {
    "signal": tell_signal,
    "breakout": tell_breakout,
    "ai": tell_decision,
}

STEPS = {"signal": MINUTE, "breakout": 15 * MINUTE, "ai": MINUTE}
"""A day of a breakout has few looks, so that there are several days."""

KINDS = ["open", "open", "open", "fill", "fill", "part", "end", "fire", "flatten", "reset"]

MOODS = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4])

OPENING = [("open", 4, 1, 3150), ("open", 0, 1, 3210), ("fill", 0, 0, 0)]

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        MOODS,
        st.integers(1, 99),
        st.integers(3150, 3400),
    ),
    min_size=12,
    max_size=40,
).map(lambda events: [*OPENING, *events])
"""Events after a first position, most of which say Buy or Sell."""

LIMITS = st.fixed_dictionaries(
    {}, optional={"take_profit_percent": st.just("1"), "stop_loss_percent": st.just("2")}
)


def play(
    run: HandRun[PositionState],
    events: list[tuple[str, int, int, int]],
    *,
    killed: bool = False,
    twice: bool = False,
) -> list[tuple[datetime, PositionState]]:
    """Carry out events, those of orders on whatever is live; return the state after each."""
    told = []
    for kind, number, percent, price in events:
        if killed:
            run.state = reborn(run.state)
        live = list(run.orders.values())
        match kind:
            case "open":
                pause = percent * STEPS[run.strategy.name]
                run.analysis = TELLERS[run.strategy.name](run.time + pause, number)
                run.open(after=pause, last=str(price))
                if twice:
                    run.open()
            case "fire" if run.wanted.triggers:
                run.fire("stop-loss", str(run.wanted.triggers[0].price))
            case "flatten" if percent > 90:
                run.flatten()
            case "reset":
                run.reset()
            case "fill" | "part" | "end" if live:
                order = live[number % len(live)]
                part = run.rules.floor_volume(order.remaining * percent / 100)
                at = None if order.price else str(run.last)
                if kind == "end":
                    run.end(order.slot)
                else:
                    run.fill(order.slot, str(part) if kind == "part" and part else None, price=at)
            case _:
                pass
        told.append((run.time, run.state))
    return told


def marks(run: HandRun[PositionState]) -> list[str]:
    """Return what each entry belonged to."""
    return [dict(note.inputs)["mark"] for note in run.notes if note.reason == "Buy" and note.acted]


@pytest.mark.parametrize("name", TELLERS)
@given(events=EVENTS, slow=st.booleans(), limits=LIMITS)
@settings(max_examples=60)
def test_books_balance_and_no_mark_is_used_twice(
    name: str, events: list[tuple[str, int, int, int]], slow: bool, limits: dict[str, Any]
) -> None:
    run = make_position_run(name, slow=slow, **limits)

    play(run, events)  # the run itself checks money, coin and books at each step

    assert run.state.cycle.held == run.base
    assert len(set(marks(run))) == len(marks(run)) == run.strategy.cycle(run.state)
    if not slow:
        assert sum(order.remaining for order in run.orders.values() if order.side == "Sell") <= (
            run.base
        )
    buys = [order for order in run.orders.values() if order.side is Side.BUY]
    for order in buys:
        assert order.price is not None
        assert order.remaining * order.price * (1 + run.rules.fee_rate) <= run.quote


@pytest.mark.parametrize("name", TELLERS)
@given(events=EVENTS, limits=LIMITS)
@settings(max_examples=40)
def test_a_state_read_back_after_each_event_changes_nothing(
    name: str, events: list[tuple[str, int, int, int]], limits: dict[str, Any]
) -> None:
    undisturbed, killed = make_position_run(name, **limits), make_position_run(name, **limits)

    assert play(undisturbed, events) == play(killed, events, killed=True)

    assert (killed.fills, killed.notes) == (undisturbed.fills, undisturbed.notes)


@pytest.mark.parametrize("name", TELLERS)
@given(events=EVENTS, limits=LIMITS)
@settings(max_examples=40)
def test_a_second_look_at_the_same_moment_does_nothing_more(
    name: str, events: list[tuple[str, int, int, int]], limits: dict[str, Any]
) -> None:
    once, twice = make_position_run(name, **limits), make_position_run(name, **limits)

    play(once, events)
    play(twice, events, twice=True)

    assert twice.fills == once.fills
    assert marks(twice) == marks(once)
    assert sorted(twice.orders) == sorted(once.orders)


@pytest.mark.parametrize("name", ["signal", "ai"])
@given(
    events=st.lists(st.tuples(st.integers(1, 99), st.integers(3000, 3400)), max_size=20),
    is_open=st.booleans(),
)
@settings(max_examples=40)
def test_nothing_is_done_on_what_is_not_there(
    name: str, events: list[tuple[int, int]], is_open: bool
) -> None:
    run = make_position_run(name)
    if is_open:
        run.analysis = TELLERS[name](run.time, 0)
        run.open()
        run.fill("s0")
    held, orders = run.base, len(run.attempts)
    run.analysis = None

    for minutes, price in events:
        run.open(after=minutes * MINUTE, last=str(price))

    assert (run.base, len(run.attempts), run.slots) == (held, orders, [])


class ToldRun(PaperStrategyRun[PositionState]):
    """A paper run that is told of the market as its script says."""

    moods: tuple[int, ...] = ()

    def open(self, *, after: timedelta = timedelta(0), last: str | None = None) -> None:
        """Take the mood of the present quarter of an hour."""
        number = int((self.time - self.time.replace(hour=0, minute=0)) / PERIOD)
        mood = self.moods[number % len(self.moods)]
        self.analysis = TELLERS[self.strategy.name](self.time, mood)
        super().open(after=after, last=last)


@pytest.mark.parametrize("name", TELLERS)
@given(
    candles=wild_series(least=12, minutes=7, step=30, floor=2900),
    moods=st.lists(MOODS, min_size=4, max_size=20),
    limits=LIMITS,
    deaths=st.sets(st.integers(1, 80)),
)
@settings(max_examples=40)
def test_a_kill_after_any_event_on_the_paper_market_changes_no_fill(
    name: str,
    candles: list[Candle],
    moods: list[int],
    limits: dict[str, Any],
    deaths: set[int],
) -> None:
    runs = []
    for end in (set[int](), deaths):
        run = ToldRun(
            strategy=make_position_paper_run(name, **limits).strategy,
            money=Decimal(1_000_000),
            last=Decimal(3240),
            slippage_ticks=1,
        )
        run.moods = tuple(moods)
        run.killed_after = end.__contains__
        run.reborn = reborn
        run.walk(candles)
        runs.append(run)

    undisturbed, killed = runs
    assert killed.fills == undisturbed.fills
    assert killed.state == undisturbed.state
    assert killed.notes == undisturbed.notes
    assert killed.state.cycle.held == killed.market.base
