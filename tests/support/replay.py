"""Replays candles through a bot's own desk and the paper market, in memory and without I/O.

    result = replay(config, recorded_minutes("KRW-BTC"), Decimal(1_000_000))

The order of calls is that of the services (`runtime/services`): intents are booked before they are
sent, fills are taken one by one, and the market moves on only when nothing is left to do.
"""

import gzip
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from dantaro_central.core.candle_csv import parse_candles
from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.values import Interval
from dantaro_crds.venues import VenueRules, rules_for
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import Changes, DeskState, Place
from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.live_orders import LiveOrders
from dantaro_runtime.core.orders import Fill, Order, OrderState
from dantaro_runtime.core.paper import (
    CandleWalk,
    Fills,
    Opened,
    PaperFill,
    PaperMarket,
    PaperOrder,
    PaperState,
    TriggerFired,
    WalkEvent,
)
from dantaro_runtime.core.permit import Wishes
from dantaro_runtime.core.strategies.protocol import Book, Note, Signal
from dantaro_runtime.core.strategies.registry import find_strategy
from tests.support.recorded import recorded_candles

__all__ = [
    "BOT_UID",
    "Mark",
    "Replay",
    "Result",
    "recorded_minutes",
    "replay",
]

BOT_UID = "b07b07b0-0000-4000-8000-000000000001"
"""Uid of the bot, unless another is given; the seed of its jitter."""

_ANALYSIS_EVERY = timedelta(minutes=5)
_DESK: TypeAdapter[DeskState] = TypeAdapter(DeskState)
_STATES: dict[type[Any], TypeAdapter[Any]] = {}
_ORDERS: TypeAdapter[list[Order]] = TypeAdapter(list[Order])
_PAPER_ORDERS: TypeAdapter[list[PaperOrder]] = TypeAdapter(list[PaperOrder])


class Mark(NamedTuple):
    """The account at the close of a candle: its open time, close price and equity."""

    time: datetime
    last: Decimal
    equity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a replay led to.

    Attributes:
        fills: In the order in which the bot took them.
        ledger: The bot's money at the end; nothing is sold at the end of the data.
        book: The strategy's accounting at the end.
        curve: One mark a candle.
        max_drawdown: Deepest fall of the curve below its highest mark or the budget, fraction.
        notes: (market time, note), in order.
        phase: Of the strategy at the end.
    """

    fills: tuple[Fill, ...]
    ledger: Ledger
    book: Book
    curve: tuple[Mark, ...]
    max_drawdown: Decimal
    notes: tuple[tuple[datetime, Note], ...]
    phase: str

    @property
    def equity(self) -> Decimal:
        """Equity at the last close, quote currency."""
        return self.curve[-1].equity if self.curve else self.ledger.quote


class Replay:
    """One bot on one paper market.

    Args:
        config: The strategy and its parameters.
        budget: Money put in at the start, quote currency.
        symbol: The market.
        slippage_ticks: Ticks that a taker pays.
        uid: Uid of the bot.
        limits: Risk limits.
        quote: Quote currency of the paper account beside the budget.
        base: Base currency that the paper account had before; it is not the bot's.
        killed_after: Called with the number of each event, which counts fills taken, orders sent
            and cancels too; True builds desk and market anew from what a store would hold.
        rules: Venue's rules; default: Upbit's.

    Attributes:
        budget: Money put in.
        asked_budget: What the configuration says.
        wishes: What the configuration asks for.
    """

    def __init__(
        self,
        config: StrategyConfig,
        budget: Decimal,
        *,
        symbol: str = "KRW-BTC",
        slippage_ticks: int = 1,
        uid: str = BOT_UID,
        limits: RiskLimits | None = None,
        quote: Decimal = Decimal(0),
        base: Decimal = Decimal(0),
        killed_after: Callable[[int], bool] | None = None,
        rules: VenueRules | None = None,
    ) -> None:
        self.config = config
        self.budget = budget
        self.asked_budget = budget
        self.symbol = symbol
        self.uid = uid
        self.limits = limits or RiskLimits()
        self.slippage_ticks = slippage_ticks
        self.rules = rules or rules_for("paper", symbol)
        self._entry, parameters = find_strategy(config)
        self._strategy_state = _adapter(self._entry.state_type)
        strategy = self._entry.build(parameters)
        self.market = PaperMarket(
            rules=self.rules,
            slippage_ticks=slippage_ticks,
            quote=budget + quote,
            base=base,
            last=None,
            time=None,
        )
        self.orders: dict[str, Order] = {}
        self.fills: list[Fill] = []
        self.notes: list[tuple[datetime, Note]] = []
        self.signals: list[tuple[datetime, Signal]] = []
        self.curve: list[Mark] = []
        self._attempts: dict[tuple[int, str], int] = {}
        self._placed: list[datetime] = []
        self._sent: set[str] = set()
        self._venue_fills: list[PaperFill] = []
        self.wishes = Wishes(running=True)
        self._killed_after = killed_after
        self._events = 0
        self._is_reborn = False
        self._analysis: Analysis | None = None
        self.desk = self._make_desk(strategy.initial(), DeskState(market=symbol), ())
        self.desk.contribute(budget)

    def walk(self, candles: Iterable[Candle], analyses: Iterable[Analysis] | None = None) -> None:
        """Go through candles in lock-step.

        Args:
            candles: Of one minute, in rising time, later than any before.
            analyses: By rising `data_until`; default: one every 5 minutes that holds nothing.
        """
        supply = None if analyses is None else iter(analyses)
        following = None if supply is None else next(supply, None)
        for candle in candles:
            if supply is None:
                self._analysis = _bare_analysis(candle.time, self._analysis)
            while supply is not None and following and following.data_until <= candle.time:
                self._analysis, following = following, next(supply, None)
            self.consume(candle)

    def consume(self, candle: Candle, analysis: Analysis | None = None) -> None:
        """Go through one candle; a new analysis holds from it on."""
        self._analysis = analysis or self._analysis
        self.desk.start_day(candle.time, self.market.last)
        opened = self.desk.desk.opened
        told = opened is not None and opened >= candle.time
        walk = CandleWalk(self.market, candle, tell_open=not told)
        while event := self._next_event(walk):
            self._react(event, candle)
            self._count()
            if self._is_reborn:
                self._is_reborn = False
                told = self.desk.desk.opened == candle.time
                walk = CandleWalk(self.market, candle, from_move=walk.move, tell_open=not told)
        last = self.market.last
        if last is not None:
            self.curve.append(Mark(candle.time, last, _equity(self.desk.desk.ledger, last)))

    def result(self) -> Result:
        """Return what it led to so far."""
        return Result(
            fills=tuple(self.fills),
            ledger=self.desk.desk.ledger,
            book=self.desk.book,
            curve=tuple(self.curve),
            max_drawdown=_max_drawdown(self.budget, self.curve),
            notes=tuple(self.notes),
            phase=self.desk.strategy.phase(self.desk.state),
        )

    # What the services do

    def configure(self, config: StrategyConfig) -> None:
        """Take other parameters of the same strategy."""
        self.config = config
        self.desk.strategy = self._entry.build(find_strategy(config)[1])
        self.desk.orders_per_minute = self._orders_per_minute()

    def settle(self) -> None:
        """Act and take fills, one by one, until nothing is left to do."""
        while True:
            action = self.desk.next_action()
            if isinstance(action, Place):
                self._send(action.order)
            elif action is not None:
                self._cancel(action.order)
            elif not self._take_fill():
                break
            self._collect()
            self._count()
        self.desk.look_at_engine()
        self._collect()

    def _next_event(self, walk: CandleWalk) -> WalkEvent | None:
        self.market.arm(self.desk.triggers())
        event = walk.next_event()
        if isinstance(event, Fills):
            self._venue_fills += event.fills
        return event

    def _react(self, event: WalkEvent, candle: Candle) -> None:
        time, last = self.market.time, self.market.last
        assert time is not None
        assert last is not None
        self.desk.set_market(time=time, last=last, analysis=self._analysis)
        if isinstance(event, Opened):
            self.desk.open_candle(candle.time)
        elif isinstance(event, TriggerFired):
            self.desk.fire(event.trigger)
        self.settle()

    def _send(self, order: Order) -> None:
        sent = PaperOrder(
            client_id=order.client_id, side=order.side, price=order.price, volume=order.volume
        )
        self._attempts[order.cycle, order.slot] = order.attempt
        self._placed.append(order.created)
        self._count()
        receipt = self.market.submit(sent, known=order.client_id in self._sent)
        self._sent.add(order.client_id)
        self._venue_fills += receipt.fills
        self._count()
        if receipt.order.state is PaperState.REFUSED:
            self.desk.end_order(order.client_id, OrderState.REJECTED, receipt.order.error)
        else:
            self.desk.accept(order.client_id)

    def _cancel(self, order: Order) -> None:
        was_open = self.market.cancel(order.client_id) is not None
        self._count()
        if was_open:
            self.desk.end_order(order.client_id, OrderState.CANCELLED)
        else:
            # It filled in this very move, and its fill is not taken yet.
            self.desk.await_fills(order.client_id, order.volume)

    def _take_fill(self) -> bool:
        seen = int(self.desk.desk.applied or 0)
        if seen >= len(self._venue_fills):
            return False
        fill = self._venue_fills[seen]
        self.desk.take_fill(str(seen + 1), _fill(fill))
        return True

    def _collect(self) -> None:
        if not self.desk.pending.is_urgent:
            return
        problem = self.desk.has_book_balance()
        assert not problem, problem
        changes: Changes = self.desk.collect_changes()
        self.orders |= changes.orders
        self.fills += changes.fills
        self.notes += changes.notes
        self.signals += changes.signals

    # Restarts

    def _count(self) -> None:
        self._events += 1
        if self._killed_after is not None and self._killed_after(self._events):
            self.restart()

    def restart(self) -> None:
        """Build desk and market anew from the JSON of what a store would hold."""
        desk, old = self.desk, self.market
        state = self._strategy_state.validate_json(self._strategy_state.dump_json(desk.state))
        book = _DESK.validate_json(_DESK.dump_json(desk.desk))
        orders = _ORDERS.validate_json(_ORDERS.dump_json(list(desk.orders)))
        resting = _PAPER_ORDERS.validate_json(_PAPER_ORDERS.dump_json(list(old.open_orders)))
        time, last, ending = desk.time, desk.last, dict(desk.orders.ending)
        self.market = PaperMarket(
            rules=self.rules,
            slippage_ticks=self.slippage_ticks,
            quote=old.quote,
            base=old.base,
            last=old.last,
            time=old.time,
            orders=resting,
            next_seq=old.next_seq,
            next_accepted=old.next_accepted,
        )
        self.desk = self._make_desk(state, book, orders)
        # A service learns of these again when it looks its orders up at the venue.
        self.desk.orders.ending.update(ending)
        if time is not None and last is not None:
            self.desk.set_market(time=time, last=last, analysis=self._analysis)
        self._is_reborn = True

    def _make_desk(self, state: Any, book: DeskState, orders: Sequence[Order]) -> Desk[Any]:
        _, parameters = find_strategy(self.config)
        minute_ago = None if not self._placed else self._placed[-1] - timedelta(minutes=1)
        desk = Desk(
            strategy=self._entry.build(parameters),
            state=state,
            desk=replace(book, market=self.symbol),
            orders=LiveOrders(
                orders=orders,
                attempts=self._attempts,
                placed=[t for t in self._placed if minute_ago is None or t > minute_ago],
                bot_uid=self.uid,
            ),
            bot_uid=self.uid,
            rules=self.rules,
            limits=self.limits,
            slippage_ticks=self.slippage_ticks,
        )
        desk.orders_per_minute = self._orders_per_minute()
        desk.budget = self.asked_budget
        desk.set_wishes(self.wishes)
        return desk

    def _orders_per_minute(self) -> int:
        grid = self.config.grid
        return max(60, 2 * grid.grids) if grid is not None else 60


def replay(
    config: StrategyConfig,
    candles: Iterable[Candle],
    budget: Decimal,
    *,
    analyses: Iterable[Analysis] | None = None,
    symbol: str = "KRW-BTC",
    slippage_ticks: int = 1,
    uid: str = BOT_UID,
    limits: RiskLimits | None = None,
) -> Result:
    """Return what a bot makes of candles.

    Args:
        config: The strategy and its parameters.
        candles: Of one minute, in rising time.
        budget: Money of the bot, quote currency.
        analyses: By rising `data_until`; default: one every 5 minutes that holds nothing.
        symbol: The market; its venue rules are Upbit's.
        slippage_ticks: Ticks that a taker pays.
        uid: Uid of the bot.
        limits: Risk limits.
    """
    bot = Replay(
        config, budget, symbol=symbol, slippage_ticks=slippage_ticks, uid=uid, limits=limits
    )
    bot.walk(candles, analyses)
    return bot.result()


def recorded_minutes(
    symbol: str, *, since: datetime | None = None, count: int | None = None
) -> list[Candle]:
    """Return recorded 1-minute candles of a market, or skip the test where there are none.

    Args:
        symbol: A market of the recording.
        since: Open of the first one; default: the first of the recording.
        count: How many; default: all.
    """
    path = recorded_candles() / "upbit" / symbol / "1m.csv.gz"
    candles: list[Candle] = []
    with gzip.open(path, "rt", encoding="ascii", newline="\n") as lines:
        for c in parse_candles(lines, file=path.name, interval=Interval.M1, since=since):
            if count is not None and len(candles) >= count:
                break
            candles.append(
                Candle.model_construct(
                    time=c.time, open=c.open, high=c.high, low=c.low, close=c.close, volume=c.volume
                )
            )
    return candles


def _bare_analysis(time: datetime, known: Analysis | None) -> Analysis:
    if known is not None and time - known.data_until < _ANALYSIS_EVERY:
        return known
    return Analysis(data_until=time)


def _adapter(state_type: type[Any]) -> TypeAdapter[Any]:
    """Return what reads and writes a state; building one takes longer than a short replay."""
    if state_type not in _STATES:
        _STATES[state_type] = TypeAdapter(state_type)
    return _STATES[state_type]


def _fill(fill: PaperFill) -> Fill:
    return Fill(
        trade_id=str(fill.seq),
        client_id=fill.client_id,
        time=fill.time,
        side=fill.side,
        price=fill.price,
        volume=fill.volume,
        fee=fill.fee,
        maker=fill.maker,
    )


@exact
def _equity(ledger: Ledger, last: Decimal) -> Decimal:
    return ledger.equity(last)


@exact
def _max_drawdown(budget: Decimal, curve: Sequence[Mark]) -> Decimal:
    peak, deepest = budget, Decimal(0)
    for mark in curve:
        peak = max(peak, mark.equity)
        deepest = max(deepest, 1 - mark.equity / peak)
    return deepest
