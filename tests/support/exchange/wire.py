"""How figures and objects look on the wire: strings in the private part, numbers in the public."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.support.exchange.engine import Engine, Market, exactly
from tests.support.exchange.orders import Order, Refusal, Side, State
from tests.support.exchange.pockets import Balance, Pocket

__all__ = [
    "KST",
    "account_row",
    "chance_row",
    "dump",
    "error_body",
    "kst",
    "millis",
    "names",
    "order_row",
    "plain",
    "ratio",
    "read_time",
    "trade_rows",
]

KST = timezone(timedelta(hours=9))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def plain(amount: Decimal) -> str:
    """Return an amount exactly, without an exponent and without idle zeros."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def dump(value: Any) -> str:
    """Return JSON with `Decimal` as exact numbers."""
    match value:
        case Decimal():
            return plain(value)
        case dict():
            return "{" + ",".join(f'"{name}":{dump(item)}' for name, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ",".join(map(dump, value)) + "]"
        case _:
            return json.dumps(value)


def error_body(refusal: Refusal) -> str:
    """Return the body of an error."""
    return json.dumps({"error": {"name": refusal.name, "message": refusal.message}})


def kst(time: datetime) -> str:
    """Return a time as private answers write it."""
    return time.astimezone(KST).isoformat(timespec="seconds")


def millis(time: datetime) -> int:
    """Return milliseconds since 1970."""
    return (time - _EPOCH) // _MILLISECOND


def read_time(text: str) -> datetime:
    """Return the time that a parameter names: ISO 8601, UTC without a zone, or milliseconds."""
    try:
        if text.isascii() and text.isdigit() and len(text) > 8:
            time = _EPOCH + int(text) * _MILLISECOND
        else:
            time = datetime.fromisoformat(text)
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise Refusal(400, "invalid_parameter", f"{text!r} is no time") from error
    if not 1970 <= time.year <= 9000:
        raise Refusal(400, "invalid_parameter", f"{text!r} is no time")
    return time


def account_row(currency: str, balance: Balance) -> dict[str, object]:
    """Return one row of the accounts."""
    return {
        "currency": currency,
        "balance": plain(balance.free),
        "locked": plain(balance.locked),
        "avg_buy_price": plain(balance.average),
        "avg_buy_price_modified": False,
        "unit_currency": "KRW",
    }


@exactly
def order_row(order: Order) -> dict[str, object]:
    """Return an order without its trades."""
    draft = order.draft
    fee_left = order.reserved_fee if order.state is State.WAIT else Decimal(0)
    if draft.volume is not None:
        fee_left = fee_left * order.remaining / draft.volume
    row: dict[str, object] = {
        "uuid": order.uuid,
        "side": str(draft.side),
        "ord_type": str(draft.ord_type),
        "price": None if draft.price is None else plain(draft.price),
        "state": str(order.state),
        "market": draft.market,
        "created_at": kst(order.created_at),
        "volume": None if draft.volume is None else plain(draft.volume),
        "remaining_volume": None if draft.volume is None else plain(order.remaining),
        "executed_volume": plain(order.executed_volume),
        "reserved_fee": plain(order.reserved_fee),
        "remaining_fee": plain(fee_left),
        "paid_fee": plain(order.paid_fee),
        "locked": plain(order.locked),
        "prevented_volume": plain(order.prevented_volume),
        "prevented_locked": plain(order.prevented_locked),
        "smp_type": str(draft.smp_type),
        "trades_count": len(order.trades),
    }
    if draft.time_in_force is not None:
        row["time_in_force"] = str(draft.time_in_force)
    if draft.identifier is not None:
        row["identifier"] = draft.identifier
    return row


def trade_rows(order: Order) -> list[dict[str, object]]:
    """Return the trades of an order, oldest first."""
    is_bid = order.is_bid
    return [
        {
            "market": order.draft.market,
            "uuid": trade.uuid,
            "price": plain(trade.price),
            "volume": plain(trade.volume),
            "funds": plain(trade.funds),
            "trend": "up" if is_bid == trade.is_taker else "down",
            "created_at": kst(trade.created_at),
            "side": str(order.draft.side),
        }
        for trade in order.trades
    ]


def chance_row(engine: Engine, market: Market, pocket: Pocket) -> dict[str, object]:
    """Return what may be ordered on a market, and with what."""
    fee, least = plain(engine.rules.fee_rate), plain(market.venue.min_total)
    force = ["best_fok", "best_ioc", "limit", "limit_fok", "limit_ioc", "limit_post_only"]
    return {
        "bid_fee": fee,
        "ask_fee": fee,
        "maker_bid_fee": fee,
        "maker_ask_fee": fee,
        "market": {
            "id": market.code,
            "name": f"{market.base}/{market.quote}",
            "order_types": ["limit"],
            "order_sides": [str(Side.ASK), str(Side.BID)],
            "bid_types": [*force, "price"],
            "ask_types": [*force, "market"],
            "bid": {"currency": market.quote, "min_total": least},
            "ask": {"currency": market.base, "min_total": least},
            "max_total": "1000000000",
            "state": market.state,
        },
        "bid_account": account_row(market.quote, pocket.balance(market.quote)),
        "ask_account": account_row(market.base, pocket.balance(market.base)),
    }


def ratio(part: Decimal, whole: Decimal) -> Decimal:
    """Return a quotient with 10 decimals, as rates of change are shown."""
    if whole == 0:
        return Decimal(0)
    return (part / whole).quantize(Decimal("1E-10"), rounding=ROUND_HALF_UP)


def names(rows: Sequence[Order]) -> list[dict[str, object]]:
    """Return orders by name only, as answers to cancels of many do."""
    named: list[dict[str, object]] = []
    for order in rows:
        named.append({"uuid": order.uuid, "market": order.draft.market})
        if order.draft.identifier is not None:
            named[-1]["identifier"] = order.draft.identifier
    return named
