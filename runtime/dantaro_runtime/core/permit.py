"""What may stand at the venue: the configuration's wishes, the limits and the data decide."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from dantaro_crds.v1alpha1.common import DeletionPolicy
from dantaro_crds.wire.bot_status import EngineState

__all__ = ["Permit", "Wishes", "decide_permit", "next_engine_state"]


class Permit(StrEnum):
    """What may stand at the venue now."""

    ALL = "All"
    """Entries and exits."""
    KEEP_ENTRIES = "KeepEntries"
    """No new entries; those that rest may stay."""
    EXITS_ONLY = "ExitsOnly"
    """Entries are cancelled."""
    NOTHING = "Nothing"
    """Every own order is cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the configuration asks for.

    Attributes:
        running: Whether to trade; else all own orders are cancelled, the position stays.
        halt: Kill switch: entries are cancelled, exits stay.
        drain: What to carry out because the bot is being deleted.
        accept_loss: Trading day whose loss a person accepts.
    """

    running: bool = False
    halt: bool = False
    drain: DeletionPolicy | None = None
    accept_loss: date | None = None

    @property
    def trading(self) -> bool:
        """Whether the engine should run."""
        return self.running and self.drain is None


def decide_permit(wishes: Wishes, *, engine: EngineState, tripped: bool, may_enter: bool) -> Permit:
    """Return what may stand at the venue.

    Args:
        wishes: What the configuration asks for.
        engine: State of the engine.
        tripped: Whether a limit is latched.
        may_enter: Whether new entries may be placed: the analysis is fresh, no cool-down runs.
    """
    if wishes.drain is DeletionPolicy.FLATTEN and engine is not EngineState.ERROR:
        return Permit.EXITS_ONLY
    if not wishes.trading or engine is not EngineState.RUNNING:
        return Permit.NOTHING
    if wishes.halt or tripped:
        return Permit.EXITS_ONLY
    return Permit.ALL if may_enter else Permit.KEEP_ENTRIES


def next_engine_state(engine: EngineState, wishes: Wishes, *, live_orders: int) -> EngineState:
    """Return the engine's state; ERROR is left by a reset only."""
    if engine is EngineState.ERROR:
        return engine
    if wishes.trading:
        return EngineState.RUNNING
    return EngineState.STOPPING if live_orders else EngineState.IDLE
