"""The ai strategy: acts on the decision of central's analyst, and on nothing else.

A decision counts from its time on until it is no longer valid, and with a confidence at or above
the floor. Buy opens a position, one for each decision; Sell closes it; anything else does nothing.

Source: architecture, sections 3 and 6.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from dantaro_crds.v1alpha1.strategies import AiStrategy
from dantaro_crds.values import decimal_text, utc_text
from dantaro_crds.wire.bundle import Decision
from dantaro_runtime.core.strategies.position.figures import missing_data, no_analysis
from dantaro_runtime.core.strategies.position.verdict import (
    BLIND,
    Action,
    Gate,
    Position,
    Sight,
    Verdict,
    hold,
)
from dantaro_runtime.core.strategies.protocol import Context

__all__ = ["DECISION_LIFE", "judge_decision"]

DECISION_LIFE = timedelta(minutes=15)
"""How long a decision counts that does not say so itself: three of central's periods."""


def judge_decision(parameters: AiStrategy, position: Position, context: Context) -> Verdict:
    """Return what the analyst's decision asks for, if it may be acted on."""
    analysis = context.analysis
    decision = None if analysis is None else analysis.decision
    if analysis is None or decision is None:
        gate = no_analysis() if analysis is None else missing_data(_NONE)
        return hold((gate,), code=BLIND)
    time = decision.time or analysis.data_until
    gates = (
        _fresh(decision, time, context.time),
        _known(decision),
        _sure(decision.confidence, parameters.min_confidence),
    )
    action = Action(decision.action) if decision.action in set(Action) else Action.HOLD
    sight = Sight(action=action, score=decision.confidence, of=time)
    if not all(gate.passed for gate in gates):
        return hold(gates, sight=sight)
    return Verdict(
        action=action,
        code="Decision",
        reason=f"the analyst says {action} with confidence {decimal_text(decision.confidence)}: "
        f"{decision.reason}",
        confidence=decision.confidence,
        gates=gates,
        mark=time,
        sight=sight,
    )


_NONE = "waits for a decision: central delivers none for this market"


def _fresh(decision: Decision, time: datetime, now: datetime) -> Gate:
    until = decision.valid_until or time + DECISION_LIFE
    return Gate(
        name="fresh",
        passed=time <= now < until,
        message=f"the decision of {utc_text(time)} counts until {utc_text(until)}",
    )


def _known(decision: Decision) -> Gate:
    return Gate(
        name="action",
        passed=decision.action in set(Action),
        message=f"the analyst says {decision.action}; Buy, Sell or Hold is known",
    )


def _sure(found: Decimal, floor: Decimal) -> Gate:
    return Gate(
        name="confidence",
        passed=found >= floor,
        message=f"the decision has a confidence of {decimal_text(found)}; at least "
        f"{decimal_text(floor)} is asked for",
        figures=(("confidence", found), ("floor", floor)),
    )
