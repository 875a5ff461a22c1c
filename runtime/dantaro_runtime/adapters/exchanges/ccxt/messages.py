"""What ccxt's unified answers say, in our values. Pure.

A number that is missing, negative, or zero where there must be more, is no value: the answer as a
whole is then refused with `TransientError`, and the call may be repeated.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dantaro_crds.errors import SafetyError, TransientError
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import TickTable, VenueRules
from dantaro_runtime.core.orders import OrderState, Side
from dantaro_runtime.core.venue import VenueAccount, VenueBook, VenueOrder, VenueTrade

__all__ = [
    "order_fee",
    "our_symbol",
    "their_symbol",
    "to_account",
    "to_book",
    "to_order",
    "to_price",
    "to_rules",
    "to_trades",
]

_SIDES = {"buy": Side.BUY, "sell": Side.SELL}

_ENDED = {"closed", "canceled", "cancelled", "expired", "rejected"}

_DECIMAL_PLACES, _TICK_SIZE = 2, 4
"""ccxt's ways to write a precision."""


def their_symbol(symbol: str) -> str:
    """Return ccxt's name of a market: `BTC/KRW` of `KRW-BTC`."""
    quote, base = symbol.split("-", 1)
    return f"{base}/{quote}"


def our_symbol(symbol: Any) -> str:
    """Return our name of a market of ccxt; one in another form is returned as it is."""
    base, slash, quote = str(symbol).partition("/")
    return f"{quote}-{base}" if slash else base


def to_price(ticker: Any) -> Decimal:
    """Return the last price of a ticker."""
    return _positive(ticker, "last")


def to_book(body: Any) -> VenueBook:
    """Return the best prices of an order book."""
    bids, asks = _field(body, "bids"), _field(body, "asks")
    if not bids or not asks:
        raise _unlike("orders on both sides of the book", "none")
    best = {"bid": bids[0][0], "ask": asks[0][0]}
    book = VenueBook(bid=_positive(best, "bid"), ask=_positive(best, "ask"))
    if book.bid >= book.ask:
        raise _unlike("a bid below the ask", best)
    return book


def to_account(balance: Any, symbol: str) -> VenueAccount:
    """Return what an account holds of a market's currencies; one that is not listed is 0."""
    quote, base = (_pocket(balance, currency) for currency in symbol.split("-", 1))
    return VenueAccount(quote=quote[0], quote_locked=quote[1], base=base[0], base_locked=base[1])


def to_rules(market: Any, *, fee_rate: Decimal, mode: int, last: Decimal) -> VenueRules:
    """Return what a market asks of orders.

    Args:
        market: ccxt's market.
        fee_rate: Fee of one side.
        mode: How ccxt writes this exchange's precisions.
        last: Last price, at which a smallest volume becomes a smallest total.
    """
    precision, limits = _inner(market, "precision"), _inner(market, "limits")
    price, volume = (_step(precision, name, mode) for name in ("price", "amount"))
    places = -volume.normalize().adjusted()
    if volume != Decimal(1).scaleb(-places) or places < 0:
        raise TransientError(
            f"expected a step of volumes such as 0.001, found {volume}: this version cannot trade "
            "the market"
        )
    totals = [_amount(_inner(limits, "cost"), "min")] if _has(limits, "cost") else []
    totals += [_amount(_inner(limits, "amount"), "min") * last] if _has(limits, "amount") else []
    if not totals:
        raise _unlike("a smallest order", limits)
    return VenueRules(
        ticks=TickTable(bands=((Decimal(0), price),)),
        min_total=max(totals),
        fee_rate=fee_rate,
        volume_places=places,
        quote_places=8,
    )


def to_order(order: Any, symbol: str, *, trades: tuple[VenueTrade, ...] | None) -> VenueOrder:
    """Return an order; its fee is what is told of it in the quote currency."""
    found = our_symbol(_field(order, "symbol"))
    if found != symbol:
        raise _unlike(f"an order of {symbol}", found)
    volume = _positive(order, "amount") if order.get("amount") is not None else None
    filled = _amount(order, "filled")
    return VenueOrder(
        client_id=str(order.get("clientOrderId") or ""),
        venue_id=_text(order, "id"),
        side=_side(order),
        price=_positive(order, "price") if order.get("type") == "limit" else None,
        volume=volume,
        state=_state(order, volume=volume, filled=filled),
        filled_volume=filled,
        fee=_quoted(_fees(order, symbol), symbol),
        created=_time(order),
        trades=trades,
    )


def order_fee(order: Any, trades: Iterable[Any], symbol: str) -> Decimal:
    """Return the fees of an own order, quote currency.

    Raises:
        SafetyError: They were taken in another currency, which the books cannot follow.
    """
    rows, quote = list(trades), symbol.split("-", 1)[0]
    told = _fees(order, symbol) or [fee for row in rows for fee in _fees(row, symbol)]
    others = {currency for currency, cost in told if currency != quote and cost}
    if others:
        raise SafetyError(
            f"expected fees in {quote}, found them in {', '.join(sorted(others))}: "
            "this version's books count no other; let the exchange take them in the quote "
            "currency, or use another one",
            code="FeeCurrency",
        )
    if not told and _amount(order, "filled"):
        raise _unlike("the fee of an order with executions", "none")
    return _quoted(told, symbol)


def to_trades(rows: Iterable[Any]) -> tuple[VenueTrade, ...]:
    """Return executions, in the order in which they happened."""
    trades = [
        VenueTrade(
            trade_id=_text(row, "id"),
            time=_time(row),
            price=_positive(row, "price"),
            volume=_positive(row, "amount"),
        )
        for row in rows
    ]
    return tuple(sorted(trades, key=lambda trade: trade.time))


# Fields


def _pocket(balance: Any, currency: str) -> tuple[Decimal, Decimal]:
    row = balance.get(currency)
    if row is None:
        return Decimal(0), Decimal(0)
    free = _amount(row, "free")
    used = _amount(row, "used") if row.get("used") is not None else _amount(row, "total") - free
    return free, used


def _fees(row: Any, symbol: str) -> list[tuple[str, Decimal]]:
    fees = [fee for fee in (row.get("fees") or [row.get("fee")]) if fee]
    quote = symbol.split("-", 1)[0]
    told = [fee for fee in fees if fee.get("cost") is not None]
    return [(str(fee.get("currency") or quote), _amount(fee, "cost")) for fee in told]


def _quoted(fees: list[tuple[str, Decimal]], symbol: str) -> Decimal:
    quote = symbol.split("-", 1)[0]
    return sum((cost for currency, cost in fees if currency == quote), Decimal(0))


def _side(order: Any) -> Side:
    side = order.get("side")
    if side not in _SIDES:
        raise _unlike("side buy or sell", side)
    return _SIDES[side]


def _state(order: Any, *, volume: Decimal | None, filled: Decimal) -> OrderState:
    status = order.get("status")
    if status == "open":
        return OrderState.OPEN
    if status not in _ENDED:
        raise _unlike("status open, closed or canceled", status)
    is_whole = filled > 0 if volume is None else filled >= volume
    return OrderState.DONE if is_whole else OrderState.CANCELLED


def _step(precision: Any, name: str, mode: int) -> Decimal:
    step = _amount(precision, name)
    if mode == _DECIMAL_PLACES:
        return Decimal(1).scaleb(-int(step))
    if mode == _TICK_SIZE and step:
        return step
    raise _unlike(f"a step of {name}", decimal_text(step))


def _has(limits: Any, name: str) -> bool:
    return bool(limits.get(name)) and limits[name].get("min") is not None


def _inner(row: Any, name: str) -> Any:
    inner = _field(row, name)
    if not isinstance(inner, dict):
        raise _unlike(f"an object {name}", inner)
    return inner


def _field(row: Any, name: str) -> Any:
    if not isinstance(row, dict):
        raise _unlike("an object", row)
    return row.get(name)


def _text(row: Any, name: str) -> str:
    value = _field(row, name)
    if not isinstance(value, str) or not value:
        raise _unlike(f"a text {name}", value)
    return value


def _amount(row: Any, name: str) -> Decimal:
    value = _field(row, name)
    if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool):
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal(-1)
        if number.is_finite() and number >= 0:
            return number
    raise _unlike(f"a number {name} >= 0", value)


def _positive(row: Any, name: str) -> Decimal:
    number = _amount(row, name)
    if not number:
        raise _unlike(f"a number {name} > 0", number)
    return number


def _time(row: Any) -> datetime:
    stamp = row.get("timestamp")
    if not isinstance(stamp, int) or stamp <= 0:
        raise _unlike("a time", stamp)
    return datetime.fromtimestamp(stamp / 1000, tz=UTC)


def _unlike(expected: str, found: Any) -> TransientError:
    return TransientError(f"expected {expected} in the exchange's answer, found {str(found)[:80]}")
