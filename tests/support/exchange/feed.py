"""Prices from recorded candles, walked by a clock that may run fast or stand still."""

import csv
import gzip
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from pathlib import Path

from tests.support.exchange.config import ClockConfig, MarketConfig
from tests.support.exchange.engine import Engine
from tests.support.exchange.orders import Refusal
from tests.support.exchange.tape import Candle, Tape

__all__ = ["Feed", "MarketClock", "points_of", "read_candles"]

_MINUTE = timedelta(minutes=1)
_STEP = Decimal("1E-8")


class MarketClock:
    """Market time: by hand, or at a speed from two anchors."""

    def __init__(self, config: ClockConfig) -> None:
        self.set(config)

    def set(self, config: ClockConfig) -> None:
        """Start again from other anchors."""
        self._speed = config.speed
        self._market = config.market
        self._is_manual = config.mode == "manual"
        self._wall = config.wall or datetime.now(UTC)

    def now(self) -> datetime:
        """Return the market time."""
        if self._is_manual:
            return self._market
        return self._market + (datetime.now(UTC) - self._wall) * self._speed

    def move_to(self, time: datetime) -> None:
        """Set the time of a clock that is moved by hand; it never goes back."""
        if not self._is_manual:
            raise Refusal(409, "clock_runs", "the clock's mode is replay, it moves by itself")
        if time < self._market:
            raise Refusal(409, "clock_back", f"it is {self._market}, wanted {time}")
        self._market = time


@dataclass(frozen=True, order=True, slots=True)
class Move:
    """The price of a market at a time; sorts by time, then market."""

    time: datetime
    market: str
    price: Decimal
    volume: Decimal


def read_candles(path: Path) -> Iterator[Candle]:
    """Yield recorded 1-minute candles, oldest first; those without a trade are left out."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        for row in csv.DictReader(file):
            volume = Decimal(row["volume"])
            if volume == 0:
                continue
            yield Candle(
                time=datetime.fromisoformat(row["time"]),
                open=Decimal(row["open"]),
                high=Decimal(row["high"]),
                low=Decimal(row["low"]),
                close=Decimal(row["close"]),
                volume=volume,
            )


def points_of(market: str, candle: Candle) -> tuple[Move, Move, Move, Move]:
    """Return the four moves of a candle: open, the two ends, close; the end that is nearer first.

    A rising candle goes to its low first, a falling one to its high.
    """
    ends = (candle.low, candle.high) if candle.close >= candle.open else (candle.high, candle.low)
    share = (candle.volume / 4).quantize(_STEP, rounding=ROUND_DOWN)
    shares = (share, share, share, candle.volume - 3 * share)
    prices = (candle.open, *ends, candle.close)
    first, second, third, fourth = (
        Move(candle.time + i * _MINUTE / 4, market, price, volume)
        for i, (price, volume) in enumerate(zip(prices, shares, strict=True))
    )
    return first, second, third, fourth


class Feed:
    """Brings the engine's prices to the clock's time."""

    def __init__(self, engine: Engine, clock: MarketClock) -> None:
        self.clock = clock
        self.tapes: dict[str, Tape] = {}
        self._engine = engine
        self._moves: Iterator[Move] = iter(())
        self._next: Move | None = None

    def open_markets(self, markets: tuple[MarketConfig, ...]) -> None:
        """Open all markets at the clock's time; earlier candles are history."""
        start = self.clock.now().replace(second=0, microsecond=0)
        walks = [self._open(market, start) for market in markets]
        self._moves = heapq.merge(*walks)
        self._next = next(self._moves, None)

    def _open(self, market: MarketConfig, start: datetime) -> Iterator[Move]:
        tape = self.tapes[market.code] = Tape()
        rows = list(read_candles(Path(market.candles))) if market.candles else []
        for row in rows:
            if row.time >= start:
                break
            for move in points_of(market.code, row):
                tape.record(move.price, move.time, move.volume)
        later = rows[len(tape.minutes) :]
        price = market.price
        if price is None:
            if not rows:
                raise ValueError(f"{market.code} needs a price or candles, has neither")
            price = tape.minutes[-1].close if tape.minutes else later[0].open
        self._engine.add_market(market.code, price)
        if not tape.minutes:
            tape.record(price, start, Decimal(0))
        return (move for row in later for move in points_of(market.code, row))

    @property
    def has_ended(self) -> bool:
        """Whether no recorded move is left."""
        return self._next is None

    def advance(self) -> datetime:
        """Carry out all moves up to the present market time and return it."""
        now = self.clock.now()
        while self._next is not None and self._next.time <= now:
            move = self._next
            self._move(move.market, move.price, move.time, move.volume)
            self._next = next(self._moves, None)
        return now

    def move(self, market: str, price: Decimal, volume: Decimal) -> None:
        """Move a price by hand, at the present market time."""
        now = self.advance()
        self._engine.market(market)
        self._move(market, price, now, volume)

    def _move(self, market: str, price: Decimal, time: datetime, volume: Decimal) -> None:
        self._engine.move(market, price, time)
        self.tapes[market].record(price, time, volume)
