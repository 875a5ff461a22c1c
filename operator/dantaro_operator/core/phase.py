"""The phase: one word for a person, from engine state, strategy state and what is wished."""

from dataclasses import dataclass

from dantaro_crds.v1alpha1.common import BotState
from dantaro_crds.v1alpha1.conditions import Phase, Reason
from dantaro_crds.wire.bot_status import BotReport, EngineState
from dantaro_operator.core.observed import BotObserved, ProcessFacts
from dantaro_operator.core.plan import Plan

__all__ = ["CRASH_LOOP_FAILURES", "PhaseFacts", "decide_phase", "is_crash_looping", "phase_facts"]

CRASH_LOOP_FAILURES = 3
"""After so many ends in a row a restart is no hope but a habit."""

STRATEGY_STOPPED = "Stopped"
"""Strategy state of a grid that came to its end: stop loss or take profit."""

_NO_CANDLE = "WaitingForMarket"

_WAITS_FOR_MARKET = frozenset({Reason.SYMBOL_UNKNOWN.value, _NO_CANDLE})
"""Causes by which a bot says that it has no market to trade."""

_ENGINE_FAILED = frozenset({Reason.ENGINE_ERROR.value, "Error"})
"""Causes by which a bot says that it gave up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseFacts:
    """Everything that the phase depends on.

    Attributes:
        planned: Whether there is something to run.
        running: Whether its process runs.
        gave_up: Whether its process ends again and again, or cannot read its configuration.
        engine: State of the engine; None before the first report of this process.
        strategy: State of the strategy, PascalCase; empty before the first report.
        unready: Why the bot itself says that it is not ready, PascalCase; empty when it is.
        wanted: What the user wants.
        draining: Whether the object is being deleted.
        last: Phase of a process that answered before and is silent now; None unless that is so.
    """

    planned: bool
    running: bool
    gave_up: bool = False
    engine: EngineState | None = None
    strategy: str = ""
    unready: str = ""
    wanted: BotState = BotState.RUNNING
    draining: bool = False
    last: Phase | None = None


def phase_facts(
    plan: Plan,
    observed: BotObserved,
    *,
    wanted: BotState,
    draining: bool,
    last: Phase | None = None,
) -> PhaseFacts:
    """Return what the phase depends on.

    Args:
        plan: What was decided.
        observed: What exists.
        wanted: What the user wants.
        draining: Whether the object is being deleted.
        last: Phase when it was last heard of; None if it never was.
    """
    report = observed.current
    process = observed.process
    return PhaseFacts(
        planned=plan.workload is not None,
        running=process.running,
        gave_up=bool(process.blocked) or is_crash_looping(process),
        engine=report.engine_state if report else None,
        strategy=report.strategy_state if report else "",
        unready=_unready(report) if report else "",
        wanted=wanted,
        draining=draining,
        last=last if observed.silent else None,
    )


def _unready(report: BotReport) -> str:
    """Return why a bot is not ready; before a candle it waits for its market, whatever it says."""
    if report.ready.ok:
        return ""
    has_cause = report.market_time is not None or report.ready.reason in _ENGINE_FAILED
    return report.ready.reason if has_cause else _NO_CANDLE


def is_crash_looping(process: ProcessFacts) -> bool:
    """Return whether a process ends again and again."""
    return process.failures >= CRASH_LOOP_FAILURES


def decide_phase(facts: PhaseFacts) -> Phase:
    """Return the phase."""
    if not facts.planned:
        return Phase.STOPPING if facts.draining else Phase.PENDING
    if facts.engine is None or not facts.running:
        return _quiet_phase(facts)
    return _engine_phase(facts, facts.engine)


def _quiet_phase(facts: PhaseFacts) -> Phase:
    """Return the phase of a process that says nothing."""
    if facts.gave_up:
        return Phase.ERROR
    if facts.draining:
        return Phase.STOPPING
    return facts.last if facts.running and facts.last is not None else Phase.STARTING


def _engine_phase(facts: PhaseFacts, engine: EngineState) -> Phase:
    if engine is EngineState.ERROR or facts.unready in _ENGINE_FAILED:
        return Phase.ERROR
    if facts.draining or engine is EngineState.STOPPING:
        return Phase.STOPPING
    if engine is EngineState.IDLE:
        return Phase.STOPPED if facts.wanted is BotState.STOPPED else Phase.STARTING
    if facts.wanted is BotState.STOPPED:
        return Phase.STOPPING
    if facts.strategy == STRATEGY_STOPPED:
        return Phase.STOPPED
    return Phase.PENDING if facts.unready in _WAITS_FOR_MARKET else Phase.RUNNING
