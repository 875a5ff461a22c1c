"""What a judge says of the market: an action, how sure it is, and the gates that led there.

A judge is a pure function; what is done with its verdict, and when it is recorded, is decided in
`trading.py` for all of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from dantaro_crds.values import decimal_text, utc_text
from dantaro_runtime.core.strategies.protocol import Action, Context

__all__ = [
    "BLIND",
    "Action",
    "Figures",
    "Gate",
    "Judge",
    "Position",
    "Sight",
    "Verdict",
    "hold",
]

P = TypeVar("P")

BLIND = "DataMissing"
"""Code of a verdict whose data gate failed: nothing could be judged."""

_PLACES = 12
"""Decimals of a figure that is stored: a share of votes would have sixty."""

_ZERO = Decimal(0)

Figures = tuple[tuple[str, Decimal], ...]
"""Names and values that a gate looked at, in the order of looking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition of an action.

    Attributes:
        name: Lower case.
        passed: Whether it holds.
        message: Half a sentence: what was compared, and what failed.
        figures: What was looked at.
    """

    name: str
    passed: bool
    message: str
    figures: Figures = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What a judge may know of the bot itself.

    Attributes:
        is_open: Whether a cycle is under way.
        acted: Mark of the last verdict that opened one; None before the first.
        seen: What the last verdict asked to remember.
    """

    is_open: bool = False
    acted: datetime | None = None
    seen: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a judge sees in the market itself, before he asks what the bot may do about it.

    Attributes:
        action: What the market speaks for, with or without a position and below any floor.
        score: How strongly, fraction 0..1; None if nothing could be seen.
        of: Open of the candle, start of the day or time of the decision that was looked at.
    """

    action: Action = Action.HOLD
    score: Decimal | None = None
    of: datetime | None = None


_NOTHING_SEEN = Sight()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a judge says at one look.

    Attributes:
        action: What it asks for.
        code: PascalCase kind of the reason, without figures: the same code is old news.
        reason: One sentence with the figures.
        confidence: Fraction 0..1.
        gates: All gates that were looked at, in order.
        mark: What a buy belongs to (open of a candle, start of a day, time of a decision): not
            more than one position is opened for each mark. None: it cannot open one.
        seen: To be remembered till the next look.
        sight: What was seen.
    """

    action: Action
    code: str
    reason: str
    confidence: Decimal = _ZERO
    gates: tuple[Gate, ...] = ()
    mark: datetime | None = None
    seen: datetime | None = None
    sight: Sight = _NOTHING_SEEN

    @property
    def key(self) -> str:
        """Return what tells news from old news."""
        return f"{self.action}:{self.code}"

    @property
    def inputs(self) -> tuple[tuple[str, str], ...]:
        """Return every gate's outcome and figures as text, to be stored with the decision."""
        return tuple(_inputs(self.mark, self.gates))


def _inputs(mark: datetime | None, gates: Iterable[Gate]) -> Iterable[tuple[str, str]]:
    if mark is not None:
        yield "mark", utc_text(mark)
    for gate in gates:
        yield gate.name, "pass" if gate.passed else f"fail: {gate.message}"
        for name, value in gate.figures:
            yield f"{gate.name}.{name}", decimal_text(round(value, _PLACES))


def hold(
    gates: tuple[Gate, ...],
    *,
    code: str = "",
    seen: datetime | None = None,
    sight: Sight = _NOTHING_SEEN,
) -> Verdict:
    """Return the verdict to do nothing, because of the first gate that failed.

    Args:
        gates: All that were looked at; one of them failed.
        code: Kind of the reason; default: `Gate` and the failed gate's name.
        seen: To be remembered till the next look.
        sight: What was seen.
    """
    failed = next(gate for gate in gates if not gate.passed)
    return Verdict(
        action=Action.HOLD,
        code=code or f"Gate{failed.name.title()}",
        reason=failed.message,
        gates=gates,
        seen=seen,
        sight=sight,
    )


Judge = Callable[[P, Position, Context], Verdict]
"""(parameters, position, context) to a verdict; pure."""
