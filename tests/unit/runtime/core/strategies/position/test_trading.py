"""One position from its verdict to its end, against a venue that the test moves by hand."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis
from dantaro_runtime.core.orders import OrderState, Side
from dantaro_runtime.core.strategies.position.trading import PositionState
from dantaro_runtime.core.strategies.protocol import Action, Level
from dantaro_runtime.core.strategies.registry import find_strategy
from tests.support.positions import (
    BUY,
    SELL,
    STATE,
    breakout_values,
    make_decision,
    make_indicators,
    make_position_run,
    reborn,
)
from tests.support.strategy_run import START, HandRun

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)


def look(run: HandRun[PositionState], values: dict[Any, str] | None = None, after: int = 0) -> None:
    """Let minutes pass and show a new candle that closed just then."""
    run.analysis = make_indicators(run.time + after * MINUTE, values)
    run.open(after=after * MINUTE)


def bought(**fields: Any) -> HandRun[PositionState]:
    """Return a signal bot that holds a position since START."""
    run = make_position_run("signal", **fields)
    look(run, BUY)
    run.fill("s0")
    return run


def decisions(run: HandRun[PositionState]) -> list[tuple[str, bool]]:
    """Return what was decided, and whether it was acted on."""
    return [
        (note.reason, note.acted) for note in run.notes if note.reason in {"Buy", "Sell", "Hold"}
    ]


def test_every_strategy_of_a_configuration_has_its_code() -> None:
    for name in StrategyConfig.model_fields:
        fields = {"lower_price": "1", "upper_price": "2", "grids": 2} if name == "grid" else {}
        entry, parameters = find_strategy(StrategyConfig.model_validate({name: fields}))
        strategy = entry.build(parameters)
        assert strategy.name == name
        assert isinstance(strategy.initial(), entry.state_type)


def test_a_buy_verdict_sends_one_buy_a_few_ticks_above_the_price() -> None:
    run = make_position_run("signal", analysis=make_indicators(values=BUY))
    run.slippage_ticks = 2

    run.open()

    order = run.order("s0")
    assert (order.side, order.price, run.slots) == (Side.BUY, Decimal(3242), ["s0"])
    assert order.volume * Decimal(3242) * Decimal("1.0005") <= 1_000_000
    assert run.phase == "Entering"


def test_without_a_verdict_nothing_is_wanted() -> None:
    run = make_position_run("signal")
    look(run)
    assert (run.slots, run.phase, run.wanted.triggers) == ([], "Idle", ())


@pytest.mark.parametrize(
    ("name", "analysis", "want"),
    [
        pytest.param("signal", None, "waits for an analysis that is fresh enough", id="signal"),
        pytest.param(
            "breakout",
            Analysis(data_until=START),
            "waits for indicators: central delivers none for this market",
            id="breakout",
        ),
        pytest.param(
            "ai",
            Analysis(data_until=START),
            "waits for a decision: central delivers none for this market",
            id="ai",
        ),
    ],
)
def test_a_bot_without_data_says_what_it_waits_for_and_says_it_once(
    name: str, analysis: Analysis | None, want: str
) -> None:
    run = make_position_run(name, analysis=analysis)

    for _ in range(5):
        run.open(after=MINUTE)

    assert run.strategy.message(run.state) == want
    assert decisions(run) == [("Hold", False)]
    assert not run.strategy.is_stopped(run.state)


def test_a_sell_verdict_sells_at_market_and_pauses_as_after_a_cycle() -> None:
    run = bought()
    look(run, SELL, after=15)
    assert run.slots == ["sl"]
    assert run.order("sl").price is None

    run.fill("sl", price="3300")

    assert run.phase == "Closed"
    assert run.base == 0
    assert run.state.cycle.cooldown_until == run.time + 5 * MINUTE
    assert run.state.cycle.realized == run.quote - run.money
    assert run.reasons[-2:] == ["SellingAll", "CycleClosed"]
    assert {note.level for note in run.notes} == {Level.INFO}


def test_the_stop_loss_sells_and_pauses_for_an_hour_and_the_second_needs_a_person() -> None:
    run = bought(stop_loss_percent="2")
    [trigger] = run.wanted.triggers
    assert trigger.price == 3175  # 3240 x 0.98 = 3175.2

    run.fire("stop-loss", "3175")
    run.fill("sl", price="3175")
    assert run.phase == "Stopped"
    assert run.state.cycle.cooldown_until == run.time + 60 * MINUTE

    look(run, BUY, after=59)
    assert run.slots == []
    look(run, BUY, after=1)
    assert run.slots == ["s0"]
    run.fill("s0")
    run.fire("stop-loss", "3100")
    run.fill("sl", price="3100")
    assert run.strategy.is_stopped(run.state)
    look(run, BUY, after=600)
    assert run.slots == []
    run.reset()
    look(run, BUY, after=15)
    assert run.slots == ["s0"]


def test_the_take_profit_rests_net_of_both_fees() -> None:
    run = bought(take_profit_percent="3")
    order = run.order("tp")
    price = order.price
    assert price is not None
    gain = order.volume * price * Decimal("0.9995") / run.state.cycle.cost - 1
    below = order.volume * (price - 1) * Decimal("0.9995") / run.state.cycle.cost - 1
    assert below < Decimal("0.03") <= gain

    run.fill("tp")

    assert (run.phase, str(run.base)) == ("Closed", "0E-8")


def test_without_take_profit_and_stop_loss_only_the_verdict_sells() -> None:
    run = bought()
    assert (run.slots, run.wanted.triggers, run.phase) == ([], (), "Holding")
    look(run, BUY, after=15)
    look(run, {}, after=15)
    assert (run.slots, run.phase) == ([], "Holding")


def test_a_sale_in_part_is_sold_out_and_a_rejected_one_is_sent_again() -> None:
    run = bought()
    look(run, SELL, after=15)
    run.fill("sl", "100", price="3200")
    run.end("sl", OrderState.REJECTED)
    assert run.order("sl").volume == run.base
    run.fill("sl", price="3200")
    assert (run.phase, str(run.base)) == ("Closed", "0E-8")


def test_a_sell_verdict_takes_back_a_buy_that_did_not_fill() -> None:
    run = make_position_run("signal")
    look(run, BUY)
    run.analysis = make_indicators(run.time + MINUTE, SELL)
    # Entering counts as open, so the votes to sell are asked.
    run.open(after=MINUTE)
    assert run.phase == "Closed"
    assert (run.slots, run.orders) == ([], {})
    assert run.quote == run.money


@pytest.mark.parametrize("slow", [False, True])
def test_a_buy_filled_in_part_while_it_is_taken_back_is_sold(slow: bool) -> None:
    run = make_position_run("signal", slow=slow)
    look(run, BUY)
    run.fill("s0", "50")
    look(run, SELL, after=1)
    if slow:
        assert run.slots[0] == "s0"
        run.fill("s0", "10")
        run.end("s0")
    assert run.slots == ["sl"]
    run.fill("sl", price="3240")
    assert (run.phase, str(run.base)) == ("Closed", "0E-8")


def test_coin_too_little_to_be_sold_is_carried_into_the_next_cycle() -> None:
    run = make_position_run("signal")
    look(run, BUY)
    run.fill("s0", "1")  # 3240 < 5000
    look(run, SELL, after=1)
    assert (run.phase, str(run.base)) == ("Closed", "1")
    assert run.slots == []

    look(run, BUY, after=15)
    run.fill("s0")
    look(run, SELL, after=15)
    run.fill("sl", price="3300")
    assert run.base == 0
    assert run.state.cycle.realized == run.quote - run.money


def test_a_first_buy_that_does_not_fill_ends_after_ten_minutes_for_nothing() -> None:
    run = make_position_run("signal")
    look(run, BUY)
    run.open(after=10 * MINUTE)
    assert (run.slots, run.phase, run.quote) == ([], "Idle", run.money)
    run.open(after=4 * MINUTE)
    assert run.slots == []  # the candle was acted on


def test_one_entry_for_each_candle_also_after_a_restart() -> None:
    run = bought(take_profit_percent="1")
    run.fill("tp")
    for _ in range(6):
        run.state = reborn(run.state)
        run.open(after=MINUTE)
        assert run.slots == []
    assert run.strategy.cycle(run.state) == 1
    assert decisions(run) == [("Buy", True), ("Buy", False)]
    assert run.notes[-1].message.endswith("not acted on: a position was opened by it already")

    look(run, BUY, after=15)
    assert run.strategy.cycle(run.state) == 2


def test_a_verdict_during_a_pause_is_recorded_and_acted_on_after_it() -> None:
    run = bought(take_profit_percent="1")
    run.fill("tp")
    look(run, BUY, after=4)
    assert run.slots == []
    assert decisions(run)[-1] == ("Buy", False)
    assert (
        "not acted on: the next cycle may start from 2026-01-01T00:05:00Z" in run.notes[-1].message
    )
    run.open(after=MINUTE)
    assert run.slots == ["s0"]
    assert decisions(run)[-1] == ("Buy", True)


def test_what_keeps_a_buy_from_starting_is_told() -> None:
    run = make_position_run("signal", money="5000")
    look(run, BUY)
    assert run.slots == []
    assert run.strategy.message(run.state) == (
        "the buy must be worth at least 5000: the budget must be at least 5004, was 5000"
    )
    assert decisions(run) == [("Buy", False)]

    barred = make_position_run("signal")
    barred.entries_allowed = False
    look(barred, BUY)
    assert barred.slots == []
    assert barred.strategy.message(barred.state) == "new entries are not allowed at present"
    barred.entries_allowed = True
    barred.open(after=MINUTE)
    assert barred.slots == ["s0"]


def test_the_same_verdict_is_recorded_once_and_each_change_again() -> None:
    run = make_position_run("signal")
    for minute in (0, 1, 1, 1):
        run.open(after=minute * MINUTE)
    for _ in range(3):
        look(run, {}, after=15)
    run.analysis = None
    run.open(after=MINUTE)
    assert [note.message.split()[0] for note in run.notes] == ["waits", "0", "waits"]


def test_a_decision_is_recorded_with_its_confidence_and_inputs() -> None:
    run = make_position_run("ai", analysis=make_decision("Buy", "0.65"))
    run.open()
    run.analysis = make_decision("Buy", "0.75", data_until=START)
    run.open(after=MINUTE)

    refused, acted = run.notes[0], run.notes[1]
    assert (refused.reason, refused.acted) == ("Hold", False)
    assert dict(refused.inputs)["confidence.floor"] == "0.7"
    assert (acted.reason, acted.acted, acted.confidence) == ("Buy", True, Decimal("0.75"))


def test_ai_sells_on_its_word_and_opens_one_position_for_each_decision() -> None:
    run = make_position_run("ai", analysis=make_decision("Buy"))
    run.open()
    run.fill("s0")
    run.analysis = make_decision("Sell", "0.69", data_until=START + 5 * MINUTE)
    run.open(after=5 * MINUTE)
    assert run.slots == []
    run.analysis = make_decision("Sell", "0.7", data_until=START + 10 * MINUTE)
    run.open(after=5 * MINUTE)
    run.fill("sl", price="3300")
    run.analysis = make_decision("Buy", time=START, valid_until=START + 60 * MINUTE)
    run.open(after=10 * MINUTE)
    assert run.slots == []


def test_a_breakout_is_held_till_the_next_days_open() -> None:
    run = make_position_run("breakout", last="3300", time=START + 60 * MINUTE)
    run.analysis = make_indicators(run.time, breakout_values())
    run.open()
    run.fill("s0")
    run.analysis = None
    run.open(after=timedelta(hours=22, minutes=59))
    assert (run.phase, run.slots) == ("Holding", [])
    run.open(after=MINUTE)
    assert run.slots == ["sl"]
    run.fill("sl", price="3400")
    assert run.phase == "Closed"
    assert "the day of the breakout of 2026-01-01 is over" in run.notes[-1].message


def test_flatten_sells_and_stops_and_twice_is_as_once() -> None:
    run = bought(take_profit_percent="3")
    run.flatten()
    once = run.state
    run.flatten()
    assert (run.state, run.slots) == (once, ["sl"])
    run.fill("sl", price="3200")
    assert run.strategy.is_stopped(run.state)


def test_flatten_during_the_sale_of_an_exit_stops() -> None:
    run = bought()
    look(run, SELL, after=15)
    run.flatten()
    run.fill("sl", price="3200")
    assert run.strategy.is_stopped(run.state)


def test_another_market_is_taken_up_only_between_two_positions() -> None:
    run = bought()
    assert run.strategy.leave(run.state) is None
    look(run, SELL, after=15)
    assert run.strategy.leave(run.state) is None
    run.fill("sl", price="3300")
    left = run.strategy.leave(run.state)
    assert left is not None
    assert (left.acted, left.told) == (run.state.acted, "")
    assert left.cycle.cooldown_until == run.time + 5 * MINUTE


def test_new_parameters_of_the_cycle_wait_and_say_so() -> None:
    run = bought()
    run.strategy = make_position_run("signal", take_profit_percent="1.5").strategy
    run.open(after=MINUTE)
    assert run.slots == []
    assert run.strategy.message(run.state) == "the new parameters take effect with the next cycle"


def test_a_position_that_cannot_be_judged_says_so_and_stays() -> None:
    run = bought()
    run.analysis = None
    run.open(after=MINUTE)
    assert run.phase == "Holding"
    assert run.strategy.message(run.state) == "waits for an analysis that is fresh enough"


def test_a_staged_state_that_was_stored_before_there_were_exits_is_read() -> None:
    run = bought(take_profit_percent="3")
    stored = json.loads(STATE.dump_json(run.state))
    del stored["cycle"]["is_exit"]
    del stored["cycle"]["plan"]["has_target"]
    assert STATE.validate_python(json.loads(json.dumps(stored)), strict=False) == run.state


def test_what_is_seen_is_told_once_for_each_candle_with_what_the_bot_made_of_it() -> None:
    run = bought()
    look(run, SELL, after=15)
    run.fill("sl", price="3240")
    run.time += MINUTE
    run.analysis = make_indicators(run.time, BUY)

    step = run.strategy.on_open(run.state, run.context())
    again = run.strategy.on_open(step.state, run.context())

    assert step.signal is not None
    assert (step.signal.action, step.signal.score) == (Action.BUY, Decimal("0.5"))
    told = dict(step.signal.meta)
    assert (told["of"], told["decision"]) == ("2026-01-01T00:01:00Z", "Buy")
    assert "; not acted on: " in told["reason"]
    assert told["votes.rsi"] == "1"
    assert again.signal is None
