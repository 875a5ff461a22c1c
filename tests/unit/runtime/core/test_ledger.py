from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_runtime.core.ledger import Ledger, apply_fill, explain_imbalance
from dantaro_runtime.core.orders import Fill, Side
from dantaro_runtime.core.strategies.protocol import Book

pytestmark = pytest.mark.unit

D = Decimal
BUY = Fill(
    trade_id="1",
    client_id="a-1-s0-1",
    time=datetime(2026, 1, 1, tzinfo=UTC),
    side=Side.BUY,
    price=D(3100),
    volume=D(10),
    fee=D("15.5"),
    maker=True,
)
SELL = replace(BUY, trade_id="2", side=Side.SELL, price=D(3000), fee=D(15))


def test_a_round_trip_at_a_loss() -> None:
    ledger = Ledger().with_contribution(D(100_000))
    bought = apply_fill(ledger, BUY)
    assert (bought.quote, bought.base, bought.fees) == (D("68984.5"), D(10), D("15.5"))
    sold = apply_fill(bought, SELL)
    assert sold.quote - ledger.quote == D("-1030.5")
    assert (sold.base, sold.bought, sold.sold) == (D(0), D(31_000), D(30_000))


def test_a_contribution_changes_the_money_by_the_difference() -> None:
    ledger = apply_fill(Ledger().with_contribution(D(100_000)), BUY)
    more = ledger.with_contribution(D(130_000))
    assert (more.quote, more.contributed) == (D("98984.5"), D(130_000))
    less = more.with_contribution(D(90_000))
    assert (less.quote, less.contributed) == (D("58984.5"), D(90_000))
    assert replace(less, quote=ledger.quote, contributed=ledger.contributed) == ledger


def test_equity_counts_coin_at_the_last_price() -> None:
    assert Ledger(quote=D(5), base=D(2)).equity(D(3)) == D(11)


@pytest.mark.parametrize(
    ("ledger", "book", "want"),
    [
        pytest.param(
            Ledger(quote=D(90), base=D(1), contributed=D(100)),
            Book(cost=D(12), realized=D(2)),
            "",
            id="balances",
        ),
        pytest.param(
            Ledger(quote=D(90), base=D(1), contributed=D(100)),
            Book(cost=D(12), realized=D("2.00000001")),
            "quote + cost was 102, money put in + realised profit was 102.00000001",
            id="off-by-a-hair",
        ),
        pytest.param(
            Ledger(quote=D(-1)),
            Book(cost=D(0), realized=D(-1)),
            "no balance may be below 0, quote was -1 and base 0",
            id="negative",
        ),
        pytest.param(
            Ledger(quote=D(1), base=D("-0.1")),
            Book(cost=D(0), realized=D(1)),
            "no balance may be below 0, quote was 1 and base -0.1",
            id="negative-coin",
        ),
        pytest.param(Ledger(), Book(cost=D(0), realized=D(0)), "", id="nothing"),
        pytest.param(
            Ledger(quote=D("0.5"), base=D("0.5"), contributed=D(1)),
            Book(cost=D("0.5"), realized=D(0)),
            "",
            id="parts-of-one",
        ),
    ],
)
def test_imbalance_is_explained(ledger: Ledger, book: Book, want: str) -> None:
    assert explain_imbalance(ledger, book) == want


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Side)),
            st.decimals(min_value=1, max_value=10**9, places=8),
            st.decimals(min_value="0.00000001", max_value=10**6, places=8),
        )
    )
)
def test_cash_and_coin_add_up_exactly(moves: list[tuple[Side, Decimal, Decimal]]) -> None:
    ledger = Ledger().with_contribution(D(10**9))
    for side, price, volume in moves:
        fee = price * volume * D("0.0005")
        fill = replace(BUY, side=side, price=price, volume=volume, fee=fee)
        ledger = apply_fill(ledger, fill)
    assert ledger.quote == ledger.contributed - ledger.bought + ledger.sold - ledger.fees
    sign = {Side.BUY: 1, Side.SELL: -1}
    assert ledger.base == sum((sign[side] * volume for side, _, volume in moves), D(0))
