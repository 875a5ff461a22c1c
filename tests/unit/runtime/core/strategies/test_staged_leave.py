"""A staged bot that takes up another market takes its money and its pauses along, nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from dantaro_runtime.core.strategies.staged import StagedState
from dantaro_runtime.core.strategies.staged_state import StagedPhase
from tests.support.staged import entered

pytestmark = pytest.mark.unit

D = Decimal


def test_nothing_is_left_during_a_cycle_and_a_sale() -> None:
    run = entered(stop_loss_percent=D(3))
    assert run.phase == "Holding"
    assert run.strategy.leave(run.state) is None
    run.fire("stop-loss", "2813")
    assert run.phase == "Stopping"
    assert run.strategy.leave(run.state) is None


def test_pauses_profit_and_cycle_go_along() -> None:
    run = entered(stop_loss_percent=D(3))
    run.fire("stop-loss", "2813")
    run.fill("sl", price="2813")
    before = run.state

    after = run.strategy.leave(before)

    assert after is not None
    assert after.realized == before.realized < 0
    assert (after.phase, after.cycle, after.cooldown_until, after.last_stop) == (
        StagedPhase.STOPPED,
        1,
        before.cooldown_until,
        before.last_stop,
    )
    assert before.cooldown_until is not None
    assert (after.plan, after.held, after.cost) == (None, D(0), D(0))
    assert run.strategy.message(after) == run.strategy.message(before)


def test_coin_that_is_left_counts_as_lost() -> None:
    run = entered()
    state = replace(
        StagedState(), phase=StagedPhase.CLOSED, cycle=3, held=D(2), cost=D(50), realized=D(70)
    )
    after = run.strategy.leave(state)
    assert after is not None
    assert (after.held, after.cost, after.realized) == (D(0), D(0), D(20))
