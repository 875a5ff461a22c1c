"""A replay that checks after every event what must hold whatever the market does."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from dantaro_crds.money import exact
from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.core.orders import Order, Side
from dantaro_runtime.core.paper import CandleWalk, Fills, Opened, TriggerFired, WalkEvent
from tests.support.replay import Replay

__all__ = ["CheckedReplay"]

_ZERO = Decimal(0)


class CheckedReplay(Replay):
    """A replay with checks of money, orders and limits.

    Args:
        others_quote: Quote currency of others in the same paper account.
        others_base: Base currency of others in the same paper account.
        is_twice: Whether every step is done a second time, which must change nothing.
        shuffled: In which order fills of one move are told; None is as they happened.
    """

    def __init__(
        self,
        *args: Any,
        others_quote: Decimal = _ZERO,
        others_base: Decimal = _ZERO,
        is_twice: bool = False,
        shuffled: Random | None = None,
        killed_after: Callable[[int], bool] | None = None,
        **kwargs: Any,
    ) -> None:
        self.others_quote, self.others_base = others_quote, others_base
        self._is_twice = is_twice
        self._shuffled = shuffled
        self._seen = 0
        self._cash = self._coin = _ZERO
        super().__init__(
            *args, quote=others_quote, base=others_base, killed_after=killed_after, **kwargs
        )
        self._cash = self.budget

    def live_orders(self) -> Counter[tuple[str, Side, Decimal | None, Decimal]]:
        """Return the live orders, whatever their numbers are."""
        return Counter((o.slot, o.side, o.price, o.volume) for o in self.desk.orders)

    def contribute(self, amount: Decimal) -> None:
        """Change the budget, as far as the money is free."""
        more = amount - self.desk.desk.ledger.contributed
        if more >= 0:
            self.market.deposit(more)
        else:
            own = self.desk.desk.ledger.quote - (self.market.quote - self.market.free_quote)
            more = -self.market.withdraw(min(-more, own))
        self.budget += more
        self._cash += more
        self.desk.budget = self.asked_budget = amount
        self.desk.contribute(self.budget)
        self.settle()

    def _next_event(self, walk: CandleWalk) -> WalkEvent | None:
        before = len(self._venue_fills)
        event = super()._next_event(walk)
        if self._shuffled is not None and isinstance(event, Fills):
            told = self._venue_fills[before:]
            self._shuffled.shuffle(told)
            self._venue_fills[before:] = told
        return event

    def _react(self, event: WalkEvent, candle: Candle) -> None:
        super()._react(event, candle)
        self.check()
        if self._is_twice:
            self._do_again(event, candle)

    def _do_again(self, event: WalkEvent, candle: Candle) -> None:
        before = self._everything()
        if isinstance(event, Opened):
            self.desk.open_candle(candle.time)
        elif isinstance(event, TriggerFired) and event.trigger not in self.desk.triggers():
            self.desk.fire(event.trigger)
        self.settle()
        assert self._everything() == before

    def _everything(self) -> tuple[object, ...]:
        desk = self.desk
        rest = (desk.desk.ledger, desk.desk.risk, desk.desk.engine, desk.desk.applied)
        return (desk.state, *rest, tuple(desk.orders), self.market.open_orders, len(self.fills))

    @exact
    def _send(self, order: Order) -> None:
        rejected = self.desk.desk.rejected
        self._check_order(order)
        super()._send(order)
        assert self.desk.desk.rejected == rejected, self.notes

    def _check_order(self, order: Order) -> None:
        limits, desk = self.limits, self.desk
        last = self.market.last
        assert last is not None
        assert order.client_id not in self._sent
        most_open = self.rules.max_open_orders
        assert most_open is None or len(self.market.open_orders) < most_open
        price = last if order.price is None else order.price
        value = price * order.volume
        assert self.rules.is_volume(order.volume)
        assert self.rules.ticks.is_on_tick(price) or order.price is None
        assert value >= self.rules.min_total
        recent = [t for t in self._placed if (order.created - t).total_seconds() < 60]
        assert len(recent) < (limits.max_orders_per_minute or desk.orders_per_minute)
        if not order.entry:
            assert order.side is Side.SELL
            return
        assert order.side is Side.BUY
        assert self.wishes.running
        assert not self.wishes.halt
        assert desk.desk.risk.trip is None
        # The order itself is in the books already.
        exposure = desk.exposure()
        assert exposure.open_buys <= desk.desk.ledger.quote
        if limits.max_order_value is not None:
            assert value <= limits.max_order_value
        if limits.max_position_percent is not None:
            coin = (exposure.ledger.base + exposure.open_buy_volume) * last
            at_cost = exposure.cost + exposure.open_buys
            most = exposure.ledger.equity(last) * limits.max_position_percent / 100
            # The guard takes the order itself without its fee.
            assert coin <= most
            assert at_cost - value * self.rules.fee_rate <= most

    @exact
    def check(self) -> None:
        """Check money, coin and orders."""
        for fill in self.fills[self._seen :]:
            sign = 1 if fill.side is Side.BUY else -1
            assert fill.fee == fill.price * fill.volume * self.rules.fee_rate
            self._cash -= sign * fill.price * fill.volume + fill.fee
            self._coin += sign * fill.volume
        self._seen = len(self.fills)
        ledger, market, last = self.desk.desk.ledger, self.market, self.market.last
        assert last is not None
        assert (ledger.quote, ledger.base) == (self._cash, self._coin)
        assert ledger.quote >= 0
        assert ledger.base >= 0
        assert market.quote == ledger.quote + self.others_quote
        assert market.base == ledger.base + self.others_base
        assert market.quote - market.free_quote <= ledger.quote
        assert market.base - market.free_base <= ledger.base
        book = self.desk.book
        assert ledger.quote + ledger.base * last == (
            self.budget + book.realized + ledger.base * last - book.cost
        )
        assert book.cost >= 0
        if book.grid is not None:
            parts = book.grid
            total = parts.grid_profit + parts.initial_stock_gain + parts.exit_result
            assert book.realized == total
        self._check_orders()

    def _check_orders(self) -> None:
        ours = {o.client_id: (o.side, o.price, o.volume) for o in self.desk.orders}
        venue = {o.client_id: (o.side, o.price, o.volume) for o in self.market.open_orders}
        assert ours == venue
        slots = [(o.cycle, o.slot) for o in self.desk.orders]
        assert len(slots) == len(set(slots))
        buys = [o.price for o in self.desk.orders if o.side is Side.BUY and o.price is not None]
        sells = [o.price for o in self.desk.orders if o.side is Side.SELL and o.price is not None]
        assert not buys or not sells or max(buys) < min(sells)
