"""The last look at an order before it is sent. Exits pass even when a limit is tripped."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from decimal import Decimal

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.orders import Intent, OrderType, Side
from dantaro_runtime.core.permit import Permit

__all__ = ["Exposure", "OrderGate", "Refusal", "check_order", "clamp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """What the bot owns and has committed, for the order guard.

    Attributes:
        ledger: Own money.
        last: Last price, quote currency.
        open_buys: Σ remaining x price of live buys, fee included, quote currency.
        open_buy_volume: Σ remaining of live buys, base currency.
        open_sells: Σ remaining of live sells, base currency.
        cost: Cost of the base held, quote currency.
        placed_last_minute: Orders placed in the last minute of market time.
        orders_per_minute: Default rate limit.
        permit: What may stand at the venue.
    """

    ledger: Ledger
    last: Decimal
    open_buys: Decimal
    open_buy_volume: Decimal
    open_sells: Decimal
    cost: Decimal
    placed_last_minute: int
    orders_per_minute: int
    permit: Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an order may not be sent.

    Attributes:
        guard: PascalCase name of the check.
        message: One sentence with measured value and limit.
    """

    guard: str
    message: str


def clamp(intent: Intent, *, last: Decimal, limits: RiskLimits, rules: VenueRules) -> Intent:
    """Return an exit whose limit is not further below the last price than the price band allows.

    An exit beyond the band is sent at the bound, never dropped.
    """
    if intent.entry or intent.price is None or intent.side is not Side.SELL:
        return intent
    bound = rules.ticks.ceil(last * (1 - limits.price_band_percent / 100))
    return replace(intent, price=bound) if intent.price < bound else intent


_Check = Callable[[Intent, Exposure, RiskLimits, VenueRules], Refusal | None]


def check_order(
    intent: Intent, exposure: Exposure, *, limits: RiskLimits, rules: VenueRules
) -> Refusal | None:
    """Return why an order may not be sent; None lets it through. The first failing check wins."""
    for check in _CHECKS:
        if refusal := check(intent, exposure, limits, rules):
            return refusal
    return None


def _permit(intent: Intent, exposure: Exposure, _: RiskLimits, __: VenueRules) -> Refusal | None:
    if exposure.permit is Permit.ALL or (
        not intent.entry and exposure.permit is not Permit.NOTHING
    ):
        return None
    return Refusal(guard="Permit", message=f"orders permitted now: {exposure.permit}")


def _price_sane(
    intent: Intent, exposure: Exposure, limits: RiskLimits, rules: VenueRules
) -> Refusal | None:
    if not exposure.last.is_finite() or exposure.last <= 0:
        return Refusal(guard="Price", message=f"the last price must be > 0, was {exposure.last}")
    if intent.price is None:
        return None
    if intent.price <= 0 or not rules.ticks.is_on_tick(intent.price):
        return Refusal(guard="Tick", message=f"the price must be on a tick, was {intent.price}")
    bound = exposure.last * (1 + limits.price_band_percent / 100)
    if intent.side is Side.BUY and intent.price > bound:
        return Refusal(
            guard="PriceBand",
            message=f"a buy may stand at most {limits.price_band_percent} % above the last price "
            f"{exposure.last}, was {intent.price}",
        )
    return None


def _value(
    intent: Intent, exposure: Exposure, limits: RiskLimits, rules: VenueRules
) -> Refusal | None:
    if not rules.is_volume(intent.volume):
        return Refusal(
            guard="Volume",
            message=f"the volume must be > 0 with at most {rules.volume_places} decimals, "
            f"was {intent.volume}",
        )
    value = intent.volume * (exposure.last if intent.price is None else intent.price)
    if value < rules.min_total:
        return Refusal(
            guard="MinValue",
            message=f"the value must be at least {rules.min_total}, was {value:.4f}",
        )
    if intent.entry and limits.max_order_value is not None and value > limits.max_order_value:
        return Refusal(
            guard="MaxOrderValue",
            message=f"the value must be at most {limits.max_order_value}, was {value:.2f}",
        )
    return None


def _money(intent: Intent, exposure: Exposure, _: RiskLimits, rules: VenueRules) -> Refusal | None:
    if intent.side is Side.SELL:
        free = exposure.ledger.base - exposure.open_sells
        if intent.volume > free:
            return Refusal(
                guard="OwnCoin",
                message=f"a sale may not exceed own free coin {free}, was {intent.volume}",
            )
        return None
    price = exposure.last if intent.price is None else intent.price
    needed = price * intent.volume * (1 + rules.fee_rate)
    free = exposure.ledger.quote - exposure.open_buys
    if needed > free:
        return Refusal(
            guard="Budget", message=f"the order needs {needed:.2f}, own free money is {free:.2f}"
        )
    return None


def _position_share(
    intent: Intent, exposure: Exposure, limits: RiskLimits, _: VenueRules
) -> Refusal | None:
    if not intent.entry or limits.max_position_percent is None:
        return None
    volume = exposure.ledger.base + exposure.open_buy_volume + intent.volume
    price = exposure.last if intent.type is OrderType.MARKET else intent.price or exposure.last
    at_cost = exposure.cost + exposure.open_buys + intent.volume * price
    equity = exposure.ledger.equity(exposure.last)
    share = 100 * max(volume * exposure.last, at_cost) / equity if equity > 0 else Decimal(100)
    if share <= limits.max_position_percent:
        return None
    return Refusal(
        guard="MaxPosition",
        message=f"the position may be at most {limits.max_position_percent} % of the equity, "
        f"would be {share:.2f} %",
    )


def _rate(_: Intent, exposure: Exposure, limits: RiskLimits, __: VenueRules) -> Refusal | None:
    limit = limits.max_orders_per_minute or exposure.orders_per_minute
    if exposure.placed_last_minute < limit:
        return None
    return Refusal(guard="OrderRate", message=f"at most {limit} orders a minute")


_CHECKS: tuple[_Check, ...] = (_permit, _price_sane, _value, _money, _position_share, _rate)


class OrderGate:
    """The order guard with a memory, so that a refusal is told once and not at each look.

    Args:
        limits: Risk limits.
        rules: Venue's rules for the market.
    """

    def __init__(self, *, limits: RiskLimits, rules: VenueRules) -> None:
        self.limits = limits
        self._rules = rules
        self._refused: dict[str, tuple[str, str]] = {}

    @property
    def message(self) -> str:
        """Return what was told of the first order that is held back; empty if none is."""
        return next((text for _, text in self._refused.values()), "")

    @property
    def holds_back(self) -> bool:
        """Return whether a wanted order was refused at the last look."""
        return bool(self._refused)

    def keep(self, slots: Collection[str]) -> None:
        """Forget refusals of orders that are wanted no more."""
        self._refused = {s: told for s, told in self._refused.items() if s in slots}

    def forget(self) -> None:
        """Tell every refusal anew."""
        self._refused.clear()

    def clamp(self, intent: Intent, *, last: Decimal) -> Intent:
        """Return the order as it may be sent: an exit not below the price band."""
        return clamp(intent, last=last, limits=self.limits, rules=self._rules)

    def look(self, intent: Intent, exposure: Exposure) -> tuple[bool, str]:
        """Return whether an order passes, and what is to be told about it."""
        refusal = check_order(intent, exposure, limits=self.limits, rules=self._rules)
        if refusal is None:
            self._refused.pop(intent.slot, None)
            return True, ""
        if self._refused.get(intent.slot, ("", ""))[0] == refusal.guard:
            return False, ""
        price = "the market" if intent.price is None else f"{intent.price:f}"
        text = (
            f"{intent.side} {intent.volume} at {price} ({intent.slot}) was not sent: "
            f"{refusal.message}"
        )
        self._refused[intent.slot] = (refusal.guard, text)
        return False, text
