"""Whole staged cycles on the paper market, undisturbed and killed after any event."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.core.strategies.staged import StagedState
from tests.support.paper_bot import MIDNIGHT, make_candle, make_series, wild_series
from tests.support.staged import make_analysis, make_paper_run
from tests.support.strategy_run import PaperStrategyRun

pytestmark = pytest.mark.unit

STATE: TypeAdapter[StagedState] = TypeAdapter(StagedState)


def told(run: PaperStrategyRun[StagedState]) -> list[str]:
    """Return the fills as `time slot price`."""
    return [
        f"{fill.time - MIDNIGHT} {fill.client_id.split('-')[-2]} {fill.price}" for fill in run.fills
    ]


def test_a_cycle_buys_down_sells_up_and_the_next_one_starts() -> None:
    run = make_paper_run()

    run.walk(
        make_series(
            "3240",
            "3240 3245 3100 3110",
            "3110 3250 3105 3249",
            "3249 3249 3249 3249",
            "3249 3260 3249 3255",
            *["3255"] * 6,
        )
    )

    assert told(run) == [
        "0:00:00 s0 3240",
        "0:01:30 s1 3155",
        "0:02:30 tp 3249",
        "0:08:00 s0 3255",
    ]
    assert run.reasons == [
        "CycleStarted",
        "StageFilled",
        "StageFilled",
        "CycleClosed",
        "CycleStarted",
        "StageFilled",
    ]
    assert f"{run.state.realized:.2f}" == "6108.04"
    assert run.phase == "Holding"


def test_a_gap_over_two_stages_fills_both_and_moves_the_sale_twice() -> None:
    run = make_paper_run()

    run.walk(make_series("3240", "3000 3203 3000 3200", "3200 3206 3200 3205"))

    assert told(run) == [
        "0:00:00 s0 3240",
        "0:01:00 s1 3155",
        "0:01:00 s2 3070",
        "0:02:30 tp 3204",
    ]
    assert f"{run.state.realized:.2f}" == "9004.29"


def test_a_fall_through_all_stages_ends_in_the_stop_of_the_vector() -> None:
    run = make_paper_run(stop_loss_percent=Decimal(3))

    run.walk(make_series("3240", "3240 3240 2800 2820", "2820"))

    assert told(run) == [
        "0:00:00 s0 3240",
        "0:01:30 s1 3155",
        "0:01:30 s2 3070",
        "0:01:30 s3 2985",
        "0:01:30 s4 2900",
        "0:01:30 sl 2813",
    ]
    assert f"{run.state.realized:.8f}" == "-83222.07273915"
    assert run.phase == "Stopped"
    assert run.market.open_orders == ()
    assert run.market.armed == ()


def test_it_goes_on_an_hour_after_the_fill_of_its_stop() -> None:
    run = make_paper_run(stop_loss_percent=Decimal(3))
    candles = ["3240", "3240 3240 2800 2820", *["2820"] * 61]
    run.walk(make_series(*candles))
    paused = run.phase
    run.analysis = make_analysis("2500", data_until=MIDNIGHT + timedelta(minutes=60))

    run.walk([make_candle("2820", number=len(candles))])

    assert paused == "Idle"  # the pause is over, the price is below the old support level
    assert run.phase == "Holding"
    assert run.fills[-1].time == MIDNIGHT + timedelta(minutes=63)


def test_slippage_is_within_the_limit_of_the_first_buy() -> None:
    run = make_paper_run(slippage_ticks=1)

    run.walk(make_series("3240"))

    assert told(run) == ["0:00:00 s0 3241"]
    assert run.quote > 0


def test_the_same_bot_trades_the_same_and_another_does_not() -> None:
    candles = make_series("3240", "3240 3240 2890 2895", "2895 3000 2890 2990")
    runs = [
        make_paper_run(jitter_percent=Decimal(25)),
        make_paper_run(jitter_percent=Decimal(25)),
        make_paper_run(jitter_percent=Decimal(25), uid="bot-2"),
    ]

    for run in runs:
        run.walk(candles)

    assert told(runs[0])[:5] == [
        "0:00:00 s0 3240",
        "0:01:30 s1 3176",
        "0:01:30 s2 3056",
        "0:01:30 s3 2971",
        "0:01:30 s4 2900",
    ]
    assert runs[1].fills == runs[0].fills
    assert told(runs[2]) != told(runs[0])


@given(
    candles=wild_series(least=2, minutes=3, step=60, floor=2700),
    stop=st.sampled_from([None, Decimal(1)]),
    deaths=st.sets(st.integers(1, 80)),
)
@settings(max_examples=100)
def test_a_kill_after_any_event_changes_no_fill(
    candles: list[Candle], stop: Decimal | None, deaths: set[int]
) -> None:
    undisturbed = make_paper_run(stop_loss_percent=stop, jitter_percent=Decimal(20))
    killed = make_paper_run(stop_loss_percent=stop, jitter_percent=Decimal(20))
    killed.killed_after = lambda event: event in deaths
    killed.reborn = lambda state: STATE.validate_json(STATE.dump_json(state))

    undisturbed.walk(candles)
    killed.walk(candles)

    assert killed.fills == undisturbed.fills
    assert killed.state == undisturbed.state
    assert killed.notes == undisturbed.notes
    assert killed.state.held == killed.market.base
