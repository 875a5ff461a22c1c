"""The grid strategy on the paper market, driven by candles."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.core.orders import (
    Fill,
    Intent,
    Order,
    OrderState,
    Side,
    client_order_id,
)
from dantaro_runtime.core.paper import (
    CandleWalk,
    Fills,
    Opened,
    PaperFill,
    PaperMarket,
    PaperOrder,
    PaperState,
)
from dantaro_runtime.core.strategies.grid import GridStrategy
from dantaro_runtime.core.strategies.grid_state import GridState
from dantaro_runtime.core.strategies.protocol import Context, Step
from tests.support.grid_exchange import make_grid

pytestmark = pytest.mark.unit

D = Decimal
START = datetime(2026, 1, 1, tzinfo=UTC)
KRW = rules_for("paper", "KRW-BTC")
V13 = (
    "3240 3250 3230 3240",
    "3240 3240 3090 3120",
    "3120 3320 3110 3310",
    "3210 3215 3150 3160",
)


def make_candle(number: int, prices: Sequence[Decimal]) -> Candle:
    start, high, low, close = prices
    return Candle(
        time=START + number * timedelta(minutes=1),
        open=start,
        high=high,
        low=low,
        close=close,
        volume=D(1),
    )


class PaperRun:
    """A grid and its paper market; the smallest engine that keeps the order of events."""

    def __init__(self, grid: GridParameters, *, budget: str = "1000000", slippage: int = 0) -> None:
        self.strategy = GridStrategy(grid)
        self.state = self.strategy.initial()
        self.budget = D(budget)
        self.quote, self.base = self.budget, D(0)
        self.slippage = slippage
        self.market = PaperMarket(
            rules=KRW,
            slippage_ticks=slippage,
            quote=self.budget,
            base=self.base,
            last=None,
            time=None,
        )
        self.live: dict[str, Order] = {}
        self.fills: list[PaperFill] = []
        self.attempts: Counter[tuple[int, str]] = Counter()

    def walk(self, *candles: Sequence[Decimal]) -> "PaperRun":
        for number, prices in enumerate(candles):
            walk = CandleWalk(self.market, make_candle(number, prices))
            while event := walk.next_event():
                if isinstance(event, Opened):
                    self.take(self.strategy.on_open(self.state, self.context()))
                elif isinstance(event, Fills):
                    self.report(event.fills)
                else:
                    step = self.strategy.on_trigger(self.state, event.trigger.name, self.context())
                    self.take(step)
                self.react()
        return self

    def tick(self, *candles: Sequence[Decimal]) -> "PaperRun":
        """Feed the four points of each candle as ticks."""
        for number, (start, high, low, close) in enumerate(candles):
            middle = (low, high) if close >= start else (high, low)
            for point, price in enumerate((start, *middle, close)):
                time = START + number * timedelta(minutes=1) + point * timedelta(seconds=15)
                self.report(self.market.jump(price, time))
                self.react()
                while trigger := self.market.due_trigger():
                    self.take(self.strategy.on_trigger(self.state, trigger.name, self.context()))
                    self.react()
                if not point:
                    self.take(self.strategy.on_open(self.state, self.context()))
                    self.react()
        return self

    def context(self) -> Context:
        assert self.market.last is not None
        assert self.market.time is not None
        return Context(
            bot_uid="0123456789abcdef",
            time=self.market.time,
            last=self.market.last,
            rules=KRW,
            slippage_ticks=self.slippage,
            budget=self.budget,
            quote=self.quote,
            base=self.base,
            entries_allowed=True,
            analysis=None,
            live_orders=len(self.live),
        )

    def take(self, step: Step[GridState]) -> None:
        self.state = step.state

    @exact
    def report(self, fills: Sequence[PaperFill]) -> None:
        for paper in fills:
            self.fills.append(paper)
            order = replace(
                self.live.pop(paper.client_id), state=OrderState.DONE, filled_volume=paper.volume
            )
            fill = Fill(
                trade_id=str(paper.seq),
                client_id=paper.client_id,
                time=paper.time,
                side=paper.side,
                price=paper.price,
                volume=paper.volume,
                fee=paper.fee,
                maker=paper.maker,
            )
            sign = 1 if paper.side is Side.BUY else -1
            self.quote -= sign * fill.funds + fill.fee
            self.base += sign * fill.volume
            self.take(self.strategy.on_fill(self.state, order, fill, self.context()))
            book = self.strategy.book(self.state)
            assert self.quote + book.cost == self.budget + book.realized

    def react(self) -> None:
        while self._cancel_one() or self._place_one():
            pass
        self.market.arm(self.strategy.wanted(self.state, self.context()).triggers)

    def _cancel_one(self) -> bool:
        wanted = {o.slot: o for o in self.strategy.wanted(self.state, self.context()).orders}
        for order in tuple(self.live.values()):
            intent = wanted.get(order.slot)
            if intent and (intent.price, intent.volume) == (order.price, order.volume):
                continue
            if self.market.cancel(order.client_id) is None:
                continue  # it filled in this very jump: the fill is on its way
            del self.live[order.client_id]
            ended = replace(order, state=OrderState.CANCELLED)
            self.take(self.strategy.on_end(self.state, ended, self.context()))
            return True
        return False

    def _place_one(self) -> bool:
        slots = {order.slot for order in self.live.values()}
        for intent in self.strategy.wanted(self.state, self.context()).orders:
            if intent.slot not in slots:
                self._place(intent)
                return True
        return False

    def _place(self, intent: Intent) -> None:
        cycle = self.strategy.cycle(self.state)
        self.attempts[cycle, intent.slot] += 1
        attempt = self.attempts[cycle, intent.slot]
        order = Order(
            client_id=client_order_id(
                "0123456789abcdef", cycle=cycle, slot=intent.slot, attempt=attempt
            ),
            cycle=cycle,
            slot=intent.slot,
            attempt=attempt,
            side=intent.side,
            price=intent.price,
            volume=intent.volume,
            entry=intent.entry,
            state=OrderState.OPEN,
            created=START,
        )
        sent = PaperOrder(
            client_id=order.client_id, side=order.side, price=order.price, volume=order.volume
        )
        receipt = self.market.submit(sent, known=False)
        assert receipt.order.state is not PaperState.REFUSED, receipt.order.error
        self.live[order.client_id] = order
        self.report(receipt.fills)

    def prices(self, side: Side) -> list[Decimal]:
        return sorted(o.price or D(0) for o in self.live.values() if o.side is side)


def candles(*texts: str) -> list[tuple[Decimal, ...]]:
    return [tuple(D(part) for part in text.split()) for text in texts]


def test_v13_of_the_paper_rules_to_the_last_digit() -> None:
    run = PaperRun(make_grid()).walk(*candles(*V13))
    assert [(f.time - START, f.side, f.volume, f.price, f.maker, f.fee) for f in run.fills] == [
        (timedelta(seconds=at), side, D(volume), D(price), maker, D(fee))
        for at, side, volume, price, maker, fee in (
            (0, Side.BUY, "189.53860617", "3240", False, "307.0525419954"),
            (90, Side.BUY, "63.17953539", "3100", True, "97.9282798545"),
            (150, Side.SELL, "63.17953539", "3200", True, "101.087256624"),
            (150, Side.SELL, "63.17953539", "3300", True, "104.2462333935"),
            (210, Side.BUY, "63.17953539", "3200", True, "101.087256624"),
        )
    ]
    book = run.strategy.book(run.state)
    assert (run.quote, run.base) == (D("397819.4215187086"), D("189.53860617"))
    assert (run.market.quote, run.market.base) == (run.quote, run.base)
    assert sum(fill.fee for fill in run.fills) == D("711.4015684914")
    assert book.grid is not None
    assert book.grid.grid_profit == D("6118.9380025215")
    assert book.grid.initial_stock_gain == D("3584.1750426747")
    assert run.base * 3160 - book.cost == D("-12941.6960292876")
    assert run.quote + run.base * 3160 == D("996761.4170159086")
    assert run.prices(Side.BUY) == [D(3000), D(3100)]
    assert run.prices(Side.SELL) == [D(3300), D(3400), D(3500)]


def test_a_stop_inside_a_candle_sells_at_its_price() -> None:
    run = PaperRun(make_grid(stop_loss="2900")).walk(
        *candles("3240 3240 3240 3240", "3240 3250 2800 2850")
    )
    assert run.fills[-1].price == 2900
    assert run.fills[-1].volume == D("315.89767695")
    assert run.quote == D("915645.2115286876")
    assert run.strategy.is_stopped(run.state)
    assert run.live == {}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(["3240 3801 3240 3801"], id="in-one-glide"),
        pytest.param(["3240 3240 3240 3240", "3801 3801 3801 3801"], id="over-a-gap"),
    ],
)
def test_trailing_follows_in_the_same_candle(path: list[str]) -> None:
    run = PaperRun(make_grid(trailing_up={})).walk(*candles(*path))
    assert run.prices(Side.BUY) == [D(price) for price in (3300, 3400, 3500, 3600, 3700)]
    assert {order.volume for order in run.live.values()} == {D("58.81041815")}
    assert run.quote == D("1029696.9088147156")


PRICES = st.integers(2800, 3800)


@st.composite
def paths(draw: st.DrawFn) -> list[tuple[Decimal, ...]]:
    rows = draw(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES), min_size=1, max_size=12))
    return [(D(a), D(max(a, b, c, d)), D(min(a, b, c, d)), D(d)) for a, b, c, d in rows]


@settings(max_examples=60)
@given(path=paths(), grids=st.integers(2, 20), slippage=st.integers(0, 2))
def test_ticks_at_the_four_points_give_the_fills_of_the_candles(
    path: list[tuple[Decimal, ...]], grids: int, slippage: int
) -> None:
    grid = make_grid(grids=grids)
    by_candles = PaperRun(grid, slippage=slippage).walk(*path)
    by_ticks = PaperRun(grid, slippage=slippage).tick(*path)
    assert [replace(fill, time=START) for fill in by_candles.fills] == [
        replace(fill, time=START) for fill in by_ticks.fills
    ]


@settings(max_examples=60)
@given(
    path=paths(),
    grids=st.integers(2, 20),
    keeps=st.booleans(),
    trails=st.booleans(),
    slippage=st.integers(0, 2),
)
def test_stops_and_trailing_keep_the_books_in_step_with_the_market(
    path: list[tuple[Decimal, ...]], grids: int, keeps: bool, trails: bool, slippage: int
) -> None:
    grid = make_grid(
        grids=grids,
        stop_loss="2900",
        stop_action="Keep" if keeps else "Sell",
        take_profit="3750",
        trailing_up={} if trails else None,
    )
    run = PaperRun(grid, slippage=slippage).walk(*path)
    assert (run.market.quote, run.market.base) == (run.quote, run.base)
    if run.strategy.is_stopped(run.state):
        assert run.live == {}
        assert keeps or run.base * (run.market.last or 0) < KRW.min_total
