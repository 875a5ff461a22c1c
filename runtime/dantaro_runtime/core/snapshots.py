"""Figures of one moment and one day that are kept for later reading."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from dantaro_runtime.core.desk import Desk

__all__ = ["BalanceSnapshot", "DayFigures", "build_snapshot"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSnapshot:
    """The account as the bot sees its part.

    Attributes:
        time: Market time.
        quote: Quote currency, locked part included.
        base: Base currency, locked part included.
        quote_locked: Locked by open buys.
        base_locked: Locked by open sells.
        average_price: Cost of the base held per unit, fees included; None when flat.
        equity: At the last price, quote currency.
    """

    time: datetime
    quote: Decimal
    base: Decimal
    quote_locked: Decimal
    base_locked: Decimal
    average_price: Decimal | None
    equity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFigures:
    """A trading day (Asia/Seoul) up to now.

    Attributes:
        day: Name of the day, YYYY-MM-DD.
        realized: Realised profit of the day, quote currency.
        change: Change of the equity of the day, flows left out, quote currency.
        equity: Equity at the end, quote currency.
    """

    day: date
    realized: Decimal
    change: Decimal
    equity: Decimal


def build_snapshot(
    desk: Desk[Any], *, time: datetime, last: Decimal
) -> tuple[BalanceSnapshot, DayFigures] | None:
    """Return the account at a price and the figures of its day; None before the first day."""
    risk, ledger = desk.desk.risk, desk.desk.ledger
    if risk.day is None:
        return None
    exposure, equity = desk.exposure(), ledger.equity(last)
    snapshot = BalanceSnapshot(
        time=time,
        quote=ledger.quote,
        base=ledger.base,
        quote_locked=exposure.open_buys,
        base_locked=exposure.open_sells,
        average_price=exposure.cost / ledger.base if ledger.base else None,
        equity=equity,
    )
    day = DayFigures(
        day=risk.day,
        realized=desk.book.realized - risk.start_realized,
        change=equity - risk.start_equity - risk.flows,
        equity=equity,
    )
    return snapshot, day
