"""Orders and fills as the bot sees them, and the names that it gives its orders."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

__all__ = [
    "Fill",
    "Intent",
    "Order",
    "OrderReport",
    "OrderState",
    "Side",
    "Trigger",
    "TriggerKind",
    "client_order_id",
    "id_prefix",
]


class Side(StrEnum):
    """Direction of an order."""

    BUY = "Buy"
    SELL = "Sell"


class OrderState(StrEnum):
    """Life of an order in the bot's own books."""

    PENDING = "Pending"
    """The intent is stored; nothing is known of it at the venue."""
    OPEN = "Open"
    """Resting at the venue."""
    DONE = "Done"
    """Filled in full."""
    CANCELLED = "Cancelled"
    """Ended before it was filled in full; what was filled counts."""
    REJECTED = "Rejected"
    """Refused by the venue; it never existed there."""

    @property
    def is_live(self) -> bool:
        """Whether the order exists, or may exist, at the venue."""
        return self in {OrderState.PENDING, OrderState.OPEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An order that a strategy wants to have at the venue now.

    Attributes:
        slot: Place in the strategy, [a-z0-9]{1,8}, such as `c03b` (buy of cell 3), `s0`, `tp`;
            one live order per slot and cycle at most.
        side: Direction.
        volume: Base currency, > 0, cut to the venue's decimals.
        price: Limit in quote currency on a tick; None is a market order.
        entry: Whether it adds to the position; the risk gate stops entries only.
        bounded: Whether a limit beyond the price band is moved to its bound and not refused: a buy
            at a line that the price has gapped past. Every exit is.
    """

    slot: str
    side: Side
    volume: Decimal
    price: Decimal | None
    entry: bool
    bounded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order in the bot's books, from intent to end.

    Attributes:
        client_id: Our id, unique for ever.
        cycle: Cycle of the strategy that it belongs to.
        slot: Place in the strategy.
        attempt: Running number in (cycle, slot), from 1.
        side: Direction.
        price: Limit, quote currency; None is a market order.
        volume: Base currency.
        entry: Whether it adds to the position.
        state: Life of the order.
        filled_volume: Base currency executed so far.
        filled_funds: Σ price x volume of its fills, quote currency.
        fee: Σ fees, quote currency.
        created: Market time of the intent.
        error: Why it was refused; empty otherwise.
    """

    client_id: str
    cycle: int
    slot: str
    attempt: int
    side: Side
    price: Decimal | None
    volume: Decimal
    entry: bool
    state: OrderState
    created: datetime
    filled_volume: Decimal = Decimal(0)
    filled_funds: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    error: str = ""

    @property
    def remaining(self) -> Decimal:
        """Base currency not executed yet."""
        return self.volume - self.filled_volume


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What the venue says of an order.

    Attributes:
        client_id: Our id.
        state: OPEN, DONE, CANCELLED or REJECTED.
        filled_volume: Base currency executed so far.
        error: Why it was refused; empty otherwise.
    """

    client_id: str
    state: OrderState
    filled_volume: Decimal
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of one of our orders.

    Attributes:
        trade_id: The venue's id of the execution; with the order's id the key that keeps it from
            counting twice.
        client_id: The order.
        time: Market time.
        side: Direction of the order.
        price: Quote currency.
        volume: Base currency.
        fee: Quote currency.
        maker: Whether our order was resting.
    """

    trade_id: str
    client_id: str
    time: datetime
    side: Side
    price: Decimal
    volume: Decimal
    fee: Decimal
    maker: bool

    @property
    def funds(self) -> Decimal:
        """Price x volume, quote currency, never rounded."""
        return self.price * self.volume


class TriggerKind(StrEnum):
    """Side from which a price fires a trigger; a touch is enough."""

    AT_OR_BELOW = "AtOrBelow"
    AT_OR_ABOVE = "AtOrAbove"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A price at which the strategy must be called.

    Attributes:
        name: What the strategy calls it, such as `stop-loss`.
        kind: From which side.
        price: Quote currency.
    """

    name: str
    kind: TriggerKind
    price: Decimal

    def is_true_at(self, last: Decimal) -> bool:
        """Return whether the last price fires it."""
        return last <= self.price if self.kind is TriggerKind.AT_OR_BELOW else last >= self.price


def id_prefix(bot_uid: str) -> str:
    """Return the start of every client order id of a bot: eight signs of its uid and `-`."""
    return f"{bot_uid[:8]}-"


def client_order_id(bot_uid: str, *, cycle: int, slot: str, attempt: int) -> str:
    """Return the client order id, a pure function of its parts, at most 40 signs of [a-z0-9-].

    Source: Upbit takes an identifier once, for ever, and at most 64 signs of [A-Za-z0-9-._~].
    """
    return f"{id_prefix(bot_uid)}{cycle}-{slot}-{attempt}"
