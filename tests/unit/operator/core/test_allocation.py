from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.common import RiskLimits
from dantaro_operator.core.allocation import BotPart, build_part, merge_risk
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
