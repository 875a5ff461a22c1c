"""What Upbit's answers say, in our values. Pure: text and numbers in, values out.

A number that is missing, null, negative, or zero where there must be more, is no value: the answer
as a whole is then refused with `TransientError`, and the call may be repeated.

Source:
    Upbit API 1.6.4. Amounts are texts in private answers and numbers in public ones; times of
    private answers carry +09:00.
"""

import json
from dataclasses import replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from dantaro_crds.errors import TransientError
from dantaro_crds.values import decimal_text, parse_utc
from dantaro_crds.venues import rules_for
from dantaro_runtime.core.orders import OrderState, Side
from dantaro_runtime.core.venue import (
    VenueAccount,
    VenueBook,
    VenueMarket,
    VenueOrder,
    VenuePrice,
    VenueTrade,
)

__all__ = [
    "parse_body",
    "to_account",
    "to_book",
    "to_market",
    "to_order",
    "to_orders",
    "to_price",
    "with_event",
]

_V = TypeVar("_V")

_SIDES = {"bid": Side.BUY, "ask": Side.SELL}

_STATES = {
    "wait": OrderState.OPEN,
    "watch": OrderState.OPEN,
    "done": OrderState.DONE,
    "cancel": OrderState.CANCELLED,
}


def parse_body(content: bytes) -> Any:
    """Return the JSON of an answer; numbers with a point become `Decimal`.

    Raises:
        TransientError: It is no JSON.
    """
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise TransientError(f"expected JSON of Upbit, found {len(content)} other bytes") from error


def to_price(body: Any, symbol: str, *, read: datetime) -> VenuePrice:
    """Return the last price, from a ticker."""
    return VenuePrice(last=_positive(_row_of(body, symbol), "trade_price"), read=read)


def to_book(body: Any, symbol: str) -> VenueBook:
    """Return the best prices, from an order book."""
    units = _rows(_row_of(body, symbol).get("orderbook_units"))
    if not units:
        raise _unlike(f"orders in the book of {symbol}", units)
    book = VenueBook(bid=_positive(units[0], "bid_price"), ask=_positive(units[0], "ask_price"))
    if book.bid >= book.ask:
        raise _unlike("a bid below the ask", units[0])
    return book


def to_account(body: Any, symbol: str) -> VenueAccount:
    """Return what an account holds of a market's currencies; one that is not listed is 0."""
    quote, base = symbol.split("-", 1)
    rows = {row.get("currency"): row for row in _rows(body)}
    free, locked = {}, {}
    for currency in (quote, base):
        row = rows.get(currency, {"balance": "0", "locked": "0"})
        free[currency], locked[currency] = _amount(row, "balance"), _amount(row, "locked")
    return VenueAccount(
        quote=free[quote], quote_locked=locked[quote], base=free[base], base_locked=locked[base]
    )


def to_market(symbol: str, *, chance: Any, instruments: Any, last: Decimal) -> VenueMarket:
    """Return what a market asks of orders.

    Args:
        symbol: The market.
        chance: Answer of the order chance.
        instruments: Answer of the order book's instruments; their tick is that of the last price.
        last: Last price.
    """
    market = _inner(_mapping(chance), "market")
    if market.get("id") != symbol:
        raise _unlike(f"the order chance of {symbol}", market.get("id"))
    rules = rules_for("upbit", symbol)
    # A wrong guess of maker or taker must not cost more than was planned for.
    fees = [_amount(chance, "bid_fee"), _amount(chance, "ask_fee")]
    fees += [_amount(chance, k) for k in ("maker_bid_fee", "maker_ask_fee") if chance.get(k)]
    totals = [_positive(_inner(market, side), "min_total") for side in _SIDES]
    state, warnings = market.get("state"), []
    if state != "active":
        warnings.append(f"Upbit takes no orders on {symbol} now: its state is {state}")
    tick = _positive(_row_of(instruments, symbol), "tick_size")
    expected = rules.ticks.tick(last)
    if tick != expected:
        warnings.append(
            f"the price step of {symbol} at {decimal_text(last)} is {decimal_text(expected)} by "
            f"our table and {decimal_text(tick)} by Upbit: orders may be refused until the table "
            "is right"
        )
    return VenueMarket(
        rules=replace(rules, fee_rate=max(fees), min_total=max(totals)),
        is_open=state == "active",
        warning="; ".join(warnings),
    )


def with_event(market: VenueMarket, body: Any, symbol: str) -> VenueMarket:
    """Return a market with what the list of markets says of it.

    A list in another form is no reason to stop trading: that it says nothing is a warning.
    """
    rows = {row.get("market"): row.get("market_event") for row in _rows(body)}
    event, warnings = rows.get(symbol), [market.warning] if market.warning else []
    if not isinstance(event, dict) or not isinstance(event.get("caution"), dict):
        event = {"caution": {}}
        warnings.append(f"Upbit does not tell whether it warns of {symbol}")
    is_flagged = event.get("warning") is True
    if is_flagged:
        warnings.append(f"Upbit warns investors of {symbol}: it may be delisted")
    if cautions := sorted(name for name, is_set in event["caution"].items() if is_set is True):
        warnings.append(f"Upbit advises caution with {symbol}: {', '.join(cautions)}")
    return replace(market, is_flagged=is_flagged, warning="; ".join(warnings))


def to_orders(body: Any, symbol: str) -> tuple[VenueOrder, ...]:
    """Return a page of orders, as listed, without those of people that cannot be read.

    An order without an identifier is no bot's; a kind of order of tomorrow must not stop trading.
    """
    orders = []
    for row in _rows(body):
        try:
            orders.append(to_order(row, symbol))
        except TransientError:
            if row.get("identifier") is not None:
                raise
    return tuple(orders)


def to_order(body: Any, symbol: str) -> VenueOrder:
    """Return an order; its executions are None where the answer does not list them."""
    row = _mapping(body)
    if row.get("market") != symbol:
        raise _unlike(f"an order of {symbol}", row.get("market"))
    volume = _positive(row, "volume") if row.get("volume") is not None else None
    filled = _amount(row, "executed_volume")
    return VenueOrder(
        client_id=_text(row, "identifier") if row.get("identifier") is not None else "",
        venue_id=_text(row, "uuid"),
        side=_one_of(_SIDES, row, "side"),
        # Of other types the price is absent, or the total that may be spent.
        price=_positive(row, "price") if row.get("ord_type") == "limit" else None,
        volume=volume,
        state=_settled(_one_of(_STATES, row, "state"), volume=volume, filled=filled),
        filled_volume=filled,
        fee=_amount(row, "paid_fee"),
        created=_time(row, "created_at"),
        trades=_trades(row["trades"]) if row.get("trades") is not None else None,
    )


def _settled(state: OrderState, *, volume: Decimal | None, filled: Decimal) -> OrderState:
    """Return how an order ended, by what it has executed.

    A market buy that spent its money ends as `cancel`, since a rest too small for a coin's last
    decimal goes back.
    """
    if state is OrderState.OPEN:
        return state
    is_whole = filled > 0 if volume is None else filled >= volume
    return OrderState.DONE if is_whole else OrderState.CANCELLED


def _trades(body: Any) -> tuple[VenueTrade, ...]:
    trades = [
        VenueTrade(
            trade_id=_text(row, "uuid"),
            time=_time(row, "created_at"),
            price=_positive(row, "price"),
            volume=_positive(row, "volume"),
        )
        for row in _rows(body)
    ]
    return tuple(sorted(trades, key=lambda trade: trade.time))  # stable: Upbit's order within


# Fields


def _rows(body: Any) -> list[dict[str, Any]]:
    if not isinstance(body, list):
        raise _unlike("a list", body)
    return [_mapping(row) for row in body]


def _row_of(body: Any, symbol: str) -> dict[str, Any]:
    for row in _rows(body):
        if row.get("market") == symbol:
            return row
    raise _unlike(f"a row of {symbol}", body)


def _mapping(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise _unlike("an object", body)
    return body


def _inner(row: dict[str, Any], name: str) -> dict[str, Any]:
    return _mapping(row.get(name))


def _text(row: dict[str, Any], name: str) -> str:
    value = row.get(name)
    if not isinstance(value, str) or not value:
        raise _unlike(f"a text {name}", value)
    return value


def _one_of(choices: dict[str, _V], row: dict[str, Any], name: str) -> _V:
    value = row.get(name)
    if not isinstance(value, str) or value not in choices:
        raise _unlike(f"{name} of {', '.join(choices)}", value)
    return choices[value]


def _amount(row: dict[str, Any], name: str) -> Decimal:
    value = row.get(name)
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
        try:
            number = Decimal(value)
        except InvalidOperation:
            number = Decimal(-1)
        if number.is_finite() and number >= 0:
            return number
    raise _unlike(f"a number {name} >= 0", value)


def _positive(row: dict[str, Any], name: str) -> Decimal:
    number = _amount(row, name)
    if not number:
        raise _unlike(f"a number {name} > 0", number)
    return number


def _time(row: dict[str, Any], name: str) -> datetime:
    try:
        return parse_utc(row.get(name))
    except ValueError as error:
        raise TransientError(f"{name}: {error}") from error


def _no_number(text: str) -> Decimal:
    raise ValueError(text)


def _unlike(expected: str, found: Any) -> TransientError:
    return TransientError(f"expected {expected} in Upbit's answer, found {str(found)[:80]}")
