"""Scripted bots against the paper market: what a driver does, without store and desk."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from dantaro_crds.values import decimal_text
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.core.orders import Side, Trigger, TriggerKind
from dantaro_runtime.core.paper import (
    CandleWalk,
    Fills,
    MoveKind,
    Opened,
    PaperFill,
    PaperMarket,
    PaperOrder,
    Receipt,
    TimeInForce,
    TriggerFired,
    WalkEvent,
    absorb,
    moves,
)

__all__ = [
    "KRW",
    "MIDNIGHT",
    "GridScript",
    "PaperRun",
    "Script",
    "balances",
    "buy",
    "make_candle",
    "make_market",
    "make_series",
    "rebuild",
    "sell",
    "wild_series",
]

KRW = rules_for("paper", "KRW-ABC")
"""Upbit's rules of a KRW market."""

MIDNIGHT = datetime(2026, 1, 1, tzinfo=UTC)
"""Open of candle 0."""


def make_candle(prices: str, number: int = 0, volume: str = "1") -> Candle:
    """Return the candle of a minute from its `open high low close`; one price makes it flat."""
    parts = [Decimal(part) for part in prices.split()]
    first, high, low, close = parts if len(parts) == 4 else parts * 4
    return Candle(
        time=MIDNIGHT + number * timedelta(minutes=1),
        open=first,
        high=high,
        low=low,
        close=close,
        volume=Decimal(volume),
    )


def make_series(*candles: str) -> list[Candle]:
    """Return one candle a minute."""
    return [make_candle(prices, number) for number, prices in enumerate(candles)]


@st.composite
def wild_series(
    draw: st.DrawFn, *, least: int, minutes: int, step: int, floor: int
) -> list[Candle]:
    """Return some to 40 candles between a floor and 3500 that go to and fro.

    Args:
        draw: Of hypothesis.
        least: Fewest candles.
        minutes: From one candle to the next.
        step: Largest gap between two and largest wick; a body is at most twice that.
        floor: Lowest open and close.
    """
    candles, last = [], 3240
    for number in range(draw(st.integers(least, 40))):
        opened = min(max(last + draw(st.integers(-step, step)), floor), 3500)
        closed = min(max(opened + draw(st.integers(-2 * step, 2 * step)), floor), 3500)
        high = max(opened, closed) + draw(st.integers(0, step))
        low = min(opened, closed) - draw(st.integers(0, step))
        candles.append(make_candle(f"{opened} {high} {low} {closed}", number * minutes))
        last = closed
    return candles


def make_market(
    *, quote: str = "1000000", base: str = "100", slippage_ticks: int = 1
) -> PaperMarket:
    """Return a market that has no price yet."""
    return PaperMarket(
        rules=KRW,
        slippage_ticks=slippage_ticks,
        quote=Decimal(quote),
        base=Decimal(base),
        last=None,
        time=None,
    )


def balances(market: PaperMarket) -> tuple[str, str]:
    """Return quote and base as plain texts."""
    return decimal_text(market.quote), decimal_text(market.base)


def rebuild(market: PaperMarket, *, slippage_ticks: int = 1) -> PaperMarket:
    """Return a market made anew from the plain values of another."""
    return PaperMarket(
        rules=KRW,
        slippage_ticks=slippage_ticks,
        quote=market.quote,
        base=market.base,
        last=market.last,
        time=market.time,
        orders=market.open_orders,
        armed=market.armed,
        next_seq=market.next_seq,
        next_accepted=market.next_accepted,
    )


def buy(volume: str, price: str | Decimal | None, client_id: str = "") -> PaperOrder:
    """Return a limit buy, or a market buy of `volume` money."""
    name = client_id or f"b-{volume}-{price}"
    if price is None:
        return PaperOrder(client_id=name, side=Side.BUY, funds=Decimal(volume))
    return PaperOrder(client_id=name, side=Side.BUY, price=Decimal(price), volume=Decimal(volume))


def sell(
    volume: str,
    price: str | Decimal | None,
    client_id: str = "",
    *,
    time_in_force: TimeInForce = TimeInForce.GTC,
) -> PaperOrder:
    """Return a limit sell, or a market sell."""
    return PaperOrder(
        client_id=client_id or f"s-{volume}-{price}",
        side=Side.SELL,
        price=None if price is None else Decimal(price),
        volume=Decimal(volume),
        time_in_force=time_in_force,
    )


@dataclass
class Script:
    """A bot: orders at the open of candles by number, a stop, and answers to fills.

    Attributes:
        at_open: Orders to send at the open of a candle.
        stop: Price at or below which all is cancelled and `stop_volume` sold at market.
        stop_volume: Base currency.
        answers: Order to send on the fill of a client id.
    """

    at_open: dict[int, list[PaperOrder]] = field(default_factory=dict)
    stop: str | None = None
    stop_volume: str = "100"
    answers: dict[str, PaperOrder] = field(default_factory=dict)

    def opened(self, run: "PaperRun", event: Opened) -> None:
        """Send what is due at this open and arm the stop at the first."""
        number = (event.time - MIDNIGHT) // timedelta(minutes=1)
        for order in self.at_open.get(number, []):
            run.send(order)
        if self.stop is not None and number == 0:
            kind = TriggerKind.AT_OR_BELOW
            run.market.arm([Trigger(name="stop", kind=kind, price=Decimal(self.stop))])

    def filled(self, run: "PaperRun", fill: PaperFill) -> None:
        """Answer a fill."""
        if fill.client_id in self.answers:
            run.send(self.answers[fill.client_id])

    def fired(self, run: "PaperRun", trigger: Trigger) -> None:
        """Cancel everything and sell."""
        for order in run.market.open_orders:
            run.market.cancel(order.client_id)
        run.send(sell(self.stop_volume, None, f"on-{trigger.name}"))


@dataclass
class GridScript:
    """A grid with cells: buys at the lower line, sells at the upper one, in turn.

    Attributes:
        lines: Rising prices.
        quantity: Base currency per cell.
        entry: Limit of the initial purchase.
        empty: Number of the line without an order at the start.
    """

    lines: Sequence[Decimal]
    quantity: Decimal
    entry: Decimal
    empty: int
    started: bool = False
    attempts: dict[int, int] = field(default_factory=dict)
    costs: dict[int, Decimal] = field(default_factory=dict)
    initial: set[int] = field(default_factory=set)
    grid_profit: Decimal = Decimal(0)
    initial_gain: Decimal = Decimal(0)

    def opened(self, run: "PaperRun", event: Opened) -> None:
        """Start at the first open."""
        if self.started:
            return
        self.started = True
        sells = len(self.lines) - 1 - self.empty
        if sells:
            volume = self.quantity * sells
            run.send(PaperOrder(client_id="i", side=Side.BUY, price=self.entry, volume=volume))
        else:
            self._place_all(run)

    def filled(self, run: "PaperRun", fill: PaperFill) -> None:
        """Turn the cell round, or place all after the initial purchase."""
        funds = fill.price * fill.volume
        if fill.client_id == "i":
            cells = range(self.empty, len(self.lines) - 1)
            self.costs = {k: (funds + fill.fee) / len(cells) for k in cells}
            self.initial = set(cells)
            self._place_all(run)
            return
        cell = int(fill.client_id.split("-")[1])
        if fill.side is Side.BUY:
            self.costs[cell] = funds + fill.fee
            self._place(run, cell, Side.SELL)
            return
        gain = funds - fill.fee - self.costs.pop(cell)
        if cell in self.initial:
            self.initial.remove(cell)
            self.initial_gain += gain
        else:
            self.grid_profit += gain
        self._place(run, cell, Side.BUY)

    def fired(self, run: "PaperRun", trigger: Trigger) -> None:
        """Arm none, so that none fires."""
        raise AssertionError(trigger)

    def _place_all(self, run: "PaperRun") -> None:
        for cell in range(len(self.lines) - 1):
            self._place(run, cell, Side.BUY if cell < self.empty else Side.SELL)

    def _place(self, run: "PaperRun", cell: int, side: Side) -> None:
        self.attempts[cell] = self.attempts.get(cell, 0) + 1
        run.send(
            PaperOrder(
                client_id=f"{side}-{cell}-{self.attempts[cell]}",
                side=side,
                price=self.lines[cell if side is Side.BUY else cell + 1],
                volume=self.quantity,
            )
        )


class PaperRun:
    """One market, one scripted bot, all fills.

    Args:
        bot: The script.
        market: Where it trades.
        killed_after: Called with the number of each event; True makes market and walk anew.
    """

    def __init__(
        self,
        bot: Script | GridScript,
        market: PaperMarket | None = None,
        *,
        killed_after: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.bot = bot
        self.market = market or make_market()
        self.fills: list[PaperFill] = []
        self.receipts: list[Receipt] = []
        self._known: set[str] = set()
        self._told: deque[PaperFill] = deque()
        self._killed_after = killed_after
        self._events = 0

    def send(self, order: PaperOrder) -> Receipt:
        """Send an order; its fill is told after the present reaction."""
        receipt = self.market.submit(order, known=order.client_id in self._known)
        self._known.add(order.client_id)
        self.receipts.append(receipt)
        self.fills += receipt.fills
        self._told += receipt.fills
        return receipt

    def walk(self, candles: Iterable[Candle]) -> "PaperRun":
        """Go through candles in lock-step."""
        for candle in candles:
            walk = CandleWalk(self.market, candle)
            while event := walk.next_event():
                self._react(event)
                self._events += 1
                if self._killed_after(self._events):
                    self.market = rebuild(self.market)
                    walk = CandleWalk(self.market, candle, from_move=walk.move)
        return self

    def tick(self, candles: Iterable[Candle]) -> "PaperRun":
        """Go through the four points of candles as if each were a ticker price."""
        for candle in candles:
            for move in moves(candle):
                fills = self.market.jump(move.price, move.time)
                if fills:
                    self._react(Fills(fills=fills))
                while trigger := self.market.due_trigger():
                    self._react(TriggerFired(trigger=trigger))
                if move.kind is MoveKind.JUMP:
                    self._react(Opened(time=candle.time))
        return self

    def miss(self, candles: Iterable[Candle], back: datetime) -> "PaperRun":
        """Be away during candles, then learn of the fills at the time `back`."""
        fills = [fill for candle in candles for fill in absorb(self.market, candle)]
        assert self.market.last is not None
        self.market.jump(self.market.last, back)
        self._react(Fills(fills=tuple(fills)))
        while trigger := self.market.due_trigger():
            self._react(TriggerFired(trigger=trigger))
        return self

    def _react(self, event: WalkEvent) -> None:
        match event:
            case Fills(fills=fills):
                self.fills += fills
                self._told += fills
            case TriggerFired(trigger=trigger):
                self.bot.fired(self, trigger)
            case Opened():
                self.bot.opened(self, event)
        while self._told:
            self.bot.filled(self, self._told.popleft())
