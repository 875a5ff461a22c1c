"""Scores and their order: much is traded, prices move within reason and do not fall."""

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_central.core.recommendations import (
    MarketSample,
    recommend,
    samples_json,
    to_samples,
)
from dantaro_crds.wire.recommendations import Recommendation

pytestmark = pytest.mark.unit

D = Decimal
GOOD = MarketSample(symbol="KRW-BTC", traded=1e11, above_mean=0.05, hourly_range=0.009)

SAMPLES = st.lists(
    st.builds(
        MarketSample,
        symbol=st.sampled_from([f"{q}-{b}" for q in ("KRW", "USDT") for b in "ABCDEFGH"]),
        traded=st.floats(0, 1e15),
        above_mean=st.floats(-0.99, 10),
        hourly_range=st.floats(0, 1),
    ),
    unique_by=lambda sample: sample.symbol,
)


def ranked(samples: Sequence[MarketSample]) -> list[Recommendation]:
    return recommend(samples, among=[sample.symbol for sample in samples], limit=50)


def scores(*samples: MarketSample) -> dict[str, Decimal]:
    return {item.symbol: item.score for item in ranked(samples)}


def test_the_best_there_can_be_scores_one() -> None:
    found = ranked([GOOD])[0]
    assert found.score == 1
    assert [(part.name, part.score, part.weight) for part in found.parts] == [
        ("liquidity", D(1), D("0.5")),
        ("volatility", D(1), D("0.3")),
        ("trend", D(1), D("0.2")),
    ]
    assert [part.reason for part in found.parts] == [
        "100,000,000,000 KRW traded in 24 hours, 100.0% of the most traded market",
        "mean hourly range 0.90%, within 0.6% to 1.2%",
        "last price 5.0% above the mean of 50 hours",
    ]


@pytest.mark.parametrize(
    ("change", "want"),
    [
        pytest.param({"traded": 1e11 / 1000}, "0.5", id="a-thousandth-is-traded"),
        pytest.param({"traded": 0.0}, "0.5", id="nothing-is-traded"),
        pytest.param({"hourly_range": 0.003}, "0.85", id="half-as-lively"),
        pytest.param({"hourly_range": 0.021}, "0.85", id="too-wild"),
        pytest.param({"hourly_range": 0.03}, "0.7", id="far-too-wild"),
        pytest.param({"above_mean": 0.0}, "0.9", id="at-its-mean"),
        pytest.param({"above_mean": -0.2}, "0.8", id="falling"),
    ],
)
def test_what_a_part_takes_away(change: dict[str, float], want: str) -> None:
    other = replace(GOOD, symbol="KRW-XRP", **change)
    assert scores(GOOD, other)["KRW-XRP"] == D(want)


def test_liquidity_is_judged_among_markets_of_one_currency() -> None:
    small = replace(GOOD, symbol="USDT-BTC", traded=10.0)
    assert scores(GOOD, small) == {"KRW-BTC": D(1), "USDT-BTC": D(1)}


def test_markets_that_nobody_can_trade_only_tell_what_much_is() -> None:
    little = replace(GOOD, symbol="KRW-XRP", traded=GOOD.traded / 1000)
    found = recommend([GOOD, little], among=["KRW-XRP"], limit=50)
    assert [(item.symbol, item.score) for item in found] == [("KRW-XRP", D("0.5"))]


def test_only_so_many_as_asked_for() -> None:
    other = replace(GOOD, symbol="KRW-XRP", above_mean=0.0)
    found = recommend([other, GOOD], among=["KRW-BTC", "KRW-XRP"], limit=1)
    assert [item.symbol for item in found] == ["KRW-BTC"]


@given(SAMPLES, st.randoms(use_true_random=False))
def test_every_market_is_ranked_once_whatever_the_order(
    samples: list[MarketSample], rng: random.Random
) -> None:
    found = ranked(samples)
    shuffled = rng.sample(samples, len(samples))
    assert ranked(shuffled) == found
    assert to_samples(samples_json(samples)) == samples
    assert sorted(item.symbol for item in found) == sorted(item.symbol for item in samples)
    ranks = [(-item.score, item.symbol) for item in found]
    assert ranks == sorted(ranks)
    for item in found:
        assert sum(part.weight for part in item.parts) == 1
        assert all(0 <= part.score <= 1 for part in item.parts)
        exact = sum((part.score * part.weight for part in item.parts), D(0))
        assert abs(item.score - exact) <= D("0.00005")
