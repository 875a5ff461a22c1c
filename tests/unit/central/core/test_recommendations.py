"""Scores and their order, against values computed by hand."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_central.core.recommendations import (
    FORMULA,
    MarketSample,
    recommend,
    samples_json,
    score_json,
    to_samples,
)
from dantaro_crds.wire.recommendations import Recommendation

pytestmark = pytest.mark.unit

D = Decimal
ONE = MarketSample(
    symbol="KRW-BTC",
    traded=4e11,
    above_mean=0.05,
    hourly_range=0.009,
    rsi=55.0,
    macd=0.001,
    percent_b=0.4,
    usual=2e11,
    day_range=0.04,
    drawdown=0.1,
    tick=0.0001,
    days=200,
    hours=1.0,
)
TWO = replace(
    ONE,
    symbol="KRW-ETH",
    traded=1e11,
    above_mean=0.02,
    rsi=75.0,
    macd=0.003,
    percent_b=1.1,
    usual=1e11,
    day_range=0.105,
    drawdown=0.2,
    tick=0.0002,
)
THREE = replace(
    ONE,
    symbol="KRW-XRP",
    traded=2e10,
    above_mean=-0.04,
    rsi=25.0,
    macd=-0.002,
    percent_b=-0.1,
    usual=4e10,
    day_range=0.01,
    drawdown=0.3,
    tick=0.002,
)

FRACTIONS = st.none() | st.floats(0, 1)
SAMPLES = st.lists(
    st.builds(
        MarketSample,
        symbol=st.sampled_from([f"{q}-{b}" for q in ("KRW", "BTC") for b in "ABCDEFGH"]),
        traded=st.floats(0, 1e15),
        above_mean=st.floats(-0.99, 10),
        hourly_range=st.floats(0, 1),
        rsi=st.none() | st.floats(0, 100),
        macd=FRACTIONS,
        percent_b=FRACTIONS,
        usual=FRACTIONS,
        day_range=FRACTIONS,
        drawdown=FRACTIONS,
        tick=FRACTIONS,
        days=st.integers(0, 200),
        hours=st.floats(0, 1),
    ),
    unique_by=lambda sample: sample.symbol,
)


def ranked(samples: Sequence[MarketSample], *, live: bool = False) -> list[Recommendation]:
    return recommend(samples, among=[sample.symbol for sample in samples], limit=50, live=live)


def parts(found: Recommendation) -> dict[str, Decimal]:
    return {part.name: part.score for part in found.parts}


def test_three_markets_score_as_computed_by_hand() -> None:
    """Ranks of three: 1/6, 1/2, 5/6; two equal ones of three share 1/3 or 2/3.

    ONE: technical of RSI 5/6 (others lie 5 outside of 30 to 70 each: 1/3), MACD 1/2, mean 5/6,
    %b 1/2: (5 + 3 + 5 + 3) / 24 = 2/3. Volume: 5/6 and 5/6 (twice the usual against 1 and 1/2).
    Volatility: 4 % is within 2 to 6 %. Risk: 1 - 1/6.
    TWO: RSI 1/3, MACD 5/6, mean 1/2, %b 1/6: 11/24. Volume 1/2. Volatility 10.5 %: half-way from 6
    to 15. Risk 1/2.
    THREE: RSI 1/3, MACD 1/6, mean 1/6, %b 5/6: 9/24. Volume 1/6. Volatility 1 %: half of 2.
    Risk 1/6.
    """
    found = {item.symbol: item for item in ranked([THREE, TWO, ONE])}
    assert list(found) == ["KRW-BTC", "KRW-ETH", "KRW-XRP"]
    assert parts(found["KRW-BTC"]) == {
        "technical": D("0.6667"),
        "volume": D("0.8333"),
        "volatility": D(1),
        "risk": D("0.8333"),
    }
    assert parts(found["KRW-ETH"]) == {
        "technical": D("0.4583"),
        "volume": D("0.5"),
        "volatility": D("0.5"),
        "risk": D("0.5"),
    }
    assert parts(found["KRW-XRP"]) == {
        "technical": D("0.3750"),
        "volume": D("0.1667"),
        "volatility": D("0.5"),
        "risk": D("0.1667"),
    }
    # 0.35 x 0.6667 + 0.25 x 0.8333 + 0.2 x 1 + 0.2 x 0.8333 = 0.80833
    assert found["KRW-BTC"].score == D("0.8083")
    # 0.35 x 0.4583 + 0.25 x 0.5 + 0.2 x 0.5 + 0.2 x 0.5 = 0.485405
    assert found["KRW-ETH"].score == D("0.4854")
    # 0.35 x 0.375 + 0.25 x 0.1667 + 0.2 x 0.5 + 0.2 x 0.1667 = 0.306265
    assert found["KRW-XRP"].score == D("0.3063")


def test_each_part_says_its_figures() -> None:
    assert [part.reason for part in ranked([ONE])[0].parts] == [
        (
            "RSI 55, last price 5.0% above the mean of 50 hours, "
            "MACD histogram +0.10% of the price, %b 0.40"
        ),
        "400,000,000,000 KRW traded in 24 hours, 2.00 times the usual",
        "mean daily range 4.0%, within 2% to 6%",
        "fell by up to 10.0% in 90 days; one tick is 0.010%",
    ]


def test_a_market_alone_has_middle_ranks() -> None:
    found = parts(ranked([ONE])[0])
    assert found == {name: D("0.5") for name in found} | {"volatility": D(1)}


@pytest.mark.parametrize(
    ("size", "want"),
    [(0.0, "0"), (0.01, "0.5"), (0.02, "1"), (0.06, "1"), (0.105, "0.5"), (0.15, "0"), (0.3, "0")],
)
def test_the_daily_range_has_a_target_band(size: float, want: str) -> None:
    assert parts(ranked([replace(ONE, day_range=size)])[0])["volatility"] == D(want)


@pytest.mark.parametrize(
    ("change", "misses"),
    [
        pytest.param({"symbol": "BTC-XRP"}, "it is not of KRW", id="another-currency"),
        pytest.param({"days": 89}, "89 of 90 days are known", id="listed-of-late"),
        pytest.param({"hours": 0.94}, "94% of 95% of the hours", id="hours-missing"),
        pytest.param(
            {"traded": 9e8}, "less than 1,000,000,000 traded in 24 hours", id="little-traded"
        ),
        pytest.param({"warned": True}, "the venue warns of it", id="warned-of"),
        pytest.param({"spread": 0.0051}, "the spread is above 0.5%", id="far-apart"),
    ],
)
def test_a_live_market_must_reach_limits_and_another_says_what_it_misses(
    change: dict[str, object], misses: str
) -> None:
    sample = replace(ONE, **change)  # type: ignore[arg-type]
    assert ranked([sample], live=True) == []
    (found,) = ranked([sample])
    assert found.parts[-1].reason.endswith(f"let pass because the market is not live: {misses}")
    assert len(ranked([ONE], live=True)) == 1


def test_a_spread_is_ranked_and_each_caution_of_the_venue_costs_a_fifth() -> None:
    found = ranked([replace(ONE, spread=0.001), replace(TWO, spread=0.002, cautions=1)], live=True)
    risks = {item.symbol: (parts(item)["risk"], item.parts[-1].reason) for item in found}
    # Of two, the ranks of fall, tick and spread are a quarter and three quarters.
    assert risks["KRW-BTC"][0] == D("0.75")
    assert risks["KRW-ETH"][0] == D("0.05")
    assert risks["KRW-ETH"][1].endswith("the spread is 0.200%; cautions of the venue: 1")
    (worst,) = ranked([replace(ONE, cautions=5)])
    assert parts(worst)["risk"] == 0


def test_a_stable_coin_is_never_recommended() -> None:
    assert ranked([replace(ONE, symbol="KRW-USDT"), replace(ONE, symbol="USDC/EUR")]) == []


def test_what_is_not_known_counts_as_middling() -> None:
    young = MarketSample(symbol="KRW-NEW", traded=1e10, above_mean=0.0, hourly_range=0.01)
    (found,) = ranked([young])
    assert parts(found)["volatility"] == D("0.5")
    assert "RSI is not known, it takes 200 hours" in found.parts[0].reason
    assert "0 of 90 days are known" in found.parts[-1].reason


def test_markets_that_nobody_can_trade_only_tell_what_much_is() -> None:
    found = recommend([ONE, THREE], among=["KRW-XRP"], limit=50)
    assert [item.symbol for item in found] == ["KRW-XRP"]
    assert parts(found[0])["volume"] == D("0.25")


def test_equal_scores_go_by_value_traded_and_then_by_name() -> None:
    # The busier trades as much more as it is usual: its ranks of value and of busyness cancel.
    much = replace(ONE, symbol="KRW-ZZZ", traded=8e11, usual=8e11)
    same = replace(much, symbol="KRW-AAA")
    found = ranked([ONE, much, same])
    scores = {item.symbol: item.score for item in found}
    assert scores["KRW-ZZZ"] == scores["KRW-AAA"]
    assert [item.symbol for item in found if item.symbol != "KRW-BTC"] == ["KRW-AAA", "KRW-ZZZ"]
    pair = ranked([replace(ONE, symbol="KRW-AAA"), replace(much, symbol="KRW-ZZZ")])
    assert [item.score for item in pair] == [pair[0].score] * 2
    assert [item.symbol for item in pair] == ["KRW-ZZZ", "KRW-AAA"]


def test_only_so_many_as_asked_for() -> None:
    found = recommend([ONE, TWO], among=["KRW-BTC", "KRW-ETH"], limit=1)
    assert [item.symbol for item in found] == ["KRW-BTC"]


def test_a_stored_score_holds_parts_inputs_and_the_version_of_the_formula() -> None:
    stored = json.loads(score_json(ONE, ranked([ONE])[0]))
    assert stored["formula"] == FORMULA
    assert [part["weight"] for part in stored["parts"]] == ["0.35", "0.25", "0.2", "0.2"]
    assert stored["inputs"]["rsi"] == 55.0


@given(SAMPLES, st.randoms(use_true_random=False))
def test_every_market_is_ranked_once_whatever_the_order(
    samples: list[MarketSample], rng: random.Random
) -> None:
    found = ranked(samples)
    shuffled = rng.sample(samples, len(samples))
    assert ranked(shuffled) == found
    assert to_samples(samples_json(samples)) == samples
    assert sorted(item.symbol for item in found) == sorted(item.symbol for item in samples)
    for item in found:
        assert sum(part.weight for part in item.parts) == 1
        assert all(0 <= part.score <= 1 for part in item.parts)
        exact = sum((part.score * part.weight for part in item.parts), D(0))
        assert abs(item.score - exact) <= D("0.00005")
