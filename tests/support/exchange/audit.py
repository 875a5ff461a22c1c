"""Checks the engine's books against themselves: every figure again, from deposits and trades."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from tests.support.exchange.engine import Engine, exactly
from tests.support.exchange.orders import Order, State
from tests.support.exchange.pockets import Pocket

__all__ = ["find_faults"]

_ZERO = Decimal(0)


@exactly
def find_faults(engine: Engine) -> list[str]:
    """Return what is wrong with the books, one sentence each; nothing when all is well."""
    faults = [fault for pocket in engine.pockets.values() for fault in _pocket(engine, pocket)]
    orders = [o for pocket in engine.pockets.values() for o in pocket.by_uuid.values()]
    fees: dict[str, Decimal] = {}
    for order in orders:
        faults += _order(order, engine.rules.fee_rate)
        quote = engine.markets[order.draft.market].quote
        fees[quote] = fees.get(quote, _ZERO) + sum((t.fee for t in order.trades), _ZERO)
    for currency, fee in fees.items():
        if engine.fees.get(currency, _ZERO) != fee:
            faults.append(f"fees of {currency}: {engine.fees.get(currency)} kept, {fee} in trades")
    resting = [o for m in engine.markets.values() for _, _, o in (*m.bids, *m.asks)]
    waiting = [o for o in orders if o.state is State.WAIT]
    if sorted(o.number for o in resting) != sorted(o.number for o in waiting):
        faults.append("the books hold other orders than those that wait")
    return faults


def _pocket(engine: Engine, pocket: Pocket) -> Iterator[str]:
    totals: dict[str, Decimal] = dict(pocket.deposits)
    locked: dict[str, Decimal] = {}
    for order in pocket.by_uuid.values():
        market = engine.markets[order.draft.market]
        sign = 1 if order.is_bid else -1
        for trade in order.trades:
            totals[market.base] = totals.get(market.base, _ZERO) + sign * trade.volume
            money = -trade.fee - sign * trade.funds
            totals[market.quote] = totals.get(market.quote, _ZERO) + money
        if order.state is State.WAIT:
            held = market.currency(order.draft.side)
            locked[held] = locked.get(held, _ZERO) + order.locked
    for currency, balance in pocket.balances.items():
        name = f"{pocket.name} {currency}"
        if balance.free < 0 or balance.locked < 0:
            yield f"{name}: free {balance.free}, locked {balance.locked}"
        if balance.total != totals.get(currency, _ZERO):
            yield f"{name}: {balance.total} kept, {totals.get(currency)} by deposits and trades"
        if balance.locked != locked.get(currency, _ZERO):
            yield f"{name}: {balance.locked} locked, orders hold {locked.get(currency)}"
    if set(pocket.open) != {u for u, o in pocket.by_uuid.items() if o.state is State.WAIT}:
        yield f"{pocket.name}: the open orders are not those that wait"
    identifiers = Counter(o.draft.identifier for o in pocket.by_uuid.values() if o.draft.identifier)
    yield from (
        f"{pocket.name}: {i} stands for {n} orders" for i, n in identifiers.items() if n > 1
    )


def _order(order: Order, rate: Decimal) -> Iterator[str]:
    volume = sum((t.volume for t in order.trades), _ZERO)
    funds = sum((t.price * t.volume for t in order.trades), _ZERO)
    if (order.executed_volume, order.executed_funds) != (volume, funds):
        yield f"{order.uuid}: executed {order.executed_volume}, trades hold {volume}"
    if order.paid_fee != funds * rate:
        yield f"{order.uuid}: fee {order.paid_fee}, wanted {funds * rate}"
    limit = order.draft.price if order.draft.volume is not None else None
    for trade in order.trades:
        if limit is not None and (trade.price > limit if order.is_bid else trade.price < limit):
            yield f"{order.uuid}: filled at {trade.price}, its limit is {limit}"
    wanted = _ZERO
    if order.state is State.WAIT:
        wanted = order.remaining * (order.limit * (1 + rate) if order.is_bid else 1)
    if order.locked != wanted:
        yield f"{order.uuid}: holds {order.locked}, wanted {wanted}"
    is_whole = order.draft.volume is not None and order.executed_volume == order.draft.volume
    if is_whole != (order.state is State.DONE):
        yield f"{order.uuid}: {order.state}, {order.executed_volume} of {order.draft.volume}"
