from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_operator.core.allocation import (
    NO_CAPS,
    BotPart,
    CappedRisk,
    RiskCaps,
    build_part,
    cap_risk,
    merge_risk,
    to_text,
)
from tests.support.bots import make_allocation, share

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("spec", "want"),
    [
        pytest.param({}, BotPart(percent=50, budget=Decimal(5_000_000)), id="money-alone"),
        pytest.param(
            {
                "budget": "100000000000000000.000000000000000001",
                "shares": [share("GridBot", "grid", 7)],
            },
            BotPart(percent=7, budget=Decimal("7000000000000000.00000000000000000007")),
            id="more-digits-than-a-default-decimal-keeps",
        ),
        pytest.param(
            {"risk": {"maxDailyLoss": "600000", "maxDrawdownPercent": "10"}},
            BotPart(
                percent=50,
                budget=Decimal(5_000_000),
                max_daily_loss=Decimal(300_000),
                max_drawdown_percent=Decimal(10),
            ),
            id="daily-loss-is-split-drawdown-is-not",
        ),
        pytest.param(
            {
                "rateLimit": {"ordersPerSecond": 8},
                "shares": [share("GridBot", n, 30) for n in ("grid", "b", "c")],
            },
            BotPart(percent=30, budget=Decimal(3_000_000), orders_per_second=Decimal("2.666666")),
            id="order-rate-in-equal-parts-rounded-down",
        ),
    ],
)
def test_a_share_gives_its_part(spec: dict[str, Any], want: BotPart) -> None:
    allocation = make_allocation(**spec)
    found = allocation.spec.share_of("GridBot", "grid")
    assert found is not None
    assert build_part(allocation, found) == want


@given(
    budget=st.decimals(min_value=1, max_value=10**17, places=8),
    percents=st.lists(st.integers(1, 10), min_size=1, max_size=10),
)
def test_parts_never_exceed_the_account(budget: Decimal, percents: list[int]) -> None:
    shares = [share("GridBot", f"b{at}", percent) for at, percent in enumerate(percents)]
    allocation = make_allocation(
        budget=f"{budget:f}", shares=shares, rateLimit={"ordersPerSecond": 7}
    )
    parts = [build_part(allocation, item) for item in allocation.spec.shares]
    assert sum(part.budget for part in parts) <= budget
    assert sum(part.orders_per_second or 0 for part in parts) <= 7


@pytest.mark.parametrize(
    ("own", "part", "want"),
    [
        pytest.param(None, None, None, id="no-limit"),
        pytest.param("5", None, "5", id="own-alone"),
        pytest.param(None, "5", "5", id="account-alone"),
        pytest.param("3", "5", "3", id="own-is-smaller"),
        pytest.param("7", "5", "5", id="account-is-smaller"),
    ],
)
def test_the_smaller_limit_counts(own: str | None, part: str | None, want: str | None) -> None:
    limits = RiskLimits.model_validate({"maxDailyLoss": own, "maxDrawdownPercent": own})
    limit = None if part is None else Decimal(part)
    merged = merge_risk(
        limits,
        BotPart(percent=1, budget=Decimal(1), max_daily_loss=limit, max_drawdown_percent=limit),
    )
    expected = None if want is None else Decimal(want)
    assert (merged.max_daily_loss, merged.max_drawdown_percent) == (expected, expected)


CAPS = RiskCaps(
    max_order_value={"KRW": Decimal(5_000_000)},
    max_daily_loss={"KRW": Decimal(100_000), "USDT": Decimal(70)},
    max_daily_loss_percent=Decimal(5),
    max_drawdown_percent=Decimal(20),
    max_position_percent=Decimal(80),
    max_orders_per_minute=100,
    price_band_percent=Decimal(15),
)


def capped(
    asked: dict[str, Any],
    caps: RiskCaps = CAPS,
    *,
    currency: str = "KRW",
    orders_per_minute: int = 60,
) -> CappedRisk:
    return cap_risk(
        RiskLimits.model_validate(asked),
        caps,
        currency=currency,
        orders_per_minute=orders_per_minute,
    )


def test_without_caps_the_limits_stay_as_they_are() -> None:
    asked = RiskLimits.model_validate({"maxDailyLossPercent": "90", "maxOrdersPerMinute": 600})
    found = cap_risk(asked, NO_CAPS, currency="KRW", orders_per_minute=60)
    assert found == CappedRisk(limits=asked)
    assert found.limits is asked
    assert to_text(found.lowered) == ""


def test_caps_hold_in_place_of_wider_and_of_missing_limits() -> None:
    found = capped(
        {"maxDailyLossPercent": "10", "maxDrawdownPercent": "15", "maxOrdersPerMinute": 300}
    )
    assert found.limits == RiskLimits(
        max_order_value=Decimal(5_000_000),
        max_position_percent=Decimal(80),
        max_daily_loss=Decimal(100_000),
        max_daily_loss_percent=Decimal(5),
        max_drawdown_percent=Decimal(15),
        max_orders_per_minute=100,
        price_band_percent=Decimal(10),
    )
    assert to_text(found.lowered) == (
        "capped by the operator: maxOrderValue 5000000, maxDailyLoss 100000, maxDailyLossPercent 5 "
        "(asked for 10), maxPositionPercent 80, maxOrdersPerMinute 100 (asked for 300)"
    )


@pytest.mark.parametrize(
    ("asked", "default", "want"),
    [
        pytest.param(None, 60, None, id="default-is-smaller"),
        pytest.param(None, 200, 100, id="default-of-a-large-grid-is-wider"),
        pytest.param(600, 60, 100, id="asked-for-more"),
        pytest.param(100, 60, 100, id="asked-for-the-cap"),
        pytest.param(7, 200, 7, id="asked-for-less"),
    ],
)
def test_a_cap_never_raises_the_rate_of_orders(
    asked: int | None, default: int, want: int | None
) -> None:
    found = capped({"maxOrdersPerMinute": asked}, orders_per_minute=default)
    assert found.limits.max_orders_per_minute == want


def test_amounts_are_capped_in_their_own_currency() -> None:
    found = capped({"maxDailyLoss": "500", "maxOrderValue": "9000000"}, currency="USDT")
    assert (found.limits.max_daily_loss, found.limits.max_order_value) == (
        Decimal(70),
        Decimal(9_000_000),
    )


@pytest.mark.parametrize(
    ("asked", "want_text"),
    [
        pytest.param({}, "priceBandPercent 4", id="default"),
        pytest.param(
            {"priceBandPercent": "30"}, "priceBandPercent 4 (asked for 30)", id="asked-for"
        ),
    ],
)
def test_the_price_band_is_capped(asked: dict[str, str], want_text: str) -> None:
    found = capped(asked, RiskCaps(price_band_percent=Decimal(4)))
    assert found.limits.price_band_percent == Decimal(4)
    assert to_text(found.lowered) == f"capped by the operator: {want_text}"


_PERCENT = st.none() | st.decimals("0.01", 100, places=2)
_AMOUNT = st.none() | st.decimals("0.01", 10**9, places=2)
_RATE = st.none() | st.integers(1, 600)
_LIMITS = {
    "max_order_value": _AMOUNT,
    "max_daily_loss": _AMOUNT,
    "max_daily_loss_percent": _PERCENT,
    "max_drawdown_percent": _PERCENT,
    "max_position_percent": _PERCENT,
    "max_orders_per_minute": _RATE,
    "price_band_percent": _PERCENT,
}


@given(
    asked=st.fixed_dictionaries(_LIMITS),
    caps=st.fixed_dictionaries(_LIMITS),
    default=st.integers(60, 200),
    flatten=st.booleans(),
)
def test_a_cap_is_never_exceeded_and_no_limit_ever_widened(
    asked: dict[str, Any], caps: dict[str, Any], default: int, flatten: bool
) -> None:
    written = {name: value for name, value in asked.items() if value is not None}
    limits = RiskLimits(flatten_on_trip=flatten, **written)
    amounts = {
        name: {"KRW": caps[name]} if caps[name] is not None else {}
        for name in ("max_order_value", "max_daily_loss")
    }
    found = cap_risk(
        limits, RiskCaps(**{**caps, **amounts}), currency="KRW", orders_per_minute=default
    )
    usual: dict[str, Any] = {"max_orders_per_minute": default, "price_band_percent": Decimal(10)}
    for name, cap in caps.items():
        before = asked[name] if asked[name] is not None else usual.get(name)
        after = getattr(found.limits, name)
        in_force = after if after is not None else usual.get(name)
        assert in_force == min((x for x in (before, cap) if x is not None), default=None)
    assert found.limits.flatten_on_trip is flatten
    assert RiskLimits.model_validate_json(found.limits.model_dump_json()) == found.limits
    again = cap_risk(
        found.limits, RiskCaps(**{**caps, **amounts}), currency="KRW", orders_per_minute=default
    )
    assert again == CappedRisk(limits=found.limits)
