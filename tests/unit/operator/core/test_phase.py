from typing import Any

import pytest

from dantaro_crds.v1alpha1.common import BotState
from dantaro_crds.v1alpha1.conditions import Phase
from dantaro_crds.wire.bot_status import EngineState
from dantaro_operator.core.observed import ProcessFacts
from dantaro_operator.core.phase import PhaseFacts, decide_phase, is_crash_looping

pytestmark = pytest.mark.unit

RUNS = {"planned": True, "running": True}


@pytest.mark.parametrize(
    ("facts", "want"),
    [
        pytest.param({"planned": False, "running": False}, Phase.PENDING, id="nothing-to-run"),
        pytest.param(
            {"planned": False, "running": False, "draining": True}, Phase.STOPPING, id="going"
        ),
        pytest.param({"planned": True, "running": False}, Phase.STARTING, id="not-up-yet"),
        pytest.param(RUNS, Phase.STARTING, id="no-report-yet"),
        pytest.param(
            {"planned": True, "running": False, "gave_up": True}, Phase.ERROR, id="crash-loop"
        ),
        pytest.param(RUNS | {"engine": EngineState.RUNNING}, Phase.RUNNING, id="trades"),
        pytest.param(
            {"planned": True, "running": False, "engine": EngineState.RUNNING},
            Phase.STARTING,
            id="old-report-of-a-dead-process",
        ),
        pytest.param(
            RUNS | {"engine": EngineState.RUNNING, "strategy": "Stopped"},
            Phase.STOPPED,
            id="grid-at-its-end",
        ),
        pytest.param(
            RUNS | {"engine": EngineState.RUNNING, "wanted": BotState.STOPPED},
            Phase.STOPPING,
            id="asked-to-stop",
        ),
        pytest.param(
            RUNS | {"engine": EngineState.IDLE, "wanted": BotState.STOPPED},
            Phase.STOPPED,
            id="stopped",
        ),
        pytest.param(RUNS | {"engine": EngineState.IDLE}, Phase.STARTING, id="asked-to-run-again"),
        pytest.param(RUNS | {"engine": EngineState.STOPPING}, Phase.STOPPING, id="cancels"),
        pytest.param(
            RUNS | {"engine": EngineState.RUNNING, "draining": True}, Phase.STOPPING, id="deleted"
        ),
        pytest.param(
            RUNS | {"engine": EngineState.RUNNING, "unready": "SymbolUnknown"},
            Phase.PENDING,
            id="unknown-market",
        ),
        pytest.param(
            RUNS | {"engine": EngineState.RUNNING, "unready": "WaitingForMarket"},
            Phase.PENDING,
            id="no-candle-yet",
        ),
        pytest.param(
            RUNS | {"engine": EngineState.RUNNING, "unready": "EngineError"},
            Phase.ERROR,
            id="gave-up",
        ),
        pytest.param(
            RUNS | {"engine": EngineState.RUNNING, "unready": "DailyLoss"},
            Phase.RUNNING,
            id="halted-bots-still-work-their-orders",
        ),
        pytest.param(
            RUNS | {"engine": EngineState.ERROR, "draining": True}, Phase.ERROR, id="error-wins"
        ),
    ],
)
def test_phase_follows_from_the_facts(facts: dict[str, Any], want: Phase) -> None:
    assert decide_phase(PhaseFacts(**facts)) is want


@pytest.mark.parametrize(("failures", "want"), [(0, False), (2, False), (3, True)])
def test_three_ends_in_a_row_are_a_crash_loop(failures: int, want: bool) -> None:
    assert is_crash_looping(ProcessFacts(failures=failures)) is want
