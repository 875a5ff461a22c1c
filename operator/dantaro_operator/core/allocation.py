"""How an account's money and limits are split: the part that one bot gets, within the caps."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.allocation import Allocation, Share
from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_crds.values import decimal_text

__all__ = [
    "NO_CAPS",
    "BotPart",
    "CappedRisk",
    "LoweredLimit",
    "RiskCaps",
    "build_part",
    "cap_risk",
    "merge_risk",
    "to_text",
]

_RATE_STEP = Decimal("0.000001")
"""Order rates are cut to millionths, so that the parts never add up to more than the whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotPart:
    """One bot's part of an account.

    Attributes:
        percent: Part of the budget, percent.
        budget: Quote currency, exact.
        orders_per_second: Part of the order rate; None without a limit.
        max_daily_loss: Part of the account's limit, quote currency; None without a limit.
        max_drawdown_percent: The account's limit, percent; None without a limit.
    """

    percent: int
    budget: Decimal
    orders_per_second: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown_percent: Decimal | None = None


def build_part(allocation: Allocation, share: Share) -> BotPart:
    """Return what a share gives: money by percent, order rate in equal parts."""
    spec = allocation.spec
    risk = spec.risk
    daily = risk.max_daily_loss if risk else None
    rate = spec.rate_limit
    return BotPart(
        percent=share.percent,
        budget=_percent_of(spec.budget, share.percent),
        orders_per_second=_equal_part(rate.orders_per_second, len(spec.shares)) if rate else None,
        max_daily_loss=_percent_of(daily, share.percent) if daily is not None else None,
        max_drawdown_percent=risk.max_drawdown_percent if risk else None,
    )


@exact
def _percent_of(amount: Decimal, percent: int) -> Decimal:
    return amount * percent / 100


def _equal_part(rate: int, count: int) -> Decimal:
    return (Decimal(rate) / max(count, 1)).quantize(_RATE_STEP, rounding=ROUND_DOWN)


def merge_risk(own: RiskLimits, part: BotPart) -> RiskLimits:
    """Return the bot's own limits with the account's part: the smaller of each pair counts."""
    return own.model_copy(
        update={
            "max_daily_loss": _smaller((own.max_daily_loss, part.max_daily_loss)),
            "max_drawdown_percent": _smaller((own.max_drawdown_percent, part.max_drawdown_percent)),
        }
    )


def _smaller(limits: Iterable[Decimal | None]) -> Decimal | None:
    return min((limit for limit in limits if limit is not None), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskCaps:
    """What no bot exceeds, whatever its author writes; None, or a currency left out, is no cap.

    Attributes:
        max_order_value: Value of one order, by quote currency.
        max_daily_loss: Loss of a day, by quote currency.
        max_daily_loss_percent: The same, percent of the equity at the start of the day.
        max_drawdown_percent: Fall of the equity from its peak, percent.
        max_position_percent: Part of the equity held in coin, percent.
        max_orders_per_minute: Orders placed in a minute.
        price_band_percent: Distance of a price from the last one to the worse, percent.
    """

    max_order_value: Mapping[str, Decimal] = field(default_factory=dict)
    max_daily_loss: Mapping[str, Decimal] = field(default_factory=dict)
    max_daily_loss_percent: Decimal | None = None
    max_drawdown_percent: Decimal | None = None
    max_position_percent: Decimal | None = None
    max_orders_per_minute: int | None = None
    price_band_percent: Decimal | None = None

    def of(self, currency: str) -> dict[str, Decimal | int]:
        """Return the caps of bots that trade in a quote currency, by the field of RiskLimits."""
        caps = {
            "max_order_value": self.max_order_value.get(currency),
            "max_daily_loss": self.max_daily_loss.get(currency),
            "max_daily_loss_percent": self.max_daily_loss_percent,
            "max_drawdown_percent": self.max_drawdown_percent,
            "max_position_percent": self.max_position_percent,
            "max_orders_per_minute": self.max_orders_per_minute,
            "price_band_percent": self.price_band_percent,
        }
        return {name: cap for name, cap in caps.items() if cap is not None}


NO_CAPS = RiskCaps()
"""An operator that leaves the limits to the authors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoweredLimit:
    """A limit that a cap holds in place of.

    Attributes:
        name: Field as an author writes it.
        asked: What was asked for; None if nothing was, or just the default.
        cap: What holds.
    """

    name: str
    asked: Decimal | int | None
    cap: Decimal | int


@dataclass(frozen=True, slots=True, kw_only=True)
class CappedRisk:
    """Limits in force.

    Attributes:
        limits: None is above its cap.
        lowered: Those that a cap holds in place of, in the order of the caps.
    """

    limits: RiskLimits
    lowered: tuple[LoweredLimit, ...] = ()


def cap_risk(
    asked: RiskLimits, caps: RiskCaps, *, currency: str, orders_per_minute: int
) -> CappedRisk:
    """Return the limits in force: the smaller of what was asked for, or the default, and the cap.

    Args:
        asked: Limits of the bot and its account.
        caps: What no bot exceeds.
        currency: Quote currency of the bot.
        orders_per_minute: Default of the bot's strategy.
    """
    lowered = []
    values: dict[str, Decimal | int] = {}
    for name, cap in caps.of(currency).items():
        value = getattr(asked, name)
        in_force = orders_per_minute if name == "max_orders_per_minute" and not value else value
        if in_force is not None and in_force <= cap:
            continue
        known = RiskLimits.model_fields[name]
        written = None if value == known.default else value
        values[name] = cap
        lowered.append(LoweredLimit(name=known.alias or name, asked=written, cap=cap))
    if not values:
        return CappedRisk(limits=asked)
    return CappedRisk(limits=asked.model_copy(update=values), lowered=tuple(lowered))


def to_text(lowered: Iterable[LoweredLimit]) -> str:
    """Return in words what caps hold in place of; empty without any."""
    parts = [
        f"{limit.name} {_plain(limit.cap)}"
        + (f" (asked for {_plain(limit.asked)})" if limit.asked is not None else "")
        for limit in lowered
    ]
    return f"capped by the operator: {', '.join(parts)}" if parts else ""


def _plain(limit: Decimal | int) -> str:
    return decimal_text(Decimal(limit))
