"""What a desk remembers, asks for and has to store. The desk itself is in `desk.py`."""

from dataclasses import dataclass, field
from datetime import datetime

from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.orders import Fill, Order
from dantaro_runtime.core.risk import RiskState
from dantaro_runtime.core.strategies.protocol import Note, Signal

__all__ = ["Cancel", "Changes", "DeskState", "Place"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskState:
    """What a desk remembers beside the strategy's state and the orders.

    Attributes:
        engine: State of the engine.
        ledger: Own money.
        risk: What the limits remember.
        applied: Venue's mark of the last fill that was taken; empty before the first.
        opened: Open time of the last candle that was decided on.
        filled: Orders filled in full.
        rejected: Orders refused by the venue or by the risk gate.
        refusals: Refusals in a row by slot.
        last_trade: Market time of the last fill.
        last_decision: What was last decided, one sentence.
        last_reset: Reset mark that was last handled.
        error: Why the engine is in ERROR; empty otherwise.
        barred_until: Wall time before which the venue wants no calls; stored, since a start that
            does not keep to it lengthens the ban.
        market: Symbol that is traded; empty in a store of before markets could change.
        market_since: Number of the last cycle before this market was taken up.
    """

    engine: EngineState = EngineState.IDLE
    ledger: Ledger = field(default_factory=Ledger)
    risk: RiskState = field(default_factory=RiskState)
    applied: str = ""
    opened: datetime | None = None
    filled: int = 0
    rejected: int = 0
    refusals: tuple[tuple[str, int], ...] = ()
    last_trade: datetime | None = None
    last_decision: str = ""
    last_reset: str | None = None
    error: str = ""
    barred_until: datetime | None = None
    market: str = ""
    market_since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Send this order; it is PENDING in the books."""

    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Cancel this live order."""

    order: Order


@dataclass(slots=True, kw_only=True)
class Changes:
    """What must be stored before the next call to the venue.

    Attributes:
        orders: New and changed orders by client id.
        fills: Fills that were taken, in order.
        notes: (market time, note), in order.
        signals: (market time, signal), in order.
        urgent: Whether the strategy's state changed; stored at once.
        dirty: Whether the desk's own state changed; stored with the next event, or at a page's end.
    """

    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    notes: list[tuple[datetime, Note]] = field(default_factory=list)
    signals: list[tuple[datetime, Signal]] = field(default_factory=list)
    urgent: bool = False
    dirty: bool = False

    @property
    def is_urgent(self) -> bool:
        """Return whether something must be stored before the market moves on."""
        return bool(self.urgent or self.orders or self.fills or self.notes or self.signals)
