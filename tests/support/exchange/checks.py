"""What the venue checks before it takes an order; the first failure refuses."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.support.exchange.orders import Draft, OrdType, Refusal, Side, SmpType, TimeInForce
from tests.support.exchange.pockets import Pocket

if TYPE_CHECKING:
    from tests.support.exchange.engine import Market

__all__ = ["check_draft", "check_identifier"]

_MAX_TOTAL = Decimal(1_000_000_000)
_IDENTIFIER = re.compile(r"[A-Za-z0-9\-._~]{1,64}")
_FIELDS = {
    (OrdType.LIMIT, Side.BID): (True, True),
    (OrdType.LIMIT, Side.ASK): (True, True),
    (OrdType.PRICE, Side.BID): (True, False),
    (OrdType.MARKET, Side.ASK): (False, True),
    (OrdType.BEST, Side.BID): (True, False),
    (OrdType.BEST, Side.ASK): (False, True),
}
"""Whether an order has a price and a volume; what is not listed does not exist."""
_FORCES: dict[OrdType, tuple[TimeInForce | None, ...]] = {
    OrdType.LIMIT: (None, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.POST_ONLY),
    OrdType.PRICE: (None,),
    OrdType.MARKET: (None,),
    OrdType.BEST: (TimeInForce.IOC, TimeInForce.FOK),
}


def check_identifier(identifier: str) -> None:
    """Refuse a client order id that the venue cannot hold; it is not used up by this."""
    if not _IDENTIFIER.fullmatch(identifier):
        raise Refusal(400, "invalid_parameter", "identifier: 1 to 64 of A-Z a-z 0-9 - . _ ~")


def check_draft(pocket: Pocket, draft: Draft, market: "Market") -> None:
    """Refuse an order that breaks a rule; funds are looked at when they are locked."""
    if draft.identifier is not None and draft.identifier in pocket.burned:
        raise Refusal(400, "duplicated_identifier", "the identifier was used before")
    _check_form(draft)
    if market.state != "active":
        raise Refusal(403, "market_offline", f"{market.code} is {market.state}")
    if draft.ord_type is OrdType.LIMIT:
        assert draft.price is not None
        if draft.price <= 0 or not market.venue.ticks.is_on_tick(draft.price):
            raise Refusal(400, f"invalid_price_{draft.side}", f"{draft.price} is on no tick")
    if draft.volume is not None and not market.venue.is_volume(draft.volume):
        raise Refusal(400, f"invalid_volume_{draft.side}", f"volume {draft.volume}")
    _check_total(draft, market)


def _check_form(draft: Draft) -> None:
    wanted = _FIELDS.get((draft.ord_type, draft.side))
    if wanted is None:
        raise Refusal(400, "invalid_parameter", f"no {draft.ord_type} order on side {draft.side}")
    if wanted != (draft.price is not None, draft.volume is not None):
        raise Refusal(400, "invalid_parameter", f"price or volume of a {draft.ord_type} order")
    if draft.time_in_force not in _FORCES[draft.ord_type]:
        raise Refusal(400, "invalid_time_in_force", f"{draft.ord_type} {draft.time_in_force}")
    if draft.price is not None and -int(draft.price.as_tuple().exponent) > 8:
        raise Refusal(400, f"invalid_price_{draft.side}", "more than 8 decimals")
    if draft.time_in_force is TimeInForce.POST_ONLY and draft.smp_type is SmpType.CANCEL_TAKER:
        raise Refusal(400, "invalid_parameter", "post_only takes no smp_type")


def _check_total(draft: Draft, market: "Market") -> None:
    if draft.volume is None:
        assert draft.price is not None
        total = draft.price
    else:
        total = (draft.price or market.last) * draft.volume
    if total < market.venue.min_total:
        raise Refusal(
            400, f"under_min_total_{draft.side}", f"total {total} < {market.venue.min_total}"
        )
    if market.quote == "KRW" and total > _MAX_TOTAL:
        raise Refusal(400, f"over_krw_funds_{draft.side}", f"total {total} > {_MAX_TOTAL}")
