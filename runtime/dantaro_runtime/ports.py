"""What the services need from outside; adapters provide it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Bundle, Candle
from dantaro_runtime.core.departure import Departure
from dantaro_runtime.core.desk_state import Changes, DeskState
from dantaro_runtime.core.orders import Fill, Order, OrderReport, Trigger
from dantaro_runtime.core.paper import WalkEvent
from dantaro_runtime.core.snapshots import BalanceSnapshot, DayFigures
from dantaro_runtime.core.venue import (
    VenueAccount,
    VenueBook,
    VenueMarket,
    VenueOrder,
    VenuePrice,
)

__all__ = [
    "BANNED",
    "CANCEL_UNCONFIRMED",
    "DUPLICATE_ORDER",
    "ID_TAKEN",
    "INSUFFICIENT_FUNDS",
    "MARKET_GONE",
    "PRICE_REFUSED",
    "REFUSAL_UNKNOWN",
    "SECRET_MISSING",
    "VENUE_OFFLINE",
    "Account",
    "Central",
    "Exchange",
    "MarkedFill",
    "PaperFeed",
    "Recalled",
    "Store",
    "Stored",
    "Venue",
]


S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedFill:
    """A fill and the venue's mark of it: `fetch_fill(mark)` returns the one after it."""

    mark: str
    fill: Fill


class Exchange(Protocol):
    """One account on one market of a venue. A write is sent once, never repeated."""

    async def submit(self, order: Order) -> OrderReport:
        """Send an order.

        Raises:
            OutcomeUnknownError: The answer got lost; look it up by the client id.
        """
        ...

    async def cancel(self, client_id: str) -> OrderReport | None:
        """Ask for a cancel; return the order after it, None when there is no such order."""
        ...

    async def find(self, client_id: str) -> OrderReport | None:
        """Return an order by its client id; None when the venue says that there is none."""
        ...

    async def fetch_fill(self, after: str) -> MarkedFill | None:
        """Return the first fill after a mark ("" is the beginning); None when there is none yet."""
        ...


REFUSAL_UNKNOWN = "RefusalUnknown"
"""Code of the error that the venue answered a write with a refusal that is not known here."""

DUPLICATE_ORDER = "DuplicateOrder"
"""Code of the error that the venue says of an order that its id was used before."""

VENUE_OFFLINE = "VenueOffline"
"""Code of the error that the venue takes no orders now, such as under maintenance."""

MARKET_GONE = "MarketGone"
"""Code of the error that the venue does not list the market, or no longer."""

PRICE_REFUSED = "PriceRefused"
"""Code of the refusal of a price: it is on no step, so the steps may have changed."""

INSUFFICIENT_FUNDS = "InsufficientFunds"
"""Code of the refusal that the account does not hold what the order needs."""

ID_TAKEN = "IdTaken"
"""Code of the error that another order stands at the venue under an id of this bot."""

BANNED = "Banned"
"""Code of the error that the venue wants no calls for a while."""

SECRET_MISSING = "SecretMissing"  # noqa: S105  # a code
"""Code of the error that there are no keys yet."""

CANCEL_UNCONFIRMED = "CancelUnconfirmed"
"""Code of the error that an order was asked to end and nobody says that it has."""


class Venue(Protocol):
    """One account on one market of a real venue: each call is one question, or one write.

    Reads may be repeated inside; a write is sent once. Every method may raise:
        RateLimitedError: The venue wants a pause; a write has to be looked up.
        AuthenticationError: The keys are refused, or may not do this.
        TransientError: No answer, maintenance, or an answer that makes no sense; of a read only.
    """

    def narrow_orders(self, orders_per_second: Decimal | None) -> None:
        """Set this bot's part of the account's order rate; None is all of it."""
        ...

    async def fetch_market(self) -> VenueMarket:
        """Return what the venue asks of orders.

        Raises:
            TransientError: It was not told; with code `MARKET_GONE` the market does not exist.
        """
        ...

    async def fetch_price(self) -> VenuePrice:
        """Return the last price."""
        ...

    async def fetch_book(self) -> VenueBook:
        """Return the best prices of the order book."""
        ...

    async def fetch_account(self) -> VenueAccount:
        """Return what the account holds."""
        ...

    async def fetch_open_orders(self) -> tuple[VenueOrder, ...]:
        """Return every order of the account that rests on the market, whoever sent it."""
        ...

    async def fetch_order(self, client_id: str) -> VenueOrder | None:
        """Return an order with its executions; None when the venue says that there is none."""
        ...

    async def test_order(self, price: Decimal) -> None:
        """Have a small buy at a price checked and not placed: may orders be sent now, from here?

        That the money for it is missing, or that it is refused for what it asks, is an answer too.
        A venue that has no test orders always says yes.

        Raises:
            AuthenticationError: The keys may not order, or not from this address.
            TransientError: The venue is under maintenance, or did not answer.
        """
        ...

    async def place(self, order: Order) -> VenueOrder:
        """Send an order, once.

        Raises:
            VenueRefusedError: It was refused and does not exist.
            OutcomeUnknownError: It may exist; with code `DUPLICATE_ORDER` the venue says that the
                id was used before.
            TransientError: It was not taken and does not exist: the venue is under maintenance.
        """
        ...

    async def cancel(self, client_id: str) -> None:
        """Ask for a cancel; one that has ended, or that never was, is no error.

        Raises:
            OutcomeUnknownError: The request may have arrived.
        """
        ...


class Account(Protocol):
    """The bot's money on one market, and where that market stands: paper or real."""

    @property
    def last(self) -> Decimal | None:
        """Return the last price; None before the first."""
        ...

    @property
    def time(self) -> datetime | None:
        """Return the market time; None before the first price."""
        ...

    @property
    def is_between_candles(self) -> bool:
        """Return whether no candle is consumed in part."""
        ...

    def contribute(self, amount: Decimal) -> Decimal:
        """Put in or take out money so that `amount` is put in; return what it is afterwards.

        A withdrawal takes only what is free. Twice is as once.
        """
        ...

    def save(self) -> None:
        """Store the position and what changed with it, in one transaction."""
        ...


class PaperFeed(Account, Protocol):
    """The paper exchange as a market that is moved by candles."""

    @property
    def cursor(self) -> datetime | None:
        """Return the open of the last candle that was consumed whole; None before the first."""
        ...

    def start_at(self, cursor: datetime) -> None:
        """Set the cursor of an account that has not seen a candle."""
        ...

    def begin(self, candle: Candle, *, opened: datetime | None) -> bool:
        """Start to walk a candle, or go on in the middle of it where a stored walk stopped.

        Args:
            candle: A candle after the cursor.
            opened: Open of the last candle that the bot decided on; this candle's open is given
                (again) only when it is later.

        Returns:
            Whether the walk goes on in the middle.
        """
        ...

    def next_event(self, triggers: Sequence[Trigger]) -> WalkEvent | None:
        """Move to the next event; None at the candle's end, which moves the cursor."""
        ...

    def absorb(self, candle: Candle) -> None:
        """Walk a candle that was missed: resting orders fill, nothing else happens."""
        ...

    def arrive(self, time: datetime) -> None:
        """Be at a later market time, at the same price: the bot is back."""
        ...

    def due_trigger(self, triggers: Sequence[Trigger]) -> Trigger | None:
        """Return the first trigger that is true at the last price; it is then no longer armed."""
        ...


class Central(Protocol):
    """The market analysis."""

    async def fetch_bundle(
        self, symbol: str, interval: Interval, *, since: datetime | None
    ) -> Bundle | None:
        """Return the page after a candle's open; None when nothing changed since the last call.

        Raises:
            SymbolUnknownError: Central does not serve the market.
            AuthenticationError: The key was refused.
            TransientError: Central did not answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored(Generic[S]):
    """What a store holds of a bot.

    Attributes:
        strategy: Strategy's state; None before the first start.
        desk: The rest of the state.
        live: Orders that exist or may exist at the venue, in the order of placing.
        attempts: Last attempt by (cycle, slot).
        placed: Market times of the newest orders, rising.
        trades: Ids of the executions that were taken, by client id, of the live orders.
    """

    strategy: S | None
    desk: DeskState
    live: tuple[Order, ...]
    attempts: dict[tuple[int, str], int]
    placed: tuple[datetime, ...]
    trades: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """An order of the records.

    Attributes:
        order: As it was last.
        trades: Ids of its executions that were taken.
    """

    order: Order
    trades: frozenset[str]


class Store(Protocol[S]):
    """The bot's own records."""

    def load(self) -> Stored[S]:
        """Return everything that a restart needs."""
        ...

    def recall(self, client_id: str) -> Recalled | None:
        """Return an order of the records, whatever became of it; None without one."""
        ...

    def ended_since(self, time: datetime, *, market: str) -> tuple[str, ...]:
        """Return the ids of a market's orders that ended unfilled, or in part, after a time."""
        ...

    def commit(self, changes: Changes, *, strategy: S, desk: DeskState) -> None:
        """Store changes and the state that they led to, in one transaction.

        Raises:
            FencedOffError: Another process has taken over.
            StoreError: The store cannot be written.
        """
        ...

    def depart(self, departure: Departure[S]) -> None:
        """Store that another market is traded from now on, in one transaction.

        A paper account goes along with its money and its cursor, but forgets coin and price.

        Raises:
            FencedOffError: Another process has taken over.
            StoreError: The store cannot be written.
        """
        ...

    def add_snapshot(self, snapshot: BalanceSnapshot, day: DayFigures | None) -> None:
        """Store the account as it is, and the figures of its trading day."""
        ...
