"""Which side of an order book is the heavier one, and how far both are apart; light, so that every
role may import it.
"""

from collections.abc import Iterable
from decimal import Decimal

from dantaro_crds.money import exact

__all__ = ["pressure", "spread"]

_REACH = Decimal("0.01")
_PLACES = Decimal("0.0001")
_SPREAD_PLACES = Decimal("0.000001")

Level = tuple[Decimal, Decimal]
"""Price and volume."""


@exact
def pressure(bids: Iterable[Level], asks: Iterable[Level]) -> Decimal | None:
    """Return (bids - asks) / (bids + asks), by value, of the orders within 1 % of the mid price.

    Args:
        bids: Price and volume of buys, in any order.
        asks: Price and volume of sells, in any order.

    Returns:
        -1 (sells alone) to 1 (buys alone), 4 decimals; None if one side is empty, or nothing lies
        within 1 %. The mid price lies half-way between the best of both.
    """
    buys, sells = list(bids), list(asks)
    if not buys or not sells:
        return None
    middle = (max(price for price, _ in buys) + min(price for price, _ in sells)) / 2
    bought = _value((price, volume) for price, volume in buys if price >= middle * (1 - _REACH))
    sold = _value((price, volume) for price, volume in sells if price <= middle * (1 + _REACH))
    total = bought + sold
    return ((bought - sold) / total).quantize(_PLACES) if total else None


@exact
def spread(bids: Iterable[Level], asks: Iterable[Level]) -> Decimal | None:
    """Return the best ask less the best bid, over the mid price: a fraction, 6 decimals.

    Args:
        bids: Price and volume of buys, in any order.
        asks: Price and volume of sells, in any order.

    Returns:
        None if one side is empty.
    """
    best_bid = max((price for price, _ in bids), default=None)
    best_ask = min((price for price, _ in asks), default=None)
    if best_bid is None or best_ask is None:
        return None
    return (2 * (best_ask - best_bid) / (best_ask + best_bid)).quantize(_SPREAD_PLACES)


def _value(levels: Iterable[Level]) -> Decimal:
    return sum((price * volume for price, volume in levels), Decimal(0))
