"""Stop loss, flatten, reset and changed parameters of a staged bot."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dantaro_runtime.core.strategies.staged import StagedState, StagedTrading
from tests.support.staged import (
    entered,
    make_hand_run,
    make_parameters,
)
from tests.support.strategy_run import START, HandRun

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)

# Stops


def test_a_stop_sells_all_and_goes_on_by_itself_after_an_hour() -> None:
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    selling = (run.phase, list(run.slots), run.strategy.message(run.state))
    run.time += MINUTE
    run.fill("sl", price="2810")
    stopped = run.phase
    run.open(after=59 * MINUTE, last="3240")
    paused = run.phase

    run.open(after=MINUTE)

    assert selling == (
        "Stopping",
        ["sl"],
        "selling everything: the stop loss of cycle 1 was reached at 2813",
    )
    assert (stopped, paused) == ("Stopped", "Stopped")
    assert run.phase == "Entering"
    assert run.state.cycle == 2


def test_the_message_of_a_stop_says_when_it_goes_on() -> None:
    run = entered(stop_loss_percent=Decimal(3))

    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")

    assert not run.strategy.is_stopped(run.state)
    assert run.strategy.message(run.state) == (
        "stopped, the stop loss of cycle 1 was reached at 2813; "
        "the next cycle may start from 2026-01-01T01:00:00Z"
    )


def stopped_twice(pause: timedelta) -> HandRun[StagedState]:
    """Return a run with two stops so far apart."""
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")
    run.time = START + pause - MINUTE
    run.open(last="3240")
    run.fill("s0")
    run.time += MINUTE
    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")
    return run


def test_a_second_stop_within_a_day_needs_a_person() -> None:
    run = stopped_twice(timedelta(hours=24))
    run.open(after=timedelta(days=30), last="3240")

    assert run.phase == "Stopped"
    assert run.strategy.is_stopped(run.state)
    assert run.strategy.message(run.state).endswith("; a reset starts a new cycle")


def test_a_second_stop_after_more_than_a_day_does_not() -> None:
    run = stopped_twice(timedelta(hours=24, seconds=1))

    assert not run.strategy.is_stopped(run.state)


def test_a_reset_leaves_the_stop_and_forgets_it() -> None:
    run = stopped_twice(timedelta(hours=2))

    run.reset()
    run.open(last="3240")
    run.fill("s0")
    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")

    assert run.state.cycle == 3
    assert not run.strategy.is_stopped(run.state)


def test_a_stop_sells_what_fills_late_too() -> None:
    run = entered(stop_loss_percent=Decimal(3), slow=True)
    run.fire("stop-loss", "2813")
    run.fill("s1")
    for slot in ("tp", "s2", "s3", "s4"):
        run.end(slot)
    order = run.order("sl")

    run.fill("sl", price="2812")

    assert order.volume == Decimal("125.05727729")
    assert run.phase == "Stopped"


def test_a_take_profit_that_fills_while_stopping_leaves_nothing_to_sell() -> None:
    run = entered(stop_loss_percent=Decimal(3), slow=True)
    run.fire("stop-loss", "2813")

    run.fill("tp")
    for slot in ("s1", "s2", "s3", "s4"):
        run.end(slot)

    assert run.phase == "Stopped"
    assert run.state.held == 0
    assert run.state.realized > 0


def test_a_take_profit_that_is_cancelled_while_stopping_makes_way_for_the_sale() -> None:
    run = entered(stop_loss_percent=Decimal(3), slow=True)
    run.fire("stop-loss", "2813")
    for slot in ("s1", "s2", "s3", "s4"):
        run.end(slot)
    before = list(run.slots)

    run.end("tp")

    assert before == ["tp"]
    assert run.slots == ["sl"]


def test_a_sale_at_market_that_fills_in_parts_is_left_alone() -> None:
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    order = run.order("sl")
    run.fill("sl", "61", price="2812")

    left = run.order("sl").client_id
    run.fill("sl", price="2811")

    assert left == order.client_id
    assert run.phase == "Stopped"
    assert run.state.held == 0


def test_a_sale_at_market_that_ends_early_is_repeated_for_the_rest() -> None:
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    run.fill("sl", "20", price="2812")

    run.end("sl")

    assert run.phase == "Stopping"
    assert run.order("sl").volume == Decimal("41.69753086")


def test_what_a_stop_cannot_sell_is_carried_on() -> None:
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    run.fill("sl", "61", price="2812")

    run.end("sl")

    assert run.phase == "Stopped"
    assert run.state.held == Decimal("0.69753086")
    assert "0.69753086 of the coin is left" in run.notes[-1].message


def test_a_buy_that_fills_after_a_stop_is_sold_as_well() -> None:
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    late = replace(run.fill("sl", price="2813"), slot="s1", side=run.fills[0].side)
    late = replace(late, client_id="late", volume=Decimal(10), filled_volume=Decimal(0))
    run.orders["late"] = late

    run.execute(late, volume=Decimal(10), price=Decimal(2900), fee=Decimal("14.5"), maker=True)

    assert run.phase == "Stopping"
    assert run.order("sl").volume == 10


def test_a_trigger_that_comes_late_changes_nothing() -> None:
    run = entered()
    run.fill("tp")
    state = run.state

    run.fire("stop-loss", "2813")

    assert run.state == state


# Flatten and reset


def test_flatten_sells_all_and_stays_stopped_until_a_reset() -> None:
    run = entered()
    run.flatten()
    selling = list(run.slots)
    run.fill("sl", price="3200")
    run.open(after=timedelta(days=30))
    stopped = (run.phase, run.strategy.is_stopped(run.state))

    run.reset()
    run.open()

    assert selling == ["sl"]
    assert stopped == ("Stopped", True)
    assert run.phase == "Entering"


def test_flatten_twice_is_as_once() -> None:
    run = entered()
    run.flatten()
    state, orders = run.state, dict(run.orders)

    run.flatten()

    assert run.state == state
    assert run.orders == orders


def test_flatten_without_coin_stops_at_once() -> None:
    run = make_hand_run()
    run.open()

    run.flatten()

    assert run.slots == []
    assert run.strategy.is_stopped(run.state)


def test_flatten_after_a_stop_loss_takes_away_its_pause() -> None:
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")

    run.flatten()

    assert run.strategy.is_stopped(run.state)


def test_while_everything_is_being_sold_the_open_of_a_candle_changes_nothing() -> None:
    run = entered()
    run.flatten()

    run.open(after=MINUTE)

    assert run.phase == "Stopping"
    assert run.slots == ["sl"]


def test_a_reset_of_a_running_cycle_changes_nothing() -> None:
    run = entered()
    state = run.state

    run.reset()

    assert run.state == state


def test_a_reset_looks_again_at_what_kept_a_cycle_from_starting() -> None:
    run = make_hand_run(last="2900")
    run.open()

    run.reset()
    run.open(last="3240")

    assert run.phase == "Entering"


# Changed parameters


def test_new_parameters_take_effect_with_the_next_cycle() -> None:
    run = entered()
    run.strategy = StagedTrading(make_parameters(stages=2))
    run.open(after=MINUTE)
    during = (list(run.slots), run.strategy.message(run.state))
    run.fill("tp")

    run.open(after=5 * MINUTE)
    run.fill("s0")

    assert during == (
        ["tp", "s1", "s2", "s3", "s4"],
        "the new parameters take effect with the next cycle",
    )
    assert run.slots == ["tp", "s1"]
    assert run.strategy.message(run.state) == ""


def test_names_and_numbers_of_a_new_bot() -> None:
    strategy = StagedTrading(make_parameters())
    state = strategy.initial()

    assert strategy.name == "staged"
    assert (strategy.cycle(state), strategy.phase(state)) == (0, "Idle")
    assert strategy.message(state) == ""


def test_an_exit_without_a_cycle_does_nothing() -> None:
    run = entered()
    strategy = StagedTrading(make_parameters())
    idle = strategy.initial()
    assert strategy.exit(idle, run.context(), reason="the day is over").state == idle
