"""The last look at an order before it is sent. Exits pass even when a limit is tripped."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.venues import VenueRules
from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.orders import Intent, Side
from dantaro_runtime.core.permit import Permit

__all__ = ["Action", "Exposure", "OrderGate", "Verdict", "judge_order"]


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
        withheld: Own money that a cut budget takes out as soon as it may, quote currency.
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
    withheld: Decimal = Decimal(0)


class Action(StrEnum):
    """What becomes of an order."""

    ALLOW = "Allow"
    """It is sent as it is."""
    SHRINK = "Shrink"
    """It is sent with a tamer price."""
    REFUSE = "Refuse"
    """It is not sent now."""
    HALT = "Halt"
    """No order of its kind is sent, and those that rest are cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the guard says of an order.

    Attributes:
        action: What becomes of it.
        intent: The order as it may be sent, or as it was refused.
        guard: PascalCase name of the check that said so; empty when all let it pass.
        limit: What the check allows.
        measured: What it found.
        message: One sentence with both.
    """

    action: Action
    intent: Intent
    guard: str = ""
    limit: str = ""
    measured: str = ""
    message: str = ""

    @property
    def passes(self) -> bool:
        """Whether the order may be sent."""
        return self.action in {Action.ALLOW, Action.SHRINK}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Band:
    """Prices beyond which a limit would hurt: a sale below, a buy above."""

    lowest_sale: Decimal
    highest_buy: Decimal


def _band(*, last: Decimal, limits: RiskLimits, rules: VenueRules) -> _Band:
    part = limits.price_band_percent / 100
    return _Band(
        lowest_sale=rules.ticks.ceil(last * (1 - part)),
        highest_buy=rules.ticks.floor(last * (1 + part)),
    )


def _is_price(price: Decimal) -> bool:
    return price.is_finite() and price > 0


def _within(intent: Intent, band: _Band) -> Intent:
    price = intent.price
    if price is None or not price.is_finite():
        return intent
    if intent.side is Side.SELL:
        is_beyond, bound = not intent.entry and price < band.lowest_sale, band.lowest_sale
    else:
        is_beyond, bound = intent.bounded and price > band.highest_buy, band.highest_buy
    return replace(intent, price=bound) if is_beyond else intent


_Check = Callable[[Intent, Exposure, RiskLimits, VenueRules], Verdict | None]


def judge_order(
    intent: Intent, exposure: Exposure, *, limits: RiskLimits, rules: VenueRules
) -> Verdict:
    """Return what becomes of an order.

    The checks run in their order, each on the order as those before left it; the first that refuses
    it ends them.
    """
    verdict = Verdict(action=Action.ALLOW, intent=intent)
    for check in _CHECKS:
        found = check(verdict.intent, exposure, limits, rules)
        if found is not None:
            verdict = found
        if not verdict.passes:
            break
    return verdict


def _refuse(intent: Intent, guard: str, *, limit: str, measured: str, message: str) -> Verdict:
    return Verdict(
        action=Action.REFUSE,
        intent=intent,
        guard=guard,
        limit=limit,
        measured=measured,
        message=message,
    )


def _permit(intent: Intent, exposure: Exposure, _: RiskLimits, __: VenueRules) -> Verdict | None:
    if exposure.permit is Permit.ALL or (
        not intent.entry and exposure.permit is not Permit.NOTHING
    ):
        return None
    waits = exposure.permit is Permit.KEEP_ENTRIES
    return Verdict(
        action=Action.REFUSE if waits else Action.HALT,
        intent=intent,
        guard="Permit",
        limit=exposure.permit.value,
        measured="Entry" if intent.entry else "Exit",
        message=f"orders permitted now: {exposure.permit}",
    )


def _price(intent: Intent, exposure: Exposure, _: RiskLimits, rules: VenueRules) -> Verdict | None:
    if not _is_price(exposure.last):
        return _refuse(
            intent,
            "Price",
            limit="> 0",
            measured=str(exposure.last),
            message=f"the last price must be > 0, was {exposure.last}",
        )
    if intent.price is None or (_is_price(intent.price) and rules.ticks.is_on_tick(intent.price)):
        return None
    return _refuse(
        intent,
        "Tick",
        limit="> 0, on a tick",
        measured=str(intent.price),
        message=f"the price must be on a tick, was {intent.price}",
    )


def _price_band(
    intent: Intent, exposure: Exposure, limits: RiskLimits, rules: VenueRules
) -> Verdict | None:
    band = _band(last=exposure.last, limits=limits, rules=rules)
    tamed = _within(intent, band)
    if tamed is not intent:
        return Verdict(
            action=Action.SHRINK,
            intent=tamed,
            guard="PriceBand",
            limit=str(tamed.price),
            measured=str(intent.price),
            message=f"the price {intent.price} is beyond the price band: sent at {tamed.price}",
        )
    if intent.price is None or intent.side is Side.SELL or intent.price <= band.highest_buy:
        return None
    return _refuse(
        intent,
        "PriceBand",
        limit=str(band.highest_buy),
        measured=str(intent.price),
        message=f"a buy may stand at most {limits.price_band_percent} % above the last price "
        f"{exposure.last}, was {intent.price}",
    )


def _volume(intent: Intent, _: Exposure, __: RiskLimits, rules: VenueRules) -> Verdict | None:
    if intent.volume.is_finite() and rules.is_volume(intent.volume):
        return None
    return _refuse(
        intent,
        "Volume",
        limit=f"> 0, {rules.volume_places} decimals",
        measured=str(intent.volume),
        message=f"the volume must be > 0 with at most {rules.volume_places} decimals, "
        f"was {intent.volume}",
    )


def _value(
    intent: Intent, exposure: Exposure, limits: RiskLimits, rules: VenueRules
) -> Verdict | None:
    value = intent.volume * _price_of(intent, exposure)
    if value < rules.min_total:
        return _refuse(
            intent,
            "MinValue",
            limit=str(rules.min_total),
            measured=f"{value:.4f}",
            message=f"the value must be at least {rules.min_total}, was {value:.4f}",
        )
    if intent.entry and limits.max_order_value is not None and value > limits.max_order_value:
        return _refuse(
            intent,
            "MaxOrderValue",
            limit=str(limits.max_order_value),
            measured=f"{value:.2f}",
            message=f"the value must be at most {limits.max_order_value}, was {value:.2f}",
        )
    return None


def _money(intent: Intent, exposure: Exposure, _: RiskLimits, rules: VenueRules) -> Verdict | None:
    if intent.side is Side.SELL:
        free = exposure.ledger.base - exposure.open_sells
        if intent.volume <= free:
            return None
        return _refuse(
            intent,
            "OwnCoin",
            limit=str(free),
            measured=str(intent.volume),
            message=f"a sale may not exceed own free coin {free}, was {intent.volume}",
        )
    needed = intent.volume * _price_of(intent, exposure) * (1 + rules.fee_rate)
    free = exposure.ledger.quote - exposure.open_buys - exposure.withheld
    if needed <= free:
        return None
    return _refuse(
        intent,
        "Budget",
        limit=f"{free:.2f}",
        measured=f"{needed:.2f}",
        message=f"the order needs {needed:.2f}, own free money is {free:.2f}",
    )


def _position_share(
    intent: Intent, exposure: Exposure, limits: RiskLimits, _: VenueRules
) -> Verdict | None:
    if not intent.entry or limits.max_position_percent is None:
        return None
    volume = exposure.ledger.base + exposure.open_buy_volume + intent.volume
    at_cost = exposure.cost + exposure.open_buys + intent.volume * _price_of(intent, exposure)
    value, equity = max(volume * exposure.last, at_cost), exposure.ledger.equity(exposure.last)
    if 100 * value <= limits.max_position_percent * equity:
        return None
    share = f"{100 * value / equity:.2f} %" if equity > 0 else "all"
    return _refuse(
        intent,
        "MaxPosition",
        limit=f"{limits.max_position_percent} %",
        measured=share,
        message=f"the position may be at most {limits.max_position_percent} % of the equity, "
        f"would be {share}",
    )


def _rate(intent: Intent, exposure: Exposure, limits: RiskLimits, _: VenueRules) -> Verdict | None:
    limit = limits.max_orders_per_minute or exposure.orders_per_minute
    if exposure.placed_last_minute < limit:
        return None
    return _refuse(
        intent,
        "OrderRate",
        limit=str(limit),
        measured=str(exposure.placed_last_minute),
        message=f"at most {limit} orders a minute",
    )


def _price_of(intent: Intent, exposure: Exposure) -> Decimal:
    return exposure.last if intent.price is None else intent.price


_CHECKS: tuple[_Check, ...] = (
    _permit,
    _price,
    _price_band,
    _volume,
    _value,
    _money,
    _position_share,
    _rate,
)


class OrderGate:
    """The order guard with a memory, so that a refusal is told once and not at each look.

    Args:
        limits: Risk limits.
        rules: Venue's rules for the market.
    """

    def __init__(self, *, limits: RiskLimits, rules: VenueRules) -> None:
        self.limits = limits
        self.rules = rules
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

    def clamp(self, intents: Iterable[Intent], *, last: Decimal) -> tuple[Intent, ...]:
        """Return the orders as they may be sent, none beyond the price band that may be moved.

        An exit, or an order at a line that the price has gapped past, is sent at the bound and
        never dropped.
        """
        if not _is_price(last):
            return tuple(intents)
        band = _band(last=last, limits=self.limits, rules=self.rules)
        return tuple(_within(intent, band) for intent in intents)

    def look(self, intent: Intent, exposure: Exposure) -> tuple[bool, str]:
        """Return whether an order passes, and what is to be told about it."""
        verdict = judge_order(intent, exposure, limits=self.limits, rules=self.rules)
        if verdict.passes:
            self._refused.pop(intent.slot, None)
            return True, ""
        told = self._refused.get(intent.slot)
        if told is not None and told[0] == verdict.guard:
            return False, ""
        price = "the market" if intent.price is None else f"{intent.price:f}"
        text = (
            f"{intent.side} {intent.volume} at {price} ({intent.slot}) was not sent "
            f"({verdict.guard}): {verdict.message}"
        )
        self._refused[intent.slot] = (verdict.guard, text)
        return False, text
