"""A staged cycle event by event, with a venue that the test moves by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from dantaro_runtime.core.orders import OrderState, Trigger, TriggerKind
from dantaro_runtime.core.strategies.protocol import Level
from dantaro_runtime.core.strategies.staged import StagedTrading
from tests.support.staged import (
    entered,
    make_analysis,
    make_hand_run,
    make_parameters,
    target_price,
)
from tests.support.strategy_run import START

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)

# Entry


def test_a_cycle_starts_with_its_first_buy_alone() -> None:
    run = make_hand_run()

    run.open()

    assert run.phase == "Entering"
    assert run.slots == ["s0"]
    assert run.wanted.triggers == ()
    assert run.notes[-1].message == (
        "cycle 1: 5 stages from 3240 to the support level 2900 with 1000000, first buy at most "
        "at 3240, no stop loss"
    )


def test_the_first_fill_brings_the_other_stages_and_the_sale() -> None:
    run = entered(stop_loss_percent=Decimal(3))

    assert run.phase == "Holding"
    assert run.slots == ["tp", "s1", "s2", "s3", "s4"]
    assert run.order("tp").volume == run.state.held
    assert run.wanted.triggers == (
        Trigger(name="stop-loss", kind=TriggerKind.AT_OR_BELOW, price=Decimal(2813)),
    )


def test_a_first_buy_without_a_fill_is_given_up_after_ten_minutes() -> None:
    run = make_hand_run()
    run.open()
    run.open(after=9 * MINUTE, last="3300")
    waiting = list(run.slots)

    run.open(after=MINUTE)

    assert waiting == ["s0"]
    assert run.phase == "Idle"
    assert run.slots == []
    assert run.reasons == ["CycleStarted", "CycleAborted"]
    assert "may start from 2026-01-01T00:15:00Z" in run.strategy.message(run.state)


def test_after_an_aborted_cycle_the_next_starts_from_the_new_price() -> None:
    run = make_hand_run()
    run.open()
    run.open(after=10 * MINUTE, last="3300")
    run.open(after=4 * MINUTE)
    paused = run.phase

    run.open(after=MINUTE)

    assert paused == "Idle"
    assert (run.phase, run.state.cycle) == ("Entering", 2)
    assert run.order("s0").price == 3300
    assert run.order("s0").client_id == "bot-1-2-s0-1"


def test_a_partly_filled_first_buy_is_never_cancelled() -> None:
    run = make_hand_run()
    run.open()
    run.fill("s0", "1")

    run.open(after=10 * MINUTE)

    assert run.phase == "Holding"
    assert run.slots == ["s0", "s1", "s2", "s3", "s4"]
    assert run.order("s0").filled_volume == 1


def test_a_fill_during_the_cancel_of_a_late_first_buy_is_kept() -> None:
    run = make_hand_run(slow=True)
    run.open()
    run.open(after=10 * MINUTE)
    run.fill("s0", "30")

    run.end("s0")

    assert run.phase == "Holding"
    assert run.order("tp").volume == 30
    assert run.order("s0").volume == Decimal("31.69753086")


def test_a_late_first_buy_that_fills_whole_during_its_cancel_is_kept() -> None:
    run = make_hand_run(slow=True)
    run.open()
    run.open(after=10 * MINUTE)

    run.fill("s0")

    assert run.phase == "Holding"
    assert run.slots == ["tp", "s1", "s2", "s3", "s4"]


def test_a_first_buy_that_somebody_cancels_is_placed_again() -> None:
    run = make_hand_run()
    run.open()

    run.end("s0")

    assert run.phase == "Entering"
    assert run.order("s0").client_id == "bot-1-1-s0-2"


def test_a_late_first_buy_that_is_gone_ends_the_cycle() -> None:
    run = make_hand_run()
    run.open()
    run.orders.clear()  # withdrawn by a halt

    run.open(after=10 * MINUTE)

    assert run.phase == "Idle"


# Reasons not to start


def test_without_leave_no_cycle_starts_and_the_message_says_so() -> None:
    run = make_hand_run()
    run.entries_allowed = False

    run.open()

    assert run.phase == "Idle"
    assert run.slots == []
    assert run.notes == []
    assert run.strategy.message(run.state) == "new entries are not allowed at present"


def test_below_support_it_waits_for_the_next_analysis() -> None:
    run = make_hand_run(last="2900")
    run.open()
    run.open(after=MINUTE, last="3240")
    same_analysis = run.phase
    run.analysis = make_analysis(data_until=START + 5 * MINUTE)

    run.open(after=MINUTE)

    assert same_analysis == "Idle"
    assert run.phase == "Entering"
    assert run.reasons == ["BelowSupport", "CycleStarted"]


def test_a_refusal_is_noted_once_and_looked_at_again_each_time() -> None:
    run = make_hand_run(last="2903")
    run.open()
    run.open(after=MINUTE, last="2902")
    noted = [(note.reason, note.level) for note in run.notes]

    run.open(after=MINUTE, last="2904")

    assert noted == [("StagesTooClose", Level.WARNING)]
    assert run.phase == "Entering"


def test_a_newer_analysis_with_the_same_finding_is_no_news() -> None:
    run = make_hand_run(last="2900")
    run.open()
    run.analysis = make_analysis(data_until=START + 5 * MINUTE)

    run.open(after=5 * MINUTE, last="2890")

    assert run.reasons == ["BelowSupport"]
    assert "2890" in run.strategy.message(run.state)


def test_new_parameters_are_looked_at_before_the_next_analysis() -> None:
    run = make_hand_run(last="2900")
    run.open()
    run.strategy = StagedTrading(make_parameters(stages=1))

    run.open(after=MINUTE)

    assert run.phase == "Entering"


# Take profit


def test_the_sale_at_a_profit_closes_the_cycle_and_records_its_net() -> None:
    run = entered()
    run.time += MINUTE

    run.fill("tp")

    assert run.phase == "Closed"
    assert run.slots == []
    assert run.state.held == 0
    assert run.state.cost == 0
    assert f"{run.state.realized:.2f}" == "3006.77"
    assert run.notes[-1].message == "cycle 1: sold at a profit, net 3006.77"
    assert run.strategy.message(run.state) == ("the next cycle may start from 2026-01-01T00:06:00Z")


def test_the_next_cycle_starts_after_the_cooldown_with_a_new_plan() -> None:
    run = entered()
    run.fill("tp")
    run.open(after=4 * MINUTE)
    paused = run.phase

    run.open(after=MINUTE, last="3300")

    assert paused == "Closed"
    assert run.phase == "Entering"
    assert run.state.cycle == 2
    assert run.order("s0").price == 3300


def test_profit_does_not_raise_the_budget_of_the_next_cycle() -> None:
    run = entered()
    run.fill("tp")

    run.open(after=5 * MINUTE)

    assert run.quote > 1_000_000
    assert run.state.plan is not None
    assert run.state.plan.budget == 1_000_000


def test_a_loss_lowers_the_budget_of_the_next_cycle() -> None:
    run = entered(stop_loss_percent=Decimal(3))
    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")
    run.analysis = make_analysis("2500")

    run.open(after=60 * MINUTE, last="3000")

    assert run.state.plan is not None
    assert run.state.plan.budget == run.quote < 1_000_000


def test_a_partial_sale_ends_the_buying_and_keeps_its_order() -> None:
    run = entered()
    sale = run.order("tp")

    run.fill("tp", "20")
    run.open(after=MINUTE, last="3100")

    assert run.phase == "Exiting"
    assert run.slots == ["tp"]
    assert run.order("tp").client_id == sale.client_id
    assert run.reasons.count("ExitStarted") == 1


def test_the_rest_of_a_partial_sale_closes_the_cycle() -> None:
    run = entered()
    run.fill("tp", "20")
    run.fill("tp", "20")

    run.fill("tp")

    assert run.phase == "Closed"
    assert f"{run.state.realized:.2f}" == "3006.77"
    assert run.reasons.count("ExitStarted") == 1


def test_a_partly_filled_sale_that_is_cancelled_is_placed_for_the_rest() -> None:
    run = entered()
    price = target_price(run)
    run.fill("tp", "20")

    run.end("tp")

    assert run.phase == "Exiting"
    assert run.order("tp").volume == Decimal("41.69753086")
    assert target_price(run) == price


def test_a_sale_that_somebody_cancels_is_placed_again() -> None:
    run = entered()

    run.end("tp")

    assert run.phase == "Holding"
    assert run.order("tp").attempt == 2


def test_a_rest_that_is_too_small_is_carried_into_the_next_cycle_with_its_cost() -> None:
    run = entered()
    run.fill("tp", "61")
    run.end("tp")
    carried = run.state.held, run.state.cost
    closed = run.phase
    note = run.notes[-1].message

    run.open(after=5 * MINUTE)
    run.fill("s0")

    assert closed == "Closed"
    assert carried[0] == Decimal("0.69753086")
    assert carried[1] > 0
    assert note.endswith("0.69753086 is carried on")
    assert run.state.held == Decimal("62.39506172") - Decimal(0)
    assert run.order("tp").volume == run.state.held


# Rule 3: sale and buy at once


def test_a_buy_that_fills_before_the_old_sale_is_gone_leaves_only_its_own_stage() -> None:
    run = entered(slow=True)
    run.fill("s1")
    asked = set(run.cancelling)
    old = next(order for order in run.orders.values() if order.slot == "tp")

    run.fill("tp")

    assert asked == {old.client_id}
    assert run.phase == "Holding"
    assert run.state.held == Decimal("63.35974643")
    assert run.state.buys_over


def test_a_buy_that_fills_after_the_sale_is_held_alone() -> None:
    run = entered(slow=True)
    run.fill("tp")
    closed = run.phase

    run.fill("s1")
    for slot in ("s2", "s3", "s4"):
        run.end(slot)

    assert closed == "Closed"
    assert run.phase == "Holding"
    assert run.slots == ["tp"]
    assert run.order("tp").volume == Decimal("63.35974643")


def test_a_late_fill_that_is_too_small_to_be_sold_stays_as_dust() -> None:
    run = entered(slow=True)
    run.fill("tp")

    run.fill("s1", "1")

    assert run.phase == "Closed"
    assert run.state.held == 1


def test_a_stage_fill_waits_for_the_cancel_of_the_old_sale() -> None:
    run = entered(slow=True)

    run.fill("s1")
    waiting = run.order("tp").volume
    run.end("tp")

    assert waiting == Decimal("61.69753086")
    assert run.order("tp").volume == Decimal("125.05727729")


def test_a_sale_that_fills_in_part_during_its_cancel_leaves_no_more_than_is_held() -> None:
    run = entered(slow=True)
    run.fill("s1")
    run.fill("tp", "20")

    run.end("tp")
    for slot in ("s2", "s3", "s4"):
        run.end(slot)

    assert run.phase == "Exiting"
    assert run.slots == ["tp"]
    assert run.order("tp").volume == run.state.held == Decimal("105.05727729")


# Rule 7: stages that fill in parts


def test_a_part_that_is_large_enough_is_offered_at_once() -> None:
    run = make_hand_run()
    run.open()

    run.fill("s0", "1")
    too_small = list(run.slots)
    run.fill("s0", "1")

    assert too_small == ["s0"]
    assert run.phase == "Entering"
    assert run.order("tp").volume == 2


def test_a_sale_is_replaced_at_most_once_a_minute_while_a_stage_fills_in_parts() -> None:
    run = entered()
    run.fill("s1", "10")
    at_once = run.order("tp").attempt
    run.open(after=timedelta(seconds=59))
    early = run.order("tp").attempt

    run.open(after=timedelta(seconds=1))

    assert (at_once, early) == (1, 1)
    assert run.order("tp").attempt == 2
    assert run.order("tp").volume == run.state.held


def test_a_finished_stage_replaces_the_sale_at_once() -> None:
    run = entered()
    run.fill("s1", "10")

    run.fill("s1")

    assert run.order("tp").volume == run.state.held


def test_a_partly_filled_stage_keeps_its_order() -> None:
    run = entered()
    order = run.order("s1")

    run.fill("s1", "10")

    assert run.order("s1").client_id == order.client_id


def test_the_rest_of_a_cancelled_stage_is_bought_if_it_is_large_enough() -> None:
    run = entered()
    run.fill("s1", "10")
    run.end("s1")
    again = run.order("s1").volume
    run.fill("s1", "52")

    run.end("s1")

    assert again == Decimal("53.35974643")
    assert "s1" not in run.slots


def test_a_rejected_sale_stays_wanted() -> None:
    run = entered()

    run._end(run.order("tp"), OrderState.REJECTED)

    assert run.wanted.orders[0].slot == "tp"
