"""Paper matching, written a second time from its definition: one market, one account, one bot."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Protocol

from tests.support.second.figures import (
    NO_ROUNDING,
    floor_to,
    is_on_tick,
    tick_down,
    tick_up,
)

__all__ = ["Bot", "Dealt", "Market", "OfCandle", "Resting"]

FEE = Decimal("0.0005")
LEAST_VALUE = Decimal(5000)


class OfCandle(Protocol):
    """What is read of a candle."""

    @property
    def time(self) -> datetime: ...
    @property
    def open(self) -> Decimal: ...
    @property
    def high(self) -> Decimal: ...
    @property
    def low(self) -> Decimal: ...
    @property
    def close(self) -> Decimal: ...
    @property
    def volume(self) -> Decimal: ...


@dataclass(frozen=True, kw_only=True)
class Resting:
    """An order that waits; `tag` is the bot's name for it."""

    tag: str
    side: str
    price: Decimal
    volume: Decimal


@dataclass(frozen=True, kw_only=True)
class Dealt:
    """One fill."""

    time: datetime
    tag: str
    side: str
    price: Decimal
    volume: Decimal
    fee: Decimal
    maker: bool

    @property
    def funds(self) -> Decimal:
        """Price x volume."""
        return self.price * self.volume


class Bot(Protocol):
    """What a market calls."""

    def on_open(self, market: "Market") -> None:
        """Decide at the open of a candle."""

    def on_fill(self, market: "Market", dealt: Dealt) -> None:
        """Take a fill."""

    def on_trigger(self, market: "Market", name: str) -> None:
        """Take a trigger."""

    def triggers(self) -> list[tuple[str, str, Decimal]]:
        """Return (name, `below` or `above`, price), in the order of arming."""


class Market:
    """Everything of one paper account."""

    def __init__(self, bot: Bot, quote: Decimal, *, slippage: int) -> None:
        self.bot = bot
        self.quote = quote
        self.base = Decimal(0)
        self.slippage = slippage
        self.last = Decimal(0)
        self.time = datetime.min.replace(tzinfo=UTC)
        self.orders: list[Resting] = []
        self.told: deque[Dealt] = deque()
        self.dealt: list[Dealt] = []
        self.fees = Decimal(0)

    def run(self, candles: Iterable[OfCandle]) -> "Market":
        """Walk candles of one minute."""
        with localcontext(NO_ROUNDING):
            for candle in candles:
                if candle.volume:
                    self._walk(candle)
        return self

    # For the bot

    def send(self, tag: str, side: str, price: Decimal | None, volume: Decimal) -> None:
        """Send an order; one that the venue would refuse is an error of the bot."""
        assert volume > 0, tag
        assert floor_to(8, volume) == volume, tag
        assert price is None or is_on_tick(price), (tag, price)
        assert (self.last if price is None else price) * volume >= LEAST_VALUE, tag
        if side == "sell":
            locked = sum((o.volume for o in self.orders if o.side == "sell"), Decimal(0))
            assert volume <= self.base - locked, tag
        else:
            assert price is not None, "no bot here buys at market"
            locked = sum(
                (o.price * o.volume * (1 + FEE) for o in self.orders if o.side == "buy"), Decimal(0)
            )
            assert price * volume * (1 + FEE) <= self.quote - locked, tag
        buys = side == "buy"
        if price is None or (price >= self.last if buys else price <= self.last):
            taken = self.last
            for _ in range(self.slippage):
                taken = tick_up(taken) if buys else tick_down(taken)
            if price is not None:
                taken = min(price, taken) if buys else max(price, taken)
            self._deal(tag, side, taken, volume, maker=False)
        else:
            self.orders.append(Resting(tag=tag, side=side, price=price, volume=volume))

    def cancel(self, tag: str) -> None:
        """Cancel what rests under a tag."""
        self.orders = [order for order in self.orders if order.tag != tag]

    def cancel_all(self) -> None:
        """Cancel everything."""
        self.orders = []

    # Moves

    def _walk(self, candle: OfCandle) -> None:
        quarter = timedelta(seconds=15)
        self._jump(candle.open, candle.time)
        self.bot.on_open(self)
        self._settle()
        rises = candle.close >= candle.open
        points = [candle.low, candle.high] if rises else [candle.high, candle.low]
        for number, price in enumerate([*points, candle.close], start=1):
            self._glide(price, candle.time + number * quarter)

    def _jump(self, price: Decimal, time: datetime) -> None:
        self.time = time
        buys = [o for o in self.orders if o.side == "buy" and o.price > price]
        sells = [o for o in self.orders if o.side == "sell" and o.price < price]
        self.last = price
        # Sorting keeps the order of acceptance among equal prices.
        for order in sorted(buys, key=lambda o: -o.price) + sorted(sells, key=lambda o: o.price):
            self._deal_resting(order)
        self._settle()

    def _glide(self, price: Decimal, time: datetime) -> None:
        self.time = time
        while True:
            self._settle()
            falls = price < self.last
            # (distance, touch before through, place in its list, what)
            events: list[tuple[Decimal, int, int, Resting | str]] = []
            for place, order in enumerate(self.orders):
                if (falls and order.side == "buy" and order.price > price) or (
                    not falls and order.side == "sell" and order.price < price
                ):
                    events.append((abs(order.price - self.last), 1, place, order))
            for place, (name, kind, at) in enumerate(self.bot.triggers()):
                if (falls and kind == "below" and at >= price) or (
                    not falls and kind == "above" and at <= price
                ):
                    events.append((abs(at - self.last), 0, place, name))
            if not events:
                break
            distance, _, _, what = min(events, key=lambda event: event[:3])
            self.last = self.last - distance if falls else self.last + distance
            if isinstance(what, Resting):
                self._deal_resting(what)
            else:
                self.bot.on_trigger(self, what)
        self.last = price

    def _settle(self) -> None:
        while True:
            while self.told:
                self.bot.on_fill(self, self.told.popleft())
            true = [
                name
                for name, kind, at in self.bot.triggers()
                if (self.last <= at if kind == "below" else self.last >= at)
            ]
            if not true:
                return
            self.bot.on_trigger(self, true[0])

    def _deal_resting(self, order: Resting) -> None:
        self.orders.remove(order)
        self._deal(order.tag, order.side, order.price, order.volume, maker=True)

    def _deal(self, tag: str, side: str, price: Decimal, volume: Decimal, *, maker: bool) -> None:
        funds = price * volume
        fee = funds * FEE
        if side == "buy":
            self.quote -= funds + fee
            self.base += volume
        else:
            self.quote += funds - fee
            self.base -= volume
        assert self.quote >= 0
        assert self.base >= 0
        self.fees += fee
        dealt = Dealt(
            time=self.time, tag=tag, side=side, price=price, volume=volume, fee=fee, maker=maker
        )
        self.dealt.append(dealt)
        self.told.append(dealt)
