"""Figures of one moment and one day that are kept for later reading."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

__all__ = ["BalanceSnapshot", "DayFigures"]


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
