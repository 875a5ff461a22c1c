"""What every strategy is, and the values that it takes and gives.

A strategy owns no orders and knows no client ids: it says which orders should be live (`wanted`),
and is told what became of them. The engine compares, places, cancels, and keeps the books.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from dantaro_crds.venues import VenueRules
from dantaro_crds.wire.bundle import Analysis
from dantaro_runtime.core.orders import Fill, Intent, Order, Trigger

__all__ = [
    "Action",
    "Book",
    "Context",
    "GridBook",
    "Level",
    "Note",
    "Signal",
    "Step",
    "Strategy",
    "Wanted",
]

S = TypeVar("S")


class Level(StrEnum):
    """How much attention a note asks for."""

    INFO = "Info"
    WARNING = "Warning"
    ERROR = "Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that a person should be able to read later: a decision, a refusal, a change.

    Attributes:
        reason: PascalCase code.
        message: One sentence with the figures.
        level: Attention.
        confidence: Of a decision, fraction 0..1; None for anything else.
        inputs: What a decision was made of: names and figures, in the order of looking.
        acted: Whether a decision was acted on.
    """

    reason: str
    message: str
    level: Level = Level.INFO
    confidence: Decimal | None = None
    inputs: tuple[tuple[str, str], ...] = ()
    acted: bool = True


class Action(StrEnum):
    """What a look at the market speaks for."""

    BUY = "Buy"
    """Open a position; with one open nothing."""
    SELL = "Sell"
    """Close the position; without one nothing."""
    HOLD = "Hold"
    """Leave all as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a strategy saw in the market at one look, whatever the bot made of it.

    Attributes:
        action: What it speaks for.
        score: How strongly, fraction 0..1; None if nothing could be seen.
        meta: What was looked at and what came of it: names and figures, in the order of looking.
    """

    action: Action
    score: Decimal | None
    meta: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Everything outside its own state that a strategy may look at.

    Attributes:
        bot_uid: Uid of the bot; the seed of its jitter.
        time: Market time.
        last: Last price, quote currency, > 0.
        rules: Venue's rules for the market.
        slippage_ticks: How many ticks above the last price a first buy is limited.
        budget: Money put in that a new plan may use, quote currency. Profit never raises it.
        quote: The bot's quote currency, locked part included.
        base: The bot's base currency, locked part included.
        entries_allowed: Whether new risk may be taken now; without it start no cycle.
        analysis: Newest analysis with `data_until` <= `time`; None when there is none or it is
            stale.
        live_orders: Number of own orders that exist or may exist at the venue.
    """

    bot_uid: str
    time: datetime
    last: Decimal
    rules: VenueRules
    slippage_ticks: int
    budget: Decimal
    quote: Decimal
    base: Decimal
    entries_allowed: bool
    analysis: Analysis | None
    live_orders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Generic[S]):
    """A new state, and what is worth recording about the way to it.

    Attributes:
        state: To go on with.
        notes: In the order in which they came up.
        signal: What was seen, if it is news; the state remembers it.
    """

    state: S
    notes: tuple[Note, ...] = ()
    signal: Signal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What should be live at the venue, and at which prices the strategy must be called.

    Attributes:
        orders: In the order of placing. What is live and not here is cancelled before anything is
            placed.
        triggers: In the order of arming.
    """

    orders: tuple[Intent, ...] = ()
    triggers: tuple[Trigger, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GridBook:
    """Parts of a grid's realised profit, quote currency; they add up to `Book.realized`."""

    grid_profit: Decimal
    initial_stock_gain: Decimal
    exit_result: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The strategy's own accounting; quote of the bot + cost = money put in + realized, exactly.

    Attributes:
        cost: Cost of the base currency held, fees included, quote currency.
        realized: Realised profit and loss after all fees, quote currency.
        grid: Parts of it, for a grid.
    """

    cost: Decimal
    realized: Decimal
    grid: GridBook | None = None


class Strategy(Protocol[S]):
    """One way to trade. All methods are pure; `S` is a frozen dataclass of plain values."""

    @property
    def name(self) -> str:
        """Return the name, as in the CRD."""
        ...

    def initial(self) -> S:
        """Return the state of a bot that has never traded."""
        ...

    def on_open(self, state: S, context: Context) -> Step[S]:
        """Decide at the open of a candle (live: at each look): start, cycle, timeouts, parameters.

        Nothing else starts a cycle.
        """
        ...

    def on_fill(self, state: S, order: Order, fill: Fill, context: Context) -> Step[S]:
        """Take one fill; `order` is as it is after the fill, DONE if that completed it."""
        ...

    def on_end(self, state: S, order: Order, context: Context) -> Step[S]:
        """Take the end of an order that was not filled in full: CANCELLED or REJECTED."""
        ...

    def on_trigger(self, state: S, name: str, context: Context) -> Step[S]:
        """Take a trigger that fired; it fires once and is then no longer wanted."""
        ...

    def on_reset(self, state: S, context: Context) -> Step[S]:
        """Take a person's reset: leave a stopped or refused state."""
        ...

    def on_flatten(self, state: S, context: Context) -> Step[S]:
        """Take the order to sell everything: want nothing but the sale, then be stopped."""
        ...

    def leave(self, state: S) -> S | None:
        """Return the state to take up another market with; None while a cycle is under way.

        Coin that is left counts as lost: cost and profit are as if it had been sold for nothing.
        """
        ...

    def wanted(self, state: S, context: Context) -> Wanted:
        """Return what should be live now."""
        ...

    def cycle(self, state: S) -> int:
        """Return the number of the present cycle, from 1; 0 before the first."""
        ...

    def phase(self, state: S) -> str:
        """Return the strategy's state for people, PascalCase."""
        ...

    def book(self, state: S) -> Book:
        """Return the accounting."""
        ...

    def is_stopped(self, state: S) -> bool:
        """Return whether only a reset can make it trade again."""
        ...

    def message(self, state: S) -> str:
        """Return what it waits for or why it does not trade, one sentence; empty if all is well."""
        ...
