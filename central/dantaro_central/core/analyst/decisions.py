"""What an analyst says, and what is kept of it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from dantaro_central.core.analyst.inputs import Inputs, inputs_json
from dantaro_crds.values import Interval

__all__ = ["ZERO", "Advice", "AdviceAction", "MadeDecision", "decide", "hold", "valid_until"]

ZERO = Decimal(0)

_GRACE = 4
"""A decision outlives the close of the next candle by this part of an interval (1 / 4)."""


class AdviceAction(StrEnum):
    """What to do."""

    BUY = "Buy"
    SELL = "Sell"
    HOLD = "Hold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The answer of an analyst.

    Attributes:
        action: What to do.
        confidence: Fraction 0..1.
        reason: One sentence.
        latency_ms: Wall time that it took, milliseconds.
        cost: US dollars.
    """

    action: AdviceAction
    confidence: Decimal
    reason: str
    latency_ms: int = 0
    cost: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeDecision:
    """A decision as it is stored; one for each market and closed candle.

    Attributes:
        symbol: The market.
        data_until: Close of the candle that it is on.
        available: Market time from which it counts: analyses before it do not hold it.
        valid_until: Market time from which it is not acted on.
        model: `rules`, or the name of a language model.
        prompt: Version of the rule table or of the prompt.
        inputs: What the analyst was told, JSON.
        advice: What it said.
    """

    symbol: str
    data_until: datetime
    available: datetime
    valid_until: datetime
    model: str
    prompt: str
    inputs: str
    advice: Advice


def hold(reason: str, *, latency_ms: int = 0, cost: Decimal = ZERO) -> Advice:
    """Return the advice to do nothing, for want of a better one."""
    return Advice(
        action=AdviceAction.HOLD,
        confidence=ZERO,
        reason=reason,
        latency_ms=latency_ms,
        cost=cost,
    )


def valid_until(closed: datetime, interval: Interval) -> datetime:
    """Return when a decision ends: a quarter of an interval after the next candle closed.

    Args:
        closed: Close of the candle that it is on.
        interval: Length of the candle.
    """
    return closed + interval.span + interval.span / _GRACE


def decide(
    inputs: Inputs, advice: Advice, *, available: datetime, model: str, prompt: str
) -> MadeDecision:
    """Return the decision that an advice makes."""
    return MadeDecision(
        symbol=inputs.symbol,
        data_until=inputs.closed,
        available=available,
        valid_until=valid_until(inputs.closed, inputs.interval),
        model=model,
        prompt=prompt,
        inputs=inputs_json(inputs),
        advice=advice,
    )
