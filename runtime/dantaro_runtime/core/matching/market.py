"""The matching core of paper trading: one market, one account, no I/O.

The book has no spread and no depth: best bid = best ask = last price. Fills are complete, without
queue or volume limit. A resting order fills at its limit once the price goes through it; a touch is
no fill.

The whole state is plain: a market built anew from `quote`, `base`, `last`, `time`, `open_orders`,
`armed`, `next_seq` and `next_accepted` goes on exactly as the old one would have.

Money is exact whatever decimal context the caller has: what computes runs in the context of
`dantaro_crds.money`; an idle move only compares.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from dantaro_crds.money import exact
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.matching.orders import (
    PaperFill,
    PaperOrder,
    PaperState,
    Receipt,
    RestingOrders,
    TimeInForce,
    explain_flaw,
    filled,
)
from dantaro_runtime.core.orders import Side, Trigger, TriggerKind

__all__ = ["PaperMarket"]

_ZERO = Decimal(0)


class PaperMarket:
    """One market with one account; see the module's text.

    Args:
        rules: Venue's rules for the market.
        slippage_ticks: Ticks that a taker pays, >= 0.
        quote: Quote currency owned, locked part included.
        base: Base currency owned, locked part included.
        last: Last price; None before the first.
        time: Market time of it.
        orders: Open orders, in any sequence.
        armed: Triggers, in the order of arming.
        next_seq: Number of the next fill.
        next_accepted: Number of the next order that is accepted.
        maker_fee: Fraction of the notional; default: the venue's.
        taker_fee: Fraction of the notional; default: the venue's.
    """

    @exact
    def __init__(
        self,
        *,
        rules: VenueRules,
        slippage_ticks: int,
        quote: Decimal,
        base: Decimal,
        last: Decimal | None,
        time: datetime | None,
        orders: Iterable[PaperOrder] = (),
        armed: Sequence[Trigger] = (),
        next_seq: int = 1,
        next_accepted: int = 1,
        maker_fee: Decimal | None = None,
        taker_fee: Decimal | None = None,
    ) -> None:
        self.quote = quote
        self.base = base
        self.last = last
        self.time = time
        self.next_seq = next_seq
        self.next_accepted = next_accepted
        self._rules = rules
        self._slippage_ticks = slippage_ticks
        self._maker_fee = rules.fee_rate if maker_fee is None else maker_fee
        self._taker_fee = rules.fee_rate if taker_fee is None else taker_fee
        self._armed = list(armed)
        self._resting = RestingOrders()
        self._locked = {Side.BUY: _ZERO, Side.SELL: _ZERO}
        for order in orders:
            self._rest(order)

    # What it holds

    @property
    def free_quote(self) -> Decimal:
        """Return the quote currency that no open buy locks."""
        return _difference(self.quote, self._locked[Side.BUY])

    @property
    def free_base(self) -> Decimal:
        """Return the base currency that no open sell locks."""
        return _difference(self.base, self._locked[Side.SELL])

    @property
    def open_orders(self) -> tuple[PaperOrder, ...]:
        """Return the resting orders, the first accepted first."""
        return self._resting.by_acceptance()

    @property
    def armed(self) -> tuple[Trigger, ...]:
        """Return the armed triggers, in the order of arming."""
        return tuple(self._armed)

    # What the bot does

    @exact
    def submit(self, order: PaperOrder, *, known: bool) -> Receipt:
        """Take an order on arrival: refuse it, fill it as taker, cancel it or let it rest.

        Args:
            order: What the bot sent; its fields from `state` on are not looked at.
            known: Whether the client id was used before, also by an order that was refused.

        Source:
            Paper matching, section 3.
        """
        error = self._refusal(order, known=known)
        if error:
            return Receipt(order=replace(order, state=PaperState.REFUSED, error=error))
        order = replace(order, state=PaperState.OPEN, accepted=self.next_accepted)
        self.next_accepted += 1
        if self._is_marketable(order):
            if order.time_in_force is not TimeInForce.POST_ONLY:
                return self._take(order)
        elif order.time_in_force in {TimeInForce.GTC, TimeInForce.POST_ONLY}:
            self._rest(order)
            return Receipt(order=order)
        return Receipt(order=replace(order, state=PaperState.CANCELLED))

    @exact
    def cancel(self, client_id: str) -> PaperOrder | None:
        """Cancel an open order and return it as it ended; None if no such order is open."""
        order = self._unrest(client_id)
        return None if order is None else replace(order, state=PaperState.CANCELLED)

    def arm(self, triggers: Sequence[Trigger]) -> None:
        """Replace the armed triggers.

        One that is armed already keeps its place in the order of arming; new ones follow in the
        given order. Twice is as once. One that fired counts as new when it is given again.
        """
        if self._armed == list(triggers):
            return
        kept = [trigger for trigger in self._armed if trigger in triggers]
        self._armed = kept + [trigger for trigger in triggers if trigger not in kept]

    def due_trigger(self) -> Trigger | None:
        """Take the first armed trigger that is true at the last price; None if there is none."""
        if self.last is not None:
            for trigger in self._armed:
                if trigger.is_true_at(self.last):
                    self._armed.remove(trigger)
                    return trigger
        return None

    @exact
    def deposit(self, amount: Decimal) -> None:
        """Put in quote currency, >= 0."""
        self.quote += amount

    @exact
    def withdraw(self, amount: Decimal) -> Decimal:
        """Take out quote currency as far as it is free.

        Args:
            amount: Quote currency, >= 0.

        Returns:
            What was taken.
        """
        taken = min(amount, self.free_quote)
        self.quote -= taken
        return taken

    # What the market does

    def jump(self, price: Decimal, time: datetime) -> tuple[PaperFill, ...]:
        """Move the last price without seeing the prices between.

        Every resting order that the move goes through fills at its limit. Triggers are not looked
        at: `due_trigger` gives those that are true now. Twice is as once.

        Args:
            price: > 0.
            time: Market time, not before the present one.

        Returns:
            Fills, those of the better price first, equal prices by acceptance.

        Source:
            Paper matching, section 6, jump, steps 1 and 2.
        """
        self.last, self.time = price, time
        fills = []
        while order := self._resting.first_above(price) or self._resting.first_below(price):
            fills.append(self._fill_resting(order))
        return tuple(fills)

    def glide(self, price: Decimal, time: datetime) -> PaperFill | Trigger | None:
        """Move the last price through every value towards `price`, up to the next event.

        Call it again after the bot has reacted, until it returns None: then the last price is
        `price`. A trigger that is returned is no longer armed.

        Args:
            price: > 0; the market has a last price.
            time: Market time of the target, not before the present one.

        Returns:
            The trigger that fired or the fill that happened, with the last price at its price; a
            trigger that was true before comes first.

        Source:
            Paper matching, section 6, glide.
        """
        self.time = time
        if due := self.due_trigger():
            return due
        falls = self.last is not None and price < self.last
        resting = self._resting
        order = resting.first_above(price) if falls else resting.first_below(price)
        trigger = self._next_trigger(price, falls=falls) if self._armed else None
        if trigger is not None and (order is None or _is_first(trigger, order, falls=falls)):
            self._armed.remove(trigger)
            self.last = trigger.price
            return trigger
        if order is not None:
            self.last = order.price
            return self._fill_resting(order)
        self.last = price
        return None

    # Inside

    def _next_trigger(self, price: Decimal, *, falls: bool) -> Trigger | None:
        # None of them is true yet, so each lies beyond the last price; the first of equals wins.
        kind = TriggerKind.AT_OR_BELOW if falls else TriggerKind.AT_OR_ABOVE
        nearest: Trigger | None = None
        for trigger in self._armed:
            if trigger.kind is kind and trigger.is_true_at(price):
                beyond = nearest and (
                    trigger.price <= nearest.price if falls else trigger.price >= nearest.price
                )
                nearest = nearest if beyond else trigger
        return nearest

    def _refusal(self, order: PaperOrder, *, known: bool) -> str:
        if known:
            return f"the client id {order.client_id} was used before"
        if self.last is None:
            return "expected a market with a last price, there is none yet"
        if error := explain_flaw(order, rules=self._rules, last=self.last):
            return error
        need, free = self._lock_of(order), self._free(order.side)
        if need > free:
            return f"the order needs {decimal_text(need)}, free were {decimal_text(free)}"
        return ""

    def _free(self, side: Side) -> Decimal:
        return self.free_quote if side is Side.BUY else self.free_base

    def _lock_of(self, order: PaperOrder) -> Decimal:
        if order.side is Side.SELL:
            assert order.volume is not None
            return order.volume
        if order.price is None:
            assert order.funds is not None
            return order.funds * (1 + self._taker_fee)
        assert order.volume is not None
        return order.price * order.volume * (1 + max(self._maker_fee, self._taker_fee))

    def _rest(self, order: PaperOrder) -> None:
        self._resting.add(order)
        self._locked[order.side] += self._lock_of(order)

    def _unrest(self, client_id: str) -> PaperOrder | None:
        order = self._resting.pop(client_id)
        if order is not None:
            self._locked[order.side] -= self._lock_of(order)
        return order

    def _is_marketable(self, order: PaperOrder) -> bool:
        if order.price is None:
            return True
        assert self.last is not None
        return order.price >= self.last if order.side is Side.BUY else order.price <= self.last

    def _taker_price(self, order: PaperOrder) -> Decimal:
        assert self.last is not None
        ticks, steps = self._rules.ticks, self._slippage_ticks
        if order.side is Side.BUY:
            price = ticks.above(self.last, steps)
            return price if order.price is None else min(price, order.price)
        # One tick under the lowest price there is nothing: the coin then goes at the last price.
        price = ticks.below(self.last, steps) or self.last
        return price if order.price is None else max(price, order.price)

    def _take(self, order: PaperOrder) -> Receipt:
        price = self._taker_price(order)
        if order.volume is not None:
            fill = self._book(order, price, order.volume, maker=False)
            return Receipt(order=filled(order, fill), fills=(fill,))
        assert order.funds is not None
        volume = self._rules.floor_volume(order.funds / price)
        if not volume:
            return Receipt(order=replace(order, state=PaperState.CANCELLED))
        fill = self._book(order, price, volume, maker=False)
        return Receipt(order=filled(order, fill, PaperState.CANCELLED), fills=(fill,))

    @exact
    def _fill_resting(self, order: PaperOrder) -> PaperFill:
        self._unrest(order.client_id)
        assert order.price is not None
        assert order.volume is not None
        return self._book(order, order.price, order.volume, maker=True)

    def _book(
        self, order: PaperOrder, price: Decimal, volume: Decimal, *, maker: bool
    ) -> PaperFill:
        assert self.time is not None
        funds = price * volume
        fee = funds * (self._maker_fee if maker else self._taker_fee)
        if order.side is Side.BUY:
            self.quote -= funds + fee
            self.base += volume
        else:
            self.quote += funds - fee
            self.base -= volume
        assert self.quote >= 0
        assert self.base >= 0
        fill = PaperFill(
            seq=self.next_seq,
            client_id=order.client_id,
            time=self.time,
            side=order.side,
            price=price,
            volume=volume,
            fee=fee,
            maker=maker,
        )
        self.next_seq += 1
        return fill


@exact
def _difference(total: Decimal, part: Decimal) -> Decimal:
    return total - part


def _is_first(trigger: Trigger, order: PaperOrder, *, falls: bool) -> bool:
    # A trigger fires at a touch, an order fills only beyond: at one price the trigger is first.
    assert order.price is not None
    return trigger.price >= order.price if falls else trigger.price <= order.price
