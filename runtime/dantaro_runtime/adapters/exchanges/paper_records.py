"""Rows of the paper exchange's tables to its values, and back. Pure."""

from decimal import Decimal
from typing import Any

from dantaro_crds.values import decimal_text, parse_utc, utc_text
from dantaro_runtime.adapters.store.records import maybe_decimal, maybe_text
from dantaro_runtime.core.orders import OrderReport, OrderState, Side
from dantaro_runtime.core.paper import PaperFill, PaperOrder, PaperState, TimeInForce

__all__ = ["fill_row", "order_values", "to_fill", "to_order", "to_report"]

_STATES = {
    PaperState.OPEN: OrderState.OPEN,
    PaperState.DONE: OrderState.DONE,
    PaperState.CANCELLED: OrderState.CANCELLED,
    PaperState.REFUSED: OrderState.REJECTED,
}


def order_values(order: PaperOrder) -> dict[str, Any]:
    """Return the columns of an order, but for its client id."""
    return {
        "accepted": order.accepted,
        "side": order.side.value,
        "price": maybe_text(order.price),
        "volume": maybe_text(order.volume),
        "funds": maybe_text(order.funds),
        "time_in_force": order.time_in_force.value,
        "state": order.state.value,
        "filled_volume": decimal_text(order.filled_volume),
        "filled_funds": decimal_text(order.filled_funds),
        "fee": decimal_text(order.fee),
        "error": order.error,
    }


def fill_row(fill: PaperFill) -> dict[str, Any]:
    """Return the row of a fill."""
    return {
        "seq": fill.seq,
        "client_id": fill.client_id,
        "ts": utc_text(fill.time),
        "side": fill.side.value,
        "price": decimal_text(fill.price),
        "volume": decimal_text(fill.volume),
        "fee": decimal_text(fill.fee),
        "maker": fill.maker,
    }


def to_order(row: Any) -> PaperOrder:
    """Return the order of a row."""
    return PaperOrder(
        client_id=row.client_id,
        side=Side(row.side),
        price=maybe_decimal(row.price),
        volume=maybe_decimal(row.volume),
        funds=maybe_decimal(row.funds),
        time_in_force=TimeInForce(row.time_in_force),
        state=PaperState(row.state),
        accepted=row.accepted,
        filled_volume=Decimal(row.filled_volume),
        filled_funds=Decimal(row.filled_funds),
        fee=Decimal(row.fee),
        error=row.error,
    )


def to_fill(row: Any) -> PaperFill:
    """Return the fill of a row."""
    return PaperFill(
        seq=row.seq,
        client_id=row.client_id,
        time=parse_utc(row.ts),
        side=Side(row.side),
        price=Decimal(row.price),
        volume=Decimal(row.volume),
        fee=Decimal(row.fee),
        maker=bool(row.maker),
    )


def to_report(order: PaperOrder) -> OrderReport:
    """Return what the exchange says of an order."""
    return OrderReport(
        client_id=order.client_id,
        state=_STATES[order.state],
        filled_volume=order.filled_volume,
        error=order.error,
    )
