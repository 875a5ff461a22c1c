"""Paper trading: a market that is walked through candles, one event at a time.

The market and its account are in `matching/market.py`, orders and fills in `matching/orders.py`;
this module turns candles into moves and walks them in lock-step with the bot. A back-test and the
paper exchange drive the same walk:

    walk = CandleWalk(market, candle)
    while event := walk.next_event():
        ...  # tell the bot, carry out its orders, arm its triggers
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from dantaro_crds.errors import SpecError
from dantaro_crds.values import decimal_text, utc_text
from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.core.matching.market import PaperMarket
from dantaro_runtime.core.matching.orders import (
    PaperFill,
    PaperOrder,
    PaperState,
    Receipt,
    TimeInForce,
    filled,
)
from dantaro_runtime.core.orders import Trigger

__all__ = [
    "CandleWalk",
    "Fills",
    "Move",
    "MoveKind",
    "Opened",
    "PaperFill",
    "PaperMarket",
    "PaperOrder",
    "PaperState",
    "Receipt",
    "TimeInForce",
    "TriggerFired",
    "WalkEvent",
    "absorb",
    "filled",
    "moves",
]

_MINUTE = timedelta(minutes=1)


class MoveKind(StrEnum):
    """How the price gets from one point to the next."""

    JUMP = "Jump"
    """Without being seen between."""
    GLIDE = "Glide"
    """Through every price between."""


class Move(NamedTuple):
    """One move of the last price: how, where to (quote currency), and its market time."""

    kind: MoveKind
    price: Decimal
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """Resting orders filled; tell the bot of them one by one, in this order."""

    fills: tuple[PaperFill, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerFired:
    """A trigger fired and is no longer armed."""

    trigger: Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The price is at a candle's open, the candle before is closed: the one place to decide."""

    time: datetime


WalkEvent: TypeAlias = Fills | TriggerFired | Opened


def moves(candle: Candle, span: timedelta = _MINUTE) -> tuple[Move, ...]:
    """Return the moves of the last price that a candle stands for.

    Args:
        candle: Closed candle.
        span: Its length.

    Returns:
        Four moves: open, then low and high (high and low if it closed below its open), then close;
        none for a candle in which nothing was traded.

    Raises:
        SpecError: The candle's low or high does not hold its open and close.

    Source:
        Paper matching, section 2.
    """
    if not 0 < candle.low <= min(candle.open, candle.close):
        raise _broken(candle, "low", candle.low, "> 0 and <= open and close")
    if candle.high < max(candle.open, candle.close):
        raise _broken(candle, "high", candle.high, ">= open and close")
    if not candle.volume:
        return ()
    rises = candle.close >= candle.open
    second, third = (candle.low, candle.high) if rises else (candle.high, candle.low)
    quarter = span / 4
    return (
        Move(MoveKind.JUMP, candle.open, candle.time),
        Move(MoveKind.GLIDE, second, candle.time + quarter),
        Move(MoveKind.GLIDE, third, candle.time + 2 * quarter),
        Move(MoveKind.GLIDE, candle.close, candle.time + 3 * quarter),
    )


def _broken(candle: Candle, field: str, found: Decimal, expected: str) -> SpecError:
    return SpecError(
        f"candle {utc_text(candle.time)}: {field} must be {expected} "
        f"(open {decimal_text(candle.open)}, close {decimal_text(candle.close)}), "
        f"was {decimal_text(found)}",
        field=field,
        code="CandleBroken",
    )


class CandleWalk:
    """The way of a market through one candle, event by event.

    Before each `next_event` the bot's orders are in the market and its triggers are armed. The
    position is `move` and the market's `last`: stored together with the event that they belong to,
    a walk built anew from them goes on as this one would have, also in the middle of a glide.

    Args:
        market: Is moved.
        candle: Later than any candle walked before; one without volume is passed over.
        from_move: Stored `move`; 0 is the beginning.
        tell_open: Whether the bot still has to be told of this open. Default: only if `move` says
            that it was not. Past the first glide (`from_move` > 1) it is never told.
        span: Length of the candle.

    Raises:
        SpecError: The candle is broken.
    """

    def __init__(
        self,
        market: PaperMarket,
        candle: Candle,
        *,
        from_move: int = 0,
        tell_open: bool | None = None,
        span: timedelta = _MINUTE,
    ) -> None:
        self.move = from_move
        """Number of the move in progress, 0 to 3; 4 at the end. 0 until the open was told."""
        self._market = market
        self._moves = moves(candle, span)
        told = from_move > 0 if tell_open is None else not tell_open
        self._opened = None if told or from_move > 1 else Opened(time=candle.time)
        if not self._moves:
            self.move = 4

    @property
    def is_done(self) -> bool:
        """Return whether the candle is walked to its end."""
        return self.move >= 4

    def next_event(self) -> WalkEvent | None:
        """Move the market to the next event; None at the end of the candle.

        Source:
            Paper matching, section 6.
        """
        while not self.is_done:
            event = self._step()
            if event is not None:
                return event
        return None

    def _step(self) -> WalkEvent | None:
        market = self._market
        kind, price, time = self._moves[self.move]
        if kind is MoveKind.JUMP:
            # Repeated after each event of it: a jump to where the price is moves nothing.
            fills = market.jump(price, time)
            if fills:
                return Fills(fills=fills)
        trigger = market.due_trigger()
        if trigger is not None:
            return TriggerFired(trigger=trigger)
        if self._opened is not None:
            opened, self._opened = self._opened, None
            self.move = 1
            return opened
        event = None if kind is MoveKind.JUMP else market.glide(price, time)
        if event is None:
            self.move += 1
            return None
        if isinstance(event, PaperFill):
            return Fills(fills=(event,))
        return TriggerFired(trigger=event)


def absorb(
    market: PaperMarket, candle: Candle, *, from_move: int = 0, span: timedelta = _MINUTE
) -> tuple[PaperFill, ...]:
    """Walk a candle that was missed: resting orders fill, no trigger fires, the bot is not called.

    Args:
        market: Is moved; its triggers stay armed.
        candle: Later than any candle walked before, or the one that a stored walk stopped in.
        from_move: Stored `move` of such a walk.
        span: Length of the candle.

    Returns:
        Fills, in the order in which they happened, to be told when the bot is back.

    Raises:
        SpecError: The candle is broken.

    Source:
        Paper matching, section 8, live source.
    """
    # Nobody reacts between, so that a glide fills what a jump to the same price fills.
    rest = moves(candle, span)[from_move:]
    return tuple(fill for move in rest for fill in market.jump(move.price, move.time))
