"""Orders and fills of the paper exchange, and the resting ones sorted by who is first."""

from bisect import bisect_left, insort
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from dantaro_crds.money import exact
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.orders import Side

__all__ = [
    "PaperFill",
    "PaperOrder",
    "PaperState",
    "Receipt",
    "RestingOrders",
    "TimeInForce",
    "explain_flaw",
    "filled",
]

_ZERO = Decimal(0)

_Entry = tuple[Decimal, int, str]
"""(rank, minus acceptance, client id): the last of a sorted list is the first to fill."""


class TimeInForce(StrEnum):
    """What becomes of an order on arrival."""

    GTC = "Gtc"
    """Rests until it is filled or cancelled."""
    IOC = "Ioc"
    """Fills at once or is cancelled."""
    FOK = "Fok"
    """The same here, for fills are always complete."""
    POST_ONLY = "PostOnly"
    """Is cancelled if it would fill at once."""


class PaperState(StrEnum):
    """Life of an order at the paper exchange."""

    OPEN = "Open"
    """Rests."""
    DONE = "Done"
    """Filled in full."""
    CANCELLED = "Cancelled"
    """Ended otherwise: by a cancel, by its time in force, or a market buy, as on Upbit."""
    REFUSED = "Refused"
    """Never existed; its client id is used up all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperOrder:
    """An order; what a caller submits has the defaults from `state` on.

    Attributes:
        client_id: The sender's id, unique for ever.
        side: Direction.
        price: Limit in quote currency; None is a market order.
        volume: Base currency; None for a market buy.
        funds: Quote currency that a market buy spends, fee on top; else None.
        time_in_force: What becomes of it on arrival.
        state: Life of the order.
        accepted: Running number of acceptance over the account, from 1; 0 if it never was.
        filled_volume: Base currency executed.
        filled_funds: Price x volume of its fill, quote currency.
        fee: Quote currency.
        error: Why it was refused; empty otherwise.
    """

    client_id: str
    side: Side
    price: Decimal | None = None
    volume: Decimal | None = None
    funds: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    state: PaperState = PaperState.OPEN
    accepted: int = 0
    filled_volume: Decimal = _ZERO
    filled_funds: Decimal = _ZERO
    fee: Decimal = _ZERO
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperFill:
    """One execution; always of a whole order.

    Attributes:
        seq: Running number over the account, from 1.
        client_id: The order.
        time: Market time.
        side: Direction of the order.
        price: Quote currency.
        volume: Base currency.
        fee: Quote currency.
        maker: Whether the order was resting.
    """

    seq: int
    client_id: str
    time: datetime
    side: Side
    price: Decimal
    volume: Decimal
    fee: Decimal
    maker: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What arrival made of an order: its state, and the fill if it took one at once."""

    order: PaperOrder
    fills: tuple[PaperFill, ...] = ()


@exact
def filled(order: PaperOrder, fill: PaperFill, state: PaperState = PaperState.DONE) -> PaperOrder:
    """Return an open order as it ended with its fill; a market buy ends CANCELLED."""
    return replace(
        order,
        state=state,
        filled_volume=fill.volume,
        filled_funds=fill.price * fill.volume,
        fee=fill.fee,
    )


def explain_flaw(order: PaperOrder, *, rules: VenueRules, last: Decimal) -> str:
    """Return why an order cannot be taken, whatever the account holds; empty if it can.

    Args:
        order: As it was sent.
        rules: Venue's rules for the market.
        last: Last price, quote currency, > 0.

    Source:
        Paper matching, section 3: price, then volume, then value.
    """
    price = order.price
    if price is not None and not (price > 0 and rules.ticks.is_on_tick(price)):
        return f"the price must be > 0 and on a tick, was {decimal_text(price)}"
    if error := _wrong_size(order, rules):
        return error
    value = order.funds or (last if price is None else price) * (order.volume or _ZERO)
    if value < rules.min_total:
        least = decimal_text(rules.min_total)
        return f"the order must be worth at least {least}, was {decimal_text(value)}"
    return ""


def _wrong_size(order: PaperOrder, rules: VenueRules) -> str:
    if order.price is None and order.side is Side.BUY:
        if order.volume is not None or order.funds is None or order.funds <= 0:
            return "a market buy is given by funds > 0 and no volume"
        return ""
    if order.funds is not None or order.volume is None:
        return "an order other than a market buy is given by its volume"
    if not rules.is_volume(order.volume):
        return (
            f"the volume must be > 0 with at most {rules.volume_places} decimals, "
            f"was {decimal_text(order.volume)}"
        )
    return ""


class RestingOrders:
    """Limit orders that wait for the price; the best of each side is found at once."""

    def __init__(self) -> None:
        self._orders: dict[str, PaperOrder] = {}
        self._queues: dict[Side, list[_Entry]] = {Side.BUY: [], Side.SELL: []}

    def add(self, order: PaperOrder) -> None:
        """Take an order with a price and a number of acceptance into the book."""
        self._orders[order.client_id] = order
        insort(self._queues[order.side], _entry(order))

    def pop(self, client_id: str) -> PaperOrder | None:
        """Take an order out of the book; None if it is not there."""
        order = self._orders.pop(client_id, None)
        if order is not None:
            queue = self._queues[order.side]
            del queue[bisect_left(queue, _entry(order))]
        return order

    def first_below(self, last: Decimal) -> PaperOrder | None:
        """Return the first sell that a rise to `last` goes through, or None."""
        queue = self._queues[Side.SELL]
        order = self._orders[queue[-1][2]] if queue else None
        return order if order is not None and _limit(order) < last else None

    def first_above(self, last: Decimal) -> PaperOrder | None:
        """Return the first buy that a fall to `last` goes through, or None."""
        queue = self._queues[Side.BUY]
        order = self._orders[queue[-1][2]] if queue else None
        return order if order is not None and _limit(order) > last else None

    def by_acceptance(self) -> tuple[PaperOrder, ...]:
        """Return all, the first accepted first."""
        return tuple(sorted(self._orders.values(), key=lambda order: order.accepted))


def _limit(order: PaperOrder) -> Decimal:
    assert order.price is not None
    return order.price


def _entry(order: PaperOrder) -> _Entry:
    # The highest buy and the lowest sell come last; copy_negate never rounds.
    price = _limit(order)
    rank = price if order.side is Side.BUY else price.copy_negate()
    return rank, -order.accepted, order.client_id
