"""Whole positions on the paper market, from the verdict to the pause after the sale."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle
from dantaro_runtime.core.strategies.position.trading import PositionState
from dantaro_runtime.core.strategies.protocol import Action
from tests.support.indicators import analyses
from tests.support.paper_bot import MIDNIGHT, make_candle
from tests.support.positions import (
    BUY,
    SELL,
    breakout_values,
    make_decision,
    make_indicators,
    make_position_paper_run,
)
from tests.support.replay import Replay
from tests.support.strategy_run import PaperStrategyRun

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)
DAY = 1440

Script = dict[int, Analysis | None]
"""From minutes after midnight to what is known from then on."""


def walk(run: PaperStrategyRun[PositionState], script: Script, candles: Iterable[Candle]) -> None:
    """Go through candles; an analysis is in force from its minute on."""
    for candle in candles:
        minute = (candle.time - MIDNIGHT) // MINUTE
        run.analysis = script[max(number for number in script if number <= minute)]
        run.walk([candle])


def flat(price: str, *numbers: int) -> list[Candle]:
    """Return candles that stand still."""
    return [make_candle(price, number) for number in numbers]


def told(run: PaperStrategyRun[PositionState]) -> list[str]:
    """Return the fills as `time slot price`."""
    return [
        f"{fill.time - MIDNIGHT} {fill.client_id.split('-')[-2]} {fill.price}" for fill in run.fills
    ]


def at(minute: int, values: dict[Any, str]) -> Analysis:
    """Return the indicators of a candle that closed at a minute."""
    return make_indicators(MIDNIGHT + minute * MINUTE, values)


def test_a_vote_buys_at_the_open_after_its_candle_and_a_vote_sells() -> None:
    run = make_position_paper_run("signal")

    walk(
        run,
        {0: at(0, {}), 15: at(15, BUY), 30: at(30, {}), 45: at(45, SELL)},
        flat("3240", *range(40)) + flat("3300", *range(40, 55)),
    )

    assert told(run) == ["0:15:00 s0 3241", "0:45:00 sl 3299"]
    # 999,500 / 3241 = 308.39247145 of coin, x (3299 x 0.9995 - 3241 x 1.0005)
    assert f"{run.state.cycle.realized:.2f}" == f"{run.quote - 1_000_000:.2f}" == "16878.32"
    assert run.reasons == [
        "Hold",
        "Buy",
        "CycleStarted",
        "StageFilled",
        "Hold",
        "Sell",
        "SellingAll",
        "CycleClosed",
        "Hold",
    ]
    assert run.phase == "Idle"


def test_take_profit_fills_inside_a_candle_and_the_stop_on_its_way_down() -> None:
    up = make_position_paper_run("ai", take_profit_percent="1", stop_loss_percent="2")
    down = make_position_paper_run("ai", take_profit_percent="1", stop_loss_percent="2")
    script: Script = {0: make_decision("Buy", data_until=MIDNIGHT), 1: None}

    walk(up, script, [*flat("3240", 0), make_candle("3240 3300 3240 3290", 1)])
    walk(down, script, [*flat("3240", 0), make_candle("3240 3300 3100 3290", 1)])

    assert told(up) == ["0:00:00 s0 3241", "0:01:30 tp 3277"]
    assert told(down) == ["0:00:00 s0 3241", "0:01:15 sl 3174"]
    assert (up.phase, down.phase) == ("Closed", "Stopped")


def test_a_breakout_is_bought_once_and_sold_at_the_next_open() -> None:
    run = make_position_paper_run("breakout")
    later = {0: at(60, breakout_values()), DAY: None, DAY + 5: at(DAY + 5, breakout_values())}

    walk(
        run,
        later,
        [*flat("3290", 60), *flat("3320", 61), *flat("3500", 62, DAY - 1, DAY, DAY + 1)],
    )

    assert told(run) == ["1:01:00 s0 3321", "1 day, 0:00:00 sl 3499"]


def test_a_market_that_breaks_out_of_its_quiet_is_bought_by_its_own_indicators() -> None:
    """Two days of candles through the plain indicators, no figure put in by hand."""
    candles = list(quiet_then_up())
    known = {a.data_until: a for a in analyses(candles, Interval.M15)}
    script: Script = {0: None}
    for time, analysis in known.items():
        script[(time - MIDNIGHT) // MINUTE] = analysis
    run = make_position_paper_run("breakout")

    walk(run, script, candles)

    assert [fill.client_id.split("-")[-2] for fill in run.fills] == ["s0", "sl"]
    bought, sold = run.fills
    assert bought.time - MIDNIGHT == (DAY + 600 + 15) * MINUTE
    assert sold.time - MIDNIGHT == 2 * DAY * MINUTE


def quiet_then_up() -> Iterable[Candle]:
    """Return a day with a wide range, a quiet one that rises from 10:00, and a third's start."""
    for number in range(2 * DAY + 10):
        volume = "1"
        if number < DAY:
            prices = "3200 3250 3150 3200" if number == 700 else "3200 3202 3198 3200"
        elif number < DAY + 600:
            # Lows and highs are wide, closes stand still: the bands are inside the channel.
            prices = "3200 3202 3198 3200"
        elif number < DAY + 615:
            step = 3200 + 4 * (number - DAY - 600)
            prices, volume = f"{step} {step + 4} {step} {step + 4}", "5"
        else:
            prices = "3261 3262 3260 3261"
        yield make_candle(prices, number, volume=volume)


def test_a_desk_keeps_what_was_seen_with_the_market_time() -> None:
    bot = Replay(StrategyConfig.model_validate({"ai": {}}), Decimal(1_000_000))
    words = {0: "Hold", 5: "Buy", 10: "Sell"}
    bot.walk(
        flat("3240", *range(15)),
        [make_decision(w, "0.8", data_until=MIDNIGHT + n * MINUTE) for n, w in words.items()],
    )
    seen = [((time - MIDNIGHT) // MINUTE, signal.action) for time, signal in bot.signals]
    assert dict(seen) == {minute: Action(word) for minute, word in words.items()}
