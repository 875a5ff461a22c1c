"""Cancels: of one order, of many by name, of all on some markets."""

import asyncio

from tests.support.exchange.calls import Call, Route
from tests.support.exchange.config import Scope
from tests.support.exchange.faults import FaultKind
from tests.support.exchange.orders import Order, Refusal, State
from tests.support.exchange.wire import names, order_row

__all__ = ["CANCEL_ROUTES"]


def _cancel(call: Call, order: Order) -> dict[str, object]:
    """Cancel an order; the answer shows it as it was before, as the venue's does."""
    world, struck = call.world, call.struck
    if order.state is not State.WAIT:
        raise Refusal(404, "order_not_found", f"the order is {order.state}")
    before = order_row(order)
    if stale := struck.get(FaultKind.STALE):
        shown = world.row(order, with_trades=True)
        world.hide(order.uuid, stale.seconds, shown, lists_only=stale.lists_only)
        if not stale.lists_only:
            world.hide(call.pocket.name, stale.seconds, world.accounts(call.pocket))
    if late := struck.get(FaultKind.CANCEL_LATE):
        asyncio.get_running_loop().call_later(late.seconds, _cancel_if_open, call, order)
        return before
    if race := struck.get(FaultKind.CANCEL_FILLS):
        world.engine.fill(order, race.part, call.now)
        if order.state is not State.WAIT and race.is_accepted:
            return before
    world.engine.cancel(order)
    return before


def _cancel_if_open(call: Call, order: Order) -> None:
    call.world.feed.advance()
    if order.state is State.WAIT:
        call.world.engine.cancel(order)


def _cancel_one(call: Call) -> object:
    return _cancel(
        call, call.pocket.find(uuid=call.text("uuid"), identifier=call.text("identifier"))
    )


def _cancel_named(call: Call) -> object:
    uuids, identifiers = call.many("uuids"), call.many("identifiers")
    if not 1 <= len(uuids or identifiers) <= 20:
        call.wrong("uuids, identifiers", "have to be 1 to 20")
    pocket = call.pocket
    where = pocket.by_uuid if uuids else pocket.by_identifier
    label = "uuid" if uuids else "identifier"
    done: list[Order] = []
    failed: list[dict[str, object]] = []
    for name in uuids or identifiers:
        order = where.get(name)
        if order is None or order.state is not State.WAIT:
            failed.append({label: name, "market": order.draft.market if order else None})
        else:
            _cancel(call, order)
            done.append(order)
    return _split(names(done), failed)


def _cancel_open(call: Call) -> object:
    side = call.text("cancel_side") or "all"
    pairs, quotes = call.many("pairs"), call.many("quote_currencies")
    excluded = call.many("excluded_pairs")
    if side not in ("all", "bid", "ask") or len(pairs) > 20 or (pairs and quotes):
        call.wrong("cancel_side, pairs, quote_currencies", "do not fit")
    count = call.number("count", 20, most=300)
    orders = [
        order
        for order in call.pocket.open.values()
        if side in ("all", order.draft.side)
        and (not pairs or order.draft.market in pairs)
        and (not quotes or order.draft.market.split("-")[0] in quotes)
        and order.draft.market not in excluded
    ]
    if call.text("order_by") != "asc":
        orders.reverse()
    for order in orders[:count]:
        _cancel(call, order)
    return _split(names(orders[:count]), [])


def _split(done: list[dict[str, object]], failed: list[dict[str, object]]) -> object:
    return {
        "success": {"count": len(done), "orders": done},
        "failed": {"count": len(failed), "orders": failed},
    }


CANCEL_ROUTES = {
    ("DELETE", "/v1/order"): Route(handler=_cancel_one, group="default", scope=Scope.TRADE),
    ("DELETE", "/v1/orders/uuids"): Route(
        handler=_cancel_named, group="default", scope=Scope.TRADE
    ),
    ("DELETE", "/v1/orders/open"): Route(
        handler=_cancel_open, group="order-cancel-all", scope=Scope.TRADE
    ),
}
