"""Orders, trades and refusals as the venue keeps them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

__all__ = [
    "Draft",
    "OrdType",
    "Order",
    "Refusal",
    "Side",
    "SmpType",
    "State",
    "TimeInForce",
    "Trade",
]

_ZERO = Decimal(0)


class Side(StrEnum):
    """Buy or sell."""

    BID = "bid"
    ASK = "ask"


class OrdType(StrEnum):
    """Kinds of orders; `price` is a market buy by total, `market` a market sell."""

    LIMIT = "limit"
    PRICE = "price"
    MARKET = "market"
    BEST = "best"


class TimeInForce(StrEnum):
    """How long an order may wait."""

    IOC = "ioc"
    FOK = "fok"
    POST_ONLY = "post_only"


class SmpType(StrEnum):
    """What happens where an order would meet one of its own pocket."""

    CANCEL_MAKER = "cancel_maker"
    CANCEL_TAKER = "cancel_taker"
    NONE = "none"


class State(StrEnum):
    """States of an order; there is none for partly filled."""

    WAIT = "wait"
    DONE = "done"
    CANCEL = "cancel"


class Refusal(Exception):  # noqa: N818
    """The venue says no: HTTP status, error name, message."""

    def __init__(self, status: int, name: str | int, message: str = "") -> None:
        super().__init__(f"{status} {name}: {message}")
        self.status = status
        self.name = name
        self.message = message or str(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """An order as asked for.

    Attributes:
        price: Unit price of a limit order; total of a buy by total.
    """

    market: str
    side: Side
    ord_type: OrdType
    price: Decimal | None = None
    volume: Decimal | None = None
    time_in_force: TimeInForce | None = None
    identifier: str | None = None
    smp_type: SmpType = SmpType.CANCEL_MAKER


@dataclass(frozen=True, kw_only=True, slots=True)
class Trade:
    """One fill. `number` orders the fills of the whole exchange."""

    uuid: str
    number: int
    price: Decimal
    volume: Decimal
    funds: Decimal
    fee: Decimal
    is_taker: bool
    created_at: datetime


@dataclass(kw_only=True, slots=True)
class Order:
    """An order that was accepted.

    Attributes:
        locked: What it holds now: quote currency of a bid, coins of an ask.
        reserved_fee: The fee locked at the start, bids only.
    """

    draft: Draft
    uuid: str
    number: int
    pocket: str
    created_at: datetime
    locked: Decimal
    reserved_fee: Decimal = _ZERO
    state: State = State.WAIT
    executed_volume: Decimal = _ZERO
    executed_funds: Decimal = _ZERO
    paid_fee: Decimal = _ZERO
    prevented_volume: Decimal = _ZERO
    prevented_locked: Decimal = _ZERO
    trades: list[Trade] = field(default_factory=list)

    @property
    def is_bid(self) -> bool:
        """Whether it buys."""
        return self.draft.side is Side.BID

    @property
    def is_by_total(self) -> bool:
        """Whether it names a total and no volume."""
        return self.draft.volume is None

    @property
    def limit(self) -> Decimal:
        """The unit price of a limit order."""
        assert self.draft.price is not None
        return self.draft.price

    @property
    def remaining(self) -> Decimal:
        """The volume left to fill; 0 for an order by total."""
        return _ZERO if self.draft.volume is None else self.draft.volume - self.executed_volume
