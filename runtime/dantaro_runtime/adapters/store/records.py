"""Rows of the store to the values of the core, and back. Pure."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from dantaro_crds.values import decimal_text, parse_utc, utc_text
from dantaro_runtime.core.orders import Fill, Order, OrderState, Side

__all__ = ["fill_row", "maybe_decimal", "maybe_text", "maybe_time", "order_row", "to_order"]


def maybe_decimal(text: str | None) -> Decimal | None:
    """Return the number of a text, None of None."""
    return None if text is None else Decimal(text)


def maybe_text(value: Decimal | None) -> str | None:
    """Return the text of a number, None of None."""
    return None if value is None else decimal_text(value)


def maybe_time(text: str | None) -> datetime | None:
    """Return the time of a text, None of None."""
    return None if text is None else parse_utc(text)


def order_row(order: Order, *, market: str, updated: datetime) -> dict[str, Any]:
    """Return the row of an order."""
    return {
        "ts": utc_text(order.created),
        "client_id": order.client_id,
        "market": market,
        "side": order.side.value,
        "type": "Market" if order.price is None else "Limit",
        "price": maybe_text(order.price),
        "volume": decimal_text(order.volume),
        "filled_volume": decimal_text(order.filled_volume),
        "filled_funds": decimal_text(order.filled_funds),
        "fee": decimal_text(order.fee),
        "state": order.state.value,
        "entry": order.entry,
        "cycle": order.cycle,
        "slot": order.slot,
        "attempt": order.attempt,
        "error": order.error,
        "updated": utc_text(updated),
    }


def to_order(row: Any) -> Order:
    """Return the order of a row."""
    return Order(
        client_id=row.client_id,
        cycle=row.cycle,
        slot=row.slot,
        attempt=row.attempt,
        side=Side(row.side),
        price=maybe_decimal(row.price),
        volume=Decimal(row.volume),
        entry=bool(row.entry),
        state=OrderState(row.state),
        created=parse_utc(row.ts),
        filled_volume=Decimal(row.filled_volume),
        filled_funds=Decimal(row.filled_funds),
        fee=Decimal(row.fee),
        error=row.error,
    )


def fill_row(fill: Fill, *, fee_currency: str) -> dict[str, Any]:
    """Return the row of a fill."""
    return {
        "ts": utc_text(fill.time),
        "client_id": fill.client_id,
        "trade_id": fill.trade_id,
        "side": fill.side.value,
        "price": decimal_text(fill.price),
        "volume": decimal_text(fill.volume),
        "fee": decimal_text(fill.fee),
        "fee_currency": fee_currency,
        "maker": fill.maker,
    }
