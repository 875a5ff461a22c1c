"""One position at a time: a judge says when, a staged cycle of one stage does the rest.

The cycle (`staged*.py` beside this folder) brings the first buy with its timeout, the sale at a
profit, the stop loss, the pauses, and everything about partial fills, cancels, rejections and dust.
Here stands what is added: the verdict as the gate of a start, the sale when the judge says so, one
position for each mark, and the records of what was seen and what was decided.

Source: staged definition, section 6.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic, TypeVar

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.staged_funcs import SingleStage, to_single_stage
from dantaro_crds.values import utc_text
from dantaro_runtime.core.orders import Fill, Order
from dantaro_runtime.core.strategies.position.verdict import (
    BLIND,
    Action,
    Judge,
    Position,
    Verdict,
)
from dantaro_runtime.core.strategies.protocol import Book, Context, Note, Signal, Step, Wanted
from dantaro_runtime.core.strategies.staged import StagedState, StagedTrading
from dantaro_runtime.core.strategies.staged_moves import end_pause
from dantaro_runtime.core.strategies.staged_state import OPEN_CYCLE, StagedPhase

__all__ = ["PositionState", "PositionTrading"]

P = TypeVar("P", bound=SingleStage)

_USED = "a position was opened by it already"

_RESTING = frozenset({StagedPhase.IDLE, StagedPhase.CLOSED, StagedPhase.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionState:
    """Everything that a bot with one position remembers.

    Attributes:
        cycle: Of the staged cycle with one stage.
        acted: Mark of the last verdict that opened a position.
        seen: What the judge asked to remember.
        told: Key of the decision that was recorded last.
        reason: Its reason, with the figures of that time.
        saw: Key of the signal that was recorded last.
    """

    cycle: StagedState = field(default_factory=StagedState)
    acted: datetime | None = None
    seen: datetime | None = None
    told: str = ""
    reason: str = ""
    saw: str = ""


class PositionTrading(Generic[P]):
    """Trades one position after another; see the module's text.

    Args:
        name: Of the strategy, as in the CRD.
        judge: What decides.
        parameters: Of the object, as they are now.
    """

    def __init__(self, name: str, judge: Judge[P], parameters: P) -> None:
        self.name = name
        self._judge = judge
        self._parameters = parameters
        self._cycle = StagedTrading(
            to_single_stage(parameters), has_target=parameters.take_profit_percent is not None
        )

    def initial(self) -> PositionState:
        """Return the state of a bot that has never traded."""
        return PositionState()

    # Events

    @exact
    def on_open(self, state: PositionState, context: Context) -> Step[PositionState]:
        """Hear the judge; start a cycle or end it if he says so, else let it go on."""
        cycle = state.cycle
        position = Position(is_open=cycle.phase in OPEN_CYCLE, acted=state.acted, seen=state.seen)
        verdict = self._judge(self._parameters, position, context)
        state = replace(state, seen=verdict.seen)
        if position.is_open and verdict.action is Action.SELL:
            step = self._cycle.exit(cycle, context, reason=verdict.reason)
            return _record(state, step, verdict, is_acted=True)
        if cycle.phase not in _RESTING:
            step = self._cycle.on_open(cycle, context)
            return _record(state, step, verdict, is_acted=False)
        if verdict.action is Action.BUY and _is_new(verdict, state):
            return self._enter(state, verdict, context)
        obstacle = _USED if verdict.action is Action.BUY else ""
        step = Step(state=_rest(cycle, context))
        return _record(state, step, verdict, is_acted=False, obstacle=obstacle)

    @exact
    def on_fill(
        self, state: PositionState, order: Order, fill: Fill, context: Context
    ) -> Step[PositionState]:
        """Book one fill and go where it leads."""
        return _with(state, self._cycle.on_fill(state.cycle, order, fill, context))

    @exact
    def on_end(self, state: PositionState, order: Order, context: Context) -> Step[PositionState]:
        """Want again what is still needed after an early end."""
        return _with(state, self._cycle.on_end(state.cycle, order, context))

    @exact
    def on_trigger(self, state: PositionState, name: str, context: Context) -> Step[PositionState]:
        """Sell everything at the stop loss; the second within a day needs a person."""
        return _with(state, self._cycle.on_trigger(state.cycle, name, context))

    @exact
    def on_reset(self, state: PositionState, context: Context) -> Step[PositionState]:
        """Leave a stop at once; a verdict that was acted on stays so."""
        return _with(state, self._cycle.on_reset(state.cycle, context))

    @exact
    def on_flatten(self, state: PositionState, context: Context) -> Step[PositionState]:
        """Sell everything and stop; twice is as once."""
        return _with(state, self._cycle.on_flatten(state.cycle, context))

    @exact
    def leave(self, state: PositionState) -> PositionState | None:
        """Return the state without anything of the market; pauses and the last mark go along."""
        cycle = self._cycle.leave(state.cycle)
        return None if cycle is None else PositionState(cycle=cycle, acted=state.acted)

    # Wishes

    @exact
    def wanted(self, state: PositionState, context: Context) -> Wanted:
        """Return the sale, the buy and the stop loss of the cycle."""
        return self._cycle.wanted(state.cycle, context)

    # What it says of itself

    def cycle(self, state: PositionState) -> int:
        """Return the number of the present or last cycle, from 1; 0 before the first."""
        return self._cycle.cycle(state.cycle)

    def phase(self, state: PositionState) -> str:
        """Return the phase for people."""
        return self._cycle.phase(state.cycle)

    def book(self, state: PositionState) -> Book:
        """Return the accounting: average cost of all coin held."""
        return self._cycle.book(state.cycle)

    def is_stopped(self, state: PositionState) -> bool:
        """Return whether only a reset can make it trade again."""
        return self._cycle.is_stopped(state.cycle)

    def message(self, state: PositionState) -> str:
        """Return what keeps a cycle from starting, or that nothing can be judged."""
        is_blind = state.told.endswith(f":{BLIND}")
        if state.cycle.phase not in _RESTING and not is_blind:
            return self._cycle.message(state.cycle)
        return self._cycle.message(state.cycle) or state.reason

    # Start of a cycle

    def _enter(
        self, state: PositionState, verdict: Verdict, context: Context
    ) -> Step[PositionState]:
        step = self._cycle.on_open(state.cycle, context)
        is_acted = step.state.phase is StagedPhase.ENTERING
        if is_acted:
            state = replace(state, acted=verdict.mark)
        obstacle = "" if is_acted else self._cycle.message(step.state)
        return _record(state, step, verdict, is_acted=is_acted, obstacle=obstacle)


def _is_new(verdict: Verdict, state: PositionState) -> bool:
    return verdict.mark is not None and (state.acted is None or verdict.mark > state.acted)


def _rest(cycle: StagedState, context: Context) -> StagedState:
    """Return the state of a cycle that is not to start: its pause may be over."""
    if cycle.phase is StagedPhase.STOPPED and cycle.needs_reset:
        return cycle
    rested = end_pause(cycle, context)
    return cycle if rested is None else replace(rested, waiting=None)


def _with(state: PositionState, step: Step[StagedState]) -> Step[PositionState]:
    return Step(state=replace(state, cycle=step.state), notes=step.notes)


def _record(
    state: PositionState,
    step: Step[StagedState],
    verdict: Verdict,
    *,
    is_acted: bool,
    obstacle: str = "",
) -> Step[PositionState]:
    """Return the step with what was seen and what was decided, each only if it is news."""
    because = f"; not acted on: {obstacle}" if obstacle else ""
    message = f"{verdict.reason}{because}"
    state, signal = _see(replace(state, cycle=step.state), verdict, message, is_acted=is_acted)
    key = verdict.key
    if obstacle:
        # Each chance that was missed is worth a record of its own.
        key = f"{verdict.mark}:{key}"
    if key == state.told and not is_acted:
        return Step(state=state, notes=step.notes, signal=signal)
    note = Note(
        reason=verdict.action.value,
        message=message,
        confidence=verdict.confidence,
        inputs=verdict.inputs,
        acted=is_acted,
    )
    state = replace(state, told=key, reason=verdict.reason)
    return Step(state=state, notes=(note, *step.notes), signal=signal)


def _see(
    state: PositionState, verdict: Verdict, message: str, *, is_acted: bool
) -> tuple[PositionState, Signal | None]:
    """Return the signal of this look, once for each candle and each way that it was judged."""
    sight = verdict.sight
    key = f"{sight.of}:{sight.action}:{verdict.key}"
    if key == state.saw and not is_acted:
        return state, None
    of = () if sight.of is None else (("of", utc_text(sight.of)),)
    decision = (("decision", verdict.action.value), ("reason", message))
    signal = Signal(action=sight.action, score=sight.score, meta=(*of, *decision, *verdict.inputs))
    return replace(state, saw=key), signal
