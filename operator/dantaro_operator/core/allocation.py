"""How an account's money and limits are split: the part that one bot gets."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.allocation import Allocation, Share
from dantaro_crds.v1alpha1.common import RiskLimits

__all__ = ["BotPart", "build_part", "merge_risk"]

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
