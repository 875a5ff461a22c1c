"""What holds for a staged bot after any events."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import Sizing, Spacing
from dantaro_runtime.core.strategies.staged import StagedState
from tests.support.staged import (
    make_analysis,
    make_hand_run,
    target_price,
)
from tests.support.strategy_run import HandRun

pytestmark = pytest.mark.unit

F = Decimal("0.0005")

STAGES = ["s0", "s1", "s2", "s3", "s4"]

MINUTE = timedelta(minutes=1)

STATE: TypeAdapter[StagedState] = TypeAdapter(StagedState)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["fill", "part", "end", "open", "fire", "flatten", "reset"]),
        st.integers(0, 5),
        st.integers(1, 99),
        st.integers(2700, 3400),
    ),
    max_size=40,
)


def play(
    run: HandRun[StagedState], events: list[tuple[str, int, int, int]], *, reborn: bool = False
) -> None:
    """Carry out events, those of orders on whatever is live."""
    for kind, number, percent, price in events:
        if reborn:
            run.state = STATE.validate_json(STATE.dump_json(run.state))
        live = list(run.orders.values())
        match kind:
            case "open":
                run.analysis = make_analysis(data_until=run.time)
                run.open(after=percent * MINUTE, last=str(price))
            case "fire" if run.wanted.triggers:
                run.fire("stop-loss", str(run.wanted.triggers[0].price))
            case "flatten" if percent > 90:
                run.flatten()
            case "reset":
                run.reset()
            case "fill" | "part" | "end" if live:
                order = live[number % len(live)]
                part = run.rules.floor_volume(order.remaining * percent / 100)
                if kind == "end":
                    run.end(order.slot)
                elif kind == "fill" or not part:
                    run.fill(order.slot, price=None if order.price else str(run.last))
                else:
                    at = None if order.price else str(run.last)
                    run.fill(order.slot, str(part), price=at)
            case _:
                pass


@given(events=EVENTS, slow=st.booleans(), stop=st.sampled_from([None, Decimal(2)]))
@settings(max_examples=150)
def test_bought_less_sold_is_held_after_any_events(
    events: list[tuple[str, int, int, int]], slow: bool, stop: Decimal | None
) -> None:
    run = make_hand_run(slow=slow, stop_loss_percent=stop)

    play(run, [("open", 0, 1, 3240), ("fill", 0, 0, 0), *events])

    assert run.state.held == run.base
    sold = sum(order.remaining for order in run.orders.values() if order.side == "Sell")
    live_sales = [slot for slot in run.slots if slot in {"tp", "sl"}]
    assert len(live_sales) <= (2 if slow else 1)
    if not slow:
        assert sold <= run.base


@given(events=EVENTS, stop=st.sampled_from([None, Decimal(2)]))
@settings(max_examples=100)
def test_a_state_read_back_after_each_event_changes_nothing(
    events: list[tuple[str, int, int, int]], stop: Decimal | None
) -> None:
    events = [("open", 0, 1, 3240), ("fill", 0, 0, 0), *events]
    undisturbed = make_hand_run(stop_loss_percent=stop, jitter_percent=Decimal(25))
    killed = make_hand_run(stop_loss_percent=stop, jitter_percent=Decimal(25))

    play(undisturbed, events)
    play(killed, events, reborn=True)

    assert killed.fills == undisturbed.fills
    assert killed.state == undisturbed.state
    assert killed.notes == undisturbed.notes


@exact
def gain(run: HandRun[StagedState], price: Decimal) -> Decimal:
    """Return the net of a sale of all at a price, as a part of the cost."""
    return run.state.held * price * (1 - F) / run.state.cost - 1


@given(
    sizing=st.sampled_from(Sizing),
    spacing=st.sampled_from(Spacing),
    percent=st.sampled_from([Decimal("0.3"), Decimal("1.5"), Decimal(8)]),
    last=st.integers(1500, 4500),
    depth=st.integers(5, 60),
)
@settings(max_examples=100)
def test_each_stage_lowers_the_average_and_the_target_earns_what_was_asked(
    sizing: Sizing, spacing: Spacing, percent: Decimal, last: int, depth: int
) -> None:
    run = make_hand_run(last=str(last), sizing=sizing, spacing=spacing, take_profit_percent=percent)
    run.analysis = make_analysis(str(last * (100 - depth) // 100))
    run.open()
    averages, targets = [], []
    for slot in STAGES:
        run.fill(slot)
        averages.append(run.state.cost / run.state.held)
        targets.append(target_price(run))
        tick = run.rules.ticks.tick(targets[-1])
        assert gain(run, targets[-1]) >= percent / 100
        assert gain(run, targets[-1] - tick) < percent / 100

    assert averages == sorted(averages, reverse=True)
    assert len(set(averages)) == 5
    assert targets == sorted(targets, reverse=True)
