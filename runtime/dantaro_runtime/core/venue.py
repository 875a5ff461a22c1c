"""What a real venue says of a market, an account and its orders, whatever its own words are."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.orders import OrderState, Side

__all__ = ["VenueAccount", "VenueBook", "VenueMarket", "VenueOrder", "VenuePrice", "VenueTrade"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueMarket:
    """What the venue asks of orders on a market now.

    Attributes:
        rules: Price steps, smallest order, fee.
        is_open: Whether orders are taken; not during maintenance.
        is_flagged: Whether the venue warns investors of the coin, as it does before a delisting.
        warning: What the venue warns of, one sentence; empty if of nothing.
    """

    rules: VenueRules
    is_open: bool = True
    is_flagged: bool = False
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenuePrice:
    """The last price.

    Attributes:
        last: Quote currency, > 0.
        read: Wall time of the read; the last trade of a quiet coin may be much older.
    """

    last: Decimal
    read: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueBook:
    """The best prices of an order book, quote currency, 0 < bid < ask."""

    bid: Decimal
    ask: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueAccount:
    """What an account holds of a market's two currencies; all bots of the account share it."""

    quote: Decimal
    """Quote currency that is free."""
    quote_locked: Decimal
    """Quote currency that resting orders bind."""
    base: Decimal
    """Base currency that is free."""
    base_locked: Decimal
    """Base currency that resting orders bind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueTrade:
    """One execution of an order.

    Attributes:
        trade_id: The venue's id.
        time: When it happened.
        price: Quote currency.
        volume: Base currency.
    """

    trade_id: str
    time: datetime
    price: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueOrder:
    """An order as the venue has it.

    Attributes:
        client_id: The id that its sender gave it; empty if none.
        venue_id: The venue's own id.
        side: Direction.
        price: Limit, quote currency; None is a market order.
        volume: Base currency; None where the order names a total instead.
        state: OPEN, DONE or CANCELLED.
        filled_volume: Base currency executed so far.
        fee: Fees paid so far, quote currency.
        created: When the venue took it.
        trades: Its executions, in the order in which they happened; None where the answer does not
            tell, as in lists.
    """

    client_id: str
    venue_id: str
    side: Side
    price: Decimal | None
    volume: Decimal | None
    state: OrderState
    filled_volume: Decimal
    fee: Decimal
    created: datetime
    trades: tuple[VenueTrade, ...] | None = None
