from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.quantity import parse_quantity

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.05", "50m"),
        ("1Gi", "1073741824"),
        ("1024Mi", "1Gi"),
        ("1k", "1000"),
        ("0.5Gi", "512Mi"),
        ("1e3", "1k"),
        ("1E", "1000P"),
        ("1500u", "1.5m"),
        ("2.", "2"),
        (".5", "500m"),
    ],
)
def test_equal_amounts_are_equal(one: str, other: str) -> None:
    assert parse_quantity(one) == parse_quantity(other)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1gi", "1K", "-", "1e", "one"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected an amount such as 50m or 1Gi"):
        parse_quantity(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_thousandth_is_a_thousandth(amount: int) -> None:
    assert parse_quantity(f"{amount}m") * 1000 == parse_quantity(str(amount)) == Decimal(amount)
