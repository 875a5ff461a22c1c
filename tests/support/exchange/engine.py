"""The matching engine: pockets, books, fills. Pure; money is exact or it raises."""

import functools
from bisect import bisect_left, insort
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from decimal import (
    ROUND_DOWN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    localcontext,
)
from random import Random
from typing import ParamSpec, TypeVar
from uuid import UUID

from dantaro_crds.venues import VenueRules, rules_for
from tests.support.exchange.checks import check_draft
from tests.support.exchange.config import PocketConfig, Rules
from tests.support.exchange.orders import (
    Draft,
    Order,
    OrdType,
    Refusal,
    Side,
    SmpType,
    State,
    TimeInForce,
    Trade,
)
from tests.support.exchange.pockets import Pocket

__all__ = ["Engine", "Market", "exactly"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_ZERO = Decimal(0)
_STEP = Decimal("1E-8")
_EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, DivisionByZero])
"""A sum that would have to be rounded raises `Inexact`: the books hold exact figures only."""
_CUT = Context(prec=120, rounding=ROUND_DOWN)


def exactly(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Return the function so that it raises where it would have to round."""

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        with localcontext(_EXACT):
            return function(*args, **kwargs)

    return call


def _floor(amount: Decimal) -> Decimal:
    return amount.quantize(_STEP, context=_CUT)


@dataclass(kw_only=True)
class Market:
    """One market: its last price and the orders that rest.

    Attributes:
        bids: (-price, number, order): the best first. `asks` likewise with the price.
        state: `active`, or anything else while nothing can be placed.
        is_flagged: Whether investors are warned of it. `cautions` names lesser concerns.
        shown: Last price that the ticker tells in place of the true one.
    """

    code: str
    last: Decimal
    venue: VenueRules
    state: str = "active"
    is_flagged: bool = False
    cautions: tuple[str, ...] = ()
    shown: Decimal | None = None
    bids: list[tuple[Decimal, int, Order]] = field(default_factory=list)
    asks: list[tuple[Decimal, int, Order]] = field(default_factory=list)

    @property
    def quote(self) -> str:
        """The currency that is paid with."""
        return self.code.split("-")[0]

    @property
    def base(self) -> str:
        """The coin."""
        return self.code.split("-")[1]

    def currency(self, side: Side) -> str:
        """Return what an order of a side locks."""
        return self.quote if side is Side.BID else self.base

    def rest(self, order: Order) -> None:
        """Put an order into the book."""
        side, sign = self._side(order)
        insort(side, (sign * order.limit, order.number, order))

    def remove(self, order: Order) -> None:
        """Take an order out of the book, if it is there."""
        side, sign = self._side(order)
        place = bisect_left(side, (sign * order.limit, order.number), key=lambda row: row[:2])
        if place < len(side) and side[place][2] is order:
            del side[place]

    def _side(self, order: Order) -> tuple[list[tuple[Decimal, int, Order]], int]:
        return (self.bids, -1) if order.is_bid else (self.asks, 1)


class Engine:
    """Everything the venue knows about money."""

    def __init__(self, rules: Rules, pockets: Iterable[PocketConfig] = ()) -> None:
        self.rules = rules
        self.pockets = {p.name: Pocket.with_balances(p.name, p.balances) for p in pockets}
        self.markets: dict[str, Market] = {}
        self.fees: dict[str, Decimal] = {}
        self._random = Random(rules.seed)
        self._number = 0

    def add_market(self, code: str, last: Decimal) -> None:
        """Open a market at a price."""
        self.markets[code] = Market(code=code, last=last, venue=rules_for("upbit", code))

    def market(self, code: str) -> Market:
        """Return a market or refuse."""
        if code not in self.markets:
            raise Refusal(400, "notfoundmarket", f"no market {code}")
        return self.markets[code]

    @exactly
    def deposit(self, pocket: Pocket, currency: str, amount: Decimal) -> None:
        """Bring money in from outside; below 0 takes it out."""
        pocket.deposit(currency, amount)

    @exactly
    def test(self, pocket: Pocket, draft: Draft, now: datetime) -> Order:
        """Check an order as `place` does and return what it would be; nothing is changed."""
        check_draft(pocket, draft, self.market(draft.market))
        order, needed = self._new_order(pocket, draft, now)
        currency = self.market(draft.market).currency(draft.side)
        if needed > pocket.balance(currency).free:
            raise Refusal(400, f"insufficient_funds_{draft.side}", f"needed {needed} {currency}")
        return order

    @exactly
    def place(self, pocket: Pocket, draft: Draft, now: datetime) -> Order:
        """Take an order in and match it.

        Its identifier is used up from the first arrival on, also when the order is refused.

        Returns:
            A copy of the order as it was when it was accepted: waiting, nothing filled.

        Raises:
            Refusal: The venue does not take it.
        """
        market = self.market(draft.market)
        try:
            check_draft(pocket, draft, market)
            order, needed = self._new_order(pocket, draft, now)
            pocket.lock(market.currency(draft.side), needed, side=draft.side)
        finally:
            if draft.identifier is not None:
                pocket.burned.add(draft.identifier)
        pocket.by_uuid[order.uuid] = pocket.open[order.uuid] = order
        if draft.identifier is not None:
            pocket.by_identifier[draft.identifier] = order
        accepted = copy(order)
        accepted.trades = []
        if self._prevent(market, order):
            self._end(market, order, State.CANCEL)
        else:
            self._match(market, order, now)
        return accepted

    @exactly
    def cancel(self, order: Order) -> Order:
        """Cancel an open order and return a copy of it as it was before.

        Raises:
            Refusal: It is not open any more.
        """
        if order.state is not State.WAIT:
            raise Refusal(404, "order_not_found", f"the order is {order.state}")
        before = copy(order)
        self._end(self.markets[order.draft.market], order, State.CANCEL)
        return before

    @exactly
    def move(self, code: str, price: Decimal, now: datetime) -> None:
        """Bring the last price of a market to `price`; what it reaches fills at its limit."""
        market = self.markets[code]
        market.last = price
        for order in self._reached(market.bids, -price) + self._reached(market.asks, price):
            self._touch(market, order, order.limit, now, is_taker=False)

    @exactly
    def fill(self, order: Order, part: Decimal, now: datetime) -> None:
        """Fill a part of what is left of a resting order at its limit, wherever the price is."""
        if order.state is State.WAIT:
            volume = _floor(order.remaining * part) or order.remaining
            self._fill(self.markets[order.draft.market], order, order.limit, volume, now)

    def taker_price(self, market: Market, side: Side) -> Decimal:
        """Return the price that a taker without a limit gets."""
        ticks, steps = market.venue.ticks, self.rules.slippage_ticks
        if steps == 0:
            return market.last
        return (
            ticks.above(market.last, steps)
            if side is Side.BID
            else (ticks.below(market.last, steps) or market.last)
        )

    def _new_order(self, pocket: Pocket, draft: Draft, now: datetime) -> tuple[Order, Decimal]:
        rate = self.rules.fee_rate
        fee = _ZERO
        if draft.side is Side.ASK:
            assert draft.volume is not None
            needed = draft.volume
        else:
            assert draft.price is not None
            total = draft.price if draft.volume is None else draft.price * draft.volume
            fee = total * rate
            needed = total + fee
        self._number += 1
        order = Order(
            draft=draft,
            uuid=self._uuid(),
            number=self._number,
            pocket=pocket.name,
            created_at=now,
            locked=needed,
            reserved_fee=fee,
        )
        return order, needed

    def _reached(self, side: list[tuple[Decimal, int, Order]], bound: Decimal) -> list[Order]:
        """Return the resting orders whose key is <= bound (at touch) or < bound, best first."""
        count = bisect_left(side, bound, key=lambda row: row[0])
        while self.rules.fills_at_touch and count < len(side) and side[count][0] == bound:
            count += 1
        return [order for _, _, order in side[:count]]

    def _prevent(self, market: Market, order: Order) -> bool:
        """Carry out self-match prevention; return whether the new order ends."""
        mode = order.draft.smp_type
        if mode is SmpType.NONE:
            return False
        is_limit = order.draft.ord_type is OrdType.LIMIT
        price = order.limit if is_limit else self.taker_price(market, order.draft.side)
        side, bound = (market.asks, price) if order.is_bid else (market.bids, -price)
        met = [o for key, _, o in side if key <= bound and o.pocket == order.pocket]
        if not met:
            return False
        if mode is SmpType.CANCEL_TAKER:
            order.prevented_volume, order.prevented_locked = order.remaining, order.locked
            return True
        for other in met:
            other.prevented_volume, other.prevented_locked = other.remaining, other.locked
            self._end(market, other, State.CANCEL)
        return False

    def _match(self, market: Market, order: Order, now: datetime) -> None:
        if order.draft.ord_type is not OrdType.LIMIT:
            self._match_at_market(market, order, now)
            return
        taker = self.taker_price(market, order.draft.side)
        limit, force = order.limit, order.draft.time_in_force
        is_marketable = limit >= market.last if order.is_bid else limit <= market.last
        if force is TimeInForce.POST_ONLY and is_marketable:
            self._end(market, order, State.CANCEL)
            return
        if is_marketable:
            price = min(limit, taker) if order.is_bid else max(limit, taker)
            is_whole = force is TimeInForce.FOK
            self._touch(market, order, price, now, is_taker=True, is_whole=is_whole)
        if order.state is State.WAIT:
            if force in (TimeInForce.IOC, TimeInForce.FOK):
                self._end(market, order, State.CANCEL)
            else:
                market.rest(order)

    def _match_at_market(self, market: Market, order: Order, now: datetime) -> None:
        price = self.taker_price(market, order.draft.side)
        if order.is_by_total:
            assert order.draft.price is not None
            left = _floor(_CUT.divide(order.draft.price, price))
        else:
            left = order.remaining
        while left > 0 and order.state is State.WAIT:
            volume = self._part(left)
            left -= volume
            self._fill(market, order, price, volume, now, is_taker=True)
        if order.state is State.WAIT:
            self._end(market, order, State.CANCEL)

    def _touch(
        self,
        market: Market,
        order: Order,
        price: Decimal,
        now: datetime,
        *,
        is_taker: bool,
        is_whole: bool = False,
    ) -> None:
        volume = order.remaining if is_whole else self._part(order.remaining)
        self._fill(market, order, price, volume, now, is_taker=is_taker)

    def _part(self, volume: Decimal) -> Decimal:
        """Return what one touch fills: all, or a random part, never nothing."""
        if self.rules.partial == 0 or self._random.random() >= self.rules.partial:
            return volume
        share = Decimal(self._random.randrange(1, 1000)) / 1000
        return _floor(volume * share) or volume

    def _fill(
        self,
        market: Market,
        order: Order,
        price: Decimal,
        volume: Decimal,
        now: datetime,
        *,
        is_taker: bool = False,
    ) -> None:
        rate = self.rules.fee_rate
        pocket = self.pockets[order.pocket]
        funds = price * volume
        fee = funds * rate
        quote, base = pocket.balance(market.quote), pocket.balance(market.base)
        if order.is_bid:
            unit = price if order.is_by_total else order.limit
            released = unit * volume * (1 + rate)
            order.locked -= released
            quote.locked -= released
            quote.free += released - funds - fee
            base.add_bought(volume, funds)
        else:
            order.locked -= volume
            base.locked -= volume
            quote.free += funds - fee
        order.executed_volume += volume
        order.executed_funds += funds
        order.paid_fee += fee
        self.fees[market.quote] = self.fees.get(market.quote, _ZERO) + fee
        self._number += 1
        order.trades.append(
            Trade(
                uuid=self._uuid(),
                number=self._number,
                price=price,
                volume=volume,
                funds=funds,
                fee=fee,
                is_taker=is_taker,
                created_at=now,
            )
        )
        if not order.is_by_total and order.remaining == 0:
            self._end(market, order, State.DONE)

    def _end(self, market: Market, order: Order, state: State) -> None:
        """Take an order off the book and give back what it still holds."""
        pocket = self.pockets[order.pocket]
        balance = pocket.balance(market.currency(order.draft.side))
        balance.locked -= order.locked
        balance.free += order.locked
        order.locked = _ZERO
        order.state = state
        pocket.open.pop(order.uuid, None)
        if order.draft.ord_type is OrdType.LIMIT:
            market.remove(order)

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))
