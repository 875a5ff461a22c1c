"""What a staged bot remembers. Plain values only; the decisions are in the modules beside."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from dantaro_crds.v1alpha1.strategies import StagedStrategy

__all__ = [
    "OPEN_CYCLE",
    "SALE",
    "TAKE_PROFIT",
    "Stage",
    "StagedPhase",
    "StagedPlan",
    "StagedState",
    "Target",
    "Waiting",
    "has_bought",
    "stage_number",
    "stage_slot",
]

TAKE_PROFIT = "tp"
"""Slot of the sale at a profit."""

SALE = "sl"
"""Slot of the sale of everything at market: stop loss, or to flatten."""

_ZERO = Decimal(0)


class StagedPhase(StrEnum):
    """Where a cycle stands."""

    IDLE = "Idle"
    """No cycle: waits for a reason to start one."""
    ENTERING = "Entering"
    """The first buy is wanted."""
    HOLDING = "Holding"
    """The remaining buys and the sale at a profit are wanted."""
    EXITING = "Exiting"
    """The sale at a profit has begun: nothing is bought any more in this cycle."""
    CLOSED = "Closed"
    """Sold at a profit; the next cycle waits for the cooldown."""
    STOPPING = "Stopping"
    """Everything is being cancelled and sold at market."""
    STOPPED = "Stopped"
    """Sold at market; goes on after the cooldown, or only after a reset."""


OPEN_CYCLE = frozenset({StagedPhase.ENTERING, StagedPhase.HOLDING, StagedPhase.EXITING})
"""Phases with orders of a plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedPlan:
    """The plan of one cycle; drawn once, then only read.

    Attributes:
        parameters: What it was planned by; the object's may be newer.
        budget: Quote currency, fees included.
        reference: Price that the stages start from, on a tick.
        support: Support level that they end at; None with one stage.
        entry: Limit of the first buy.
        prices: Falling, one per stage; the first buy is limited to `entry` instead.
        volumes: Base currency, one per stage.
        stop: Price of the stop loss; None without one.
        started: Market time of the plan.
        has_target: Whether all is sold at the parameters' profit; else only a stop or exit sells.
    """

    parameters: StagedStrategy
    budget: Decimal
    reference: Decimal
    support: Decimal | None
    entry: Decimal
    prices: tuple[Decimal, ...]
    volumes: tuple[Decimal, ...]
    stop: Decimal | None
    started: datetime
    has_target: bool = True

    def limit(self, number: int) -> Decimal:
        """Return the limit of a stage's buy, quote currency."""
        return self.prices[number] if number else self.entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How far one stage is.

    Attributes:
        filled: Base currency bought.
        done: Part of it by an order that is still open, base currency.
    """

    filled: Decimal = _ZERO
    done: Decimal = _ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The sale at a profit.

    Attributes:
        price: Limit, quote currency.
        volume: Base currency that the order is for.
        done: Executed part, base currency.
        since: Market time from which it is wanted.
    """

    price: Decimal
    volume: Decimal
    done: Decimal = _ZERO
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why no cycle starts.

    Attributes:
        code: PascalCase.
        message: One sentence with the figures of the first time.
        by_analysis: Whether only another analysis can end it.
        data_until: Of the analysis that was looked at; None without one.
        parameters: What could not be started.
        budget: With what, quote currency.
    """

    code: str
    message: str
    by_analysis: bool
    data_until: datetime | None
    parameters: StagedStrategy
    budget: Decimal

    def is_like(self, other: "Waiting") -> bool:
        """Return whether it is the same reason for the same parameters and budget."""
        return (self.code, self.parameters, self.budget) == (
            other.code,
            other.parameters,
            other.budget,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedState:
    """Everything that a staged bot remembers.

    Attributes:
        phase: Where the cycle stands.
        cycle: Number of the present or last cycle; 0 before the first.
        plan: Of that cycle.
        stages: One per stage of the plan.
        target: Wanted sale at a profit; None while there is too little to sell.
        is_late: Whether the first buy took too long and is being cancelled.
        buys_over: Whether nothing is bought any more in this cycle.
        sale: Volume of a sale at market that is filled in part, base currency; else 0.
        held: Base currency held, what an earlier cycle left included.
        cost: What it cost, fees included, quote currency.
        realized: Realised profit and loss since ever, quote currency.
        realized_before: The same at the start of the cycle.
        cooldown_until: Market time before which no cycle starts.
        last_stop: Market time of the last stop loss.
        needs_reset: Whether only a person's reset starts another cycle.
        stop_reason: Why everything is or was sold, one sentence.
        is_exit: Whether that sale is the regular end of the cycle, no stop.
        waiting: Why no cycle starts; None when nothing keeps it.
    """

    phase: StagedPhase = StagedPhase.IDLE
    cycle: int = 0
    plan: StagedPlan | None = None
    stages: tuple[Stage, ...] = ()
    target: Target | None = None
    is_late: bool = False
    buys_over: bool = False
    sale: Decimal = _ZERO
    held: Decimal = _ZERO
    cost: Decimal = _ZERO
    realized: Decimal = _ZERO
    realized_before: Decimal = _ZERO
    cooldown_until: datetime | None = None
    last_stop: datetime | None = None
    needs_reset: bool = False
    stop_reason: str = ""
    is_exit: bool = False
    waiting: Waiting | None = None


def stage_slot(number: int) -> str:
    """Return the slot of a stage's buy: `s0` is the first."""
    return f"s{number}"


def stage_number(slot: str) -> int:
    """Return the number of the stage that a buy's slot belongs to."""
    return int(slot[1:])


def has_bought(state: StagedState) -> bool:
    """Return whether the present cycle has bought anything."""
    return any(stage.filled for stage in state.stages)
