"""Private reads and orders."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from tests.support.exchange.calls import Call, Route
from tests.support.exchange.cancels import CANCEL_ROUTES
from tests.support.exchange.checks import check_identifier
from tests.support.exchange.config import Scope
from tests.support.exchange.faults import FaultKind
from tests.support.exchange.orders import (
    Draft,
    Order,
    OrdType,
    Refusal,
    Side,
    SmpType,
    State,
    TimeInForce,
)
from tests.support.exchange.wire import chance_row, order_row, read_time

__all__ = ["PRIVATE_ROUTES"]

_E = TypeVar("_E", bound=StrEnum)
_WEEK = timedelta(days=7)
_DIGITS = 20
"""More before or behind the point is no amount."""
_STATES = {"wait", "watch", "done", "cancel"}


def _accounts(call: Call) -> object:
    return call.world.accounts(call.pocket)


def _chance(call: Call) -> object:
    engine = call.world.engine
    return chance_row(engine, engine.market(call.need("market")), call.pocket)


def _choice(call: Call, name: str, kind: type[_E]) -> _E | None:
    text = call.text(name)
    if text is None:
        return None
    try:
        return kind(text)
    except ValueError:
        if name == "time_in_force":
            raise Refusal(400, "invalid_time_in_force", text) from None
        call.wrong(name, f"is {text!r}")


def _amount(call: Call, name: str) -> Decimal | None:
    text = call.text(name)
    if text is None:
        return None
    try:
        amount = Decimal(text)
    except InvalidOperation:
        call.wrong(name, f"is {text!r}")
    if not amount.is_finite() or abs(amount.adjusted()) > _DIGITS:
        call.wrong(name, f"is {text!r}")
    return amount


def _draft(call: Call) -> Draft:
    side, ord_type = _choice(call, "side", Side), _choice(call, "ord_type", OrdType)
    if side is None or ord_type is None:
        call.wrong("side, ord_type", "are needed")
    identifier = call.text("identifier")
    if identifier is not None:
        check_identifier(identifier)
    return Draft(
        market=call.need("market"),
        side=side,
        ord_type=ord_type,
        price=_amount(call, "price"),
        volume=_amount(call, "volume"),
        time_in_force=_choice(call, "time_in_force", TimeInForce),
        identifier=identifier,
        smp_type=_choice(call, "smp_type", SmpType) or SmpType.CANCEL_MAKER,
    )


def _place(call: Call) -> object:
    draft = _draft(call)
    stale = call.struck.get(FaultKind.STALE)
    before = call.world.accounts(call.pocket) if stale else None
    order = call.world.engine.place(call.pocket, draft, call.created_at)
    if stale:
        call.world.hide(order.uuid, stale.seconds, None, lists_only=stale.lists_only)
        if not stale.lists_only:
            call.world.hide(call.pocket.name, stale.seconds, before)
    return order_row(order)


def _test(call: Call) -> object:
    return order_row(call.world.engine.test(call.pocket, _draft(call), call.now))


def _order(call: Call) -> object:
    order = call.pocket.find(uuid=call.text("uuid"), identifier=call.text("identifier"))
    row = call.world.row(order, with_trades=True)
    if row is None:
        raise Refusal(404, "order_not_found", "the order was not found")
    return row


def _states(call: Call, default: tuple[str, ...]) -> set[str]:
    states = set(call.many("states") or call.many("state") or default)
    if not states <= _STATES:
        call.wrong("states", f"are {sorted(states)}")
    return states


def _rows(call: Call, orders: Iterable[Order], states: set[str]) -> list[dict[str, object]]:
    """Return orders as reads show them, in the order that was asked for."""
    market = call.text("market")
    rows = [
        row
        for order in orders
        if market in (None, order.draft.market)
        and (row := call.world.row(order)) is not None
        and row["state"] in states
    ]
    if call.text("order_by") != "asc":
        rows.reverse()
    return rows


def _open(call: Call) -> object:
    states = _states(call, ("wait",))
    limit = call.number("limit", 100, most=100)
    page = call.number("page", 1, most=1_000_000)
    pocket = call.pocket
    lagging = [pocket.by_uuid[n] for n in call.world.lagging() if n in pocket.by_uuid]
    orders = {o.uuid: o for o in (*pocket.open.values(), *lagging)}.values()
    rows = _rows(call, sorted(orders, key=lambda order: order.number), states)
    return rows[(page - 1) * limit : page * limit]


def _closed(call: Call) -> object:
    states = _states(call, ("done", "cancel"))
    if states & {"wait", "watch"}:
        call.wrong("states", f"are {sorted(states)}")
    start, end = call.text("start_time"), call.text("end_time")
    until = read_time(end) if end else (read_time(start) + _WEEK if start else call.now)
    since = read_time(start) if start else until - _WEEK
    if not timedelta() <= until - since <= _WEEK:
        call.wrong("start_time, end_time", "span more than 7 days")
    limit = call.number("limit", 100, most=1000)
    orders = [
        o
        for o in call.pocket.by_uuid.values()
        if o.state is not State.WAIT and since <= o.created_at <= until
    ]
    return _rows(call, orders, states)[:limit]


def _by_names(call: Call) -> object:
    uuids, identifiers = call.many("uuids"), call.many("identifiers")
    if not 1 <= len(uuids or identifiers) <= 100:
        call.wrong("uuids, identifiers", "have to be 1 to 100")
    pocket = call.pocket
    named = uuids or identifiers
    where = pocket.by_uuid if uuids else pocket.by_identifier
    orders = sorted((where[n] for n in named if n in where), key=lambda order: order.number)
    return _rows(call, orders, _STATES)


_SEES, _TRADES = Scope.ORDERS, Scope.TRADE

PRIVATE_ROUTES = {
    ("GET", "/v1/accounts"): Route(handler=_accounts, group="default", scope=Scope.ACCOUNTS),
    ("GET", "/v1/orders/chance"): Route(handler=_chance, group="default", scope=_SEES),
    ("POST", "/v1/orders"): Route(handler=_place, group="order", scope=_TRADES, status=201),
    ("POST", "/v1/orders/test"): Route(
        handler=_test, group="order-test", scope=_TRADES, status=201
    ),
    ("GET", "/v1/order"): Route(handler=_order, group="default", scope=_SEES),
    ("GET", "/v1/orders/open"): Route(handler=_open, group="default", scope=_SEES),
    ("GET", "/v1/orders/closed"): Route(handler=_closed, group="default", scope=_SEES),
    ("GET", "/v1/orders/uuids"): Route(handler=_by_names, group="default", scope=_SEES),
    **CANCEL_ROUTES,
}
