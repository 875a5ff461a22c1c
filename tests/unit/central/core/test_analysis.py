"""Analyses depend on the candles alone, and never on later ones."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dantaro_central.core.analysis import Analyst
from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Batch, Findings
from dantaro_central.core.market_state import MarketState
from dantaro_central.core.recommendations import to_samples
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import MarketStatus, SupportLevels
from tests.support.candles import START, make_candle, simulated_hours, simulated_minutes

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
COUNT = 300
SYMBOLS = ("KRW-BTC", "KRW-DOGE")
HOURS = {symbol: simulated_hours(symbol, 200) for symbol in SYMBOLS}
MINUTES = {symbol: simulated_minutes(symbol, COUNT) for symbol in SYMBOLS}


def fresh() -> Analyst:
    """Return an analyst that stands at START."""
    states = []
    for symbol in SYMBOLS:
        state = MarketState(symbol, since=START)
        state.restore({Interval.M60: HOURS[symbol]}, until=START)
        states.append(state)
    return Analyst(states)


def cut(minutes: dict[str, list[Candle]], after: datetime, until: datetime) -> Batch:
    """Return the candles that closed in (after, until]."""
    return Batch(
        minutes={
            symbol: [c for c in candles if after < c.time + MINUTE <= until]
            for symbol, candles in minutes.items()
        }
    )


def run(analyst: Analyst, steps: list[int], minutes: dict[str, list[Candle]] = MINUTES) -> Findings:
    """Digest in steps of so many minutes and return everything found."""
    total = Findings()
    at = START
    for step in steps:
        until = at + step * MINUTE
        found = analyst.digest(cut(minutes, at, until), after=at, until=until)
        total.built.extend(found.built)
        total.levels.extend(found.levels)
        total.indicators.extend(found.indicators)
        total.scores.extend(found.scores)
        total.statuses.extend(found.statuses)
        total.tickers.update(found.tickers)
        total.samples[:] = found.samples or total.samples
        at = until
    return total


WHOLE = run(fresh(), [COUNT])


@settings(max_examples=25)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=12))
def test_steps_of_any_size_find_the_same(steps: list[int]) -> None:
    left = COUNT - sum(steps)
    found = run(fresh(), [*steps, left] if left > 0 else [COUNT // 2, COUNT - COUNT // 2])
    if sum(steps) <= COUNT:
        assert sorted(found.built, key=str) == sorted(WHOLE.built, key=str)
        assert (found.levels, found.statuses) == (WHOLE.levels, WHOLE.statuses)
        assert (found.indicators, found.scores) == (WHOLE.indicators, WHOLE.scores)
        assert found.tickers == WHOLE.tickers
        assert found.samples == WHOLE.samples


@settings(max_examples=20)
@given(st.integers(1, COUNT - 1))
def test_a_restart_at_any_minute_finds_the_same(at: int) -> None:
    first = run(fresh(), [at])
    until = START + at * MINUTE
    states = []
    for symbol in SYMBOLS:
        stored = {
            interval: [c for s, i, c in first.built if s == symbol and i is interval]
            for interval in Interval
        }
        stored[Interval.M60] = HOURS[symbol] + stored[Interval.M60]
        stored[Interval.M1] = [*cut(MINUTES, START, until).minutes[symbol]]
        state = MarketState(symbol, since=START)
        state.restore(stored, until=until)
        states.append(state)
    trend = MarketStatus.model_validate_json(WHOLE.statuses[0][1]).trend
    for _, text in first.statuses:
        trend = MarketStatus.model_validate_json(text).trend
    again = Analyst(states, trend=trend)
    end = START + COUNT * MINUTE
    rest = again.digest(cut(MINUTES, until, end), after=until, until=end)
    assert first.levels + rest.levels == WHOLE.levels
    assert first.indicators + rest.indicators == WHOLE.indicators
    assert first.scores + rest.scores == WHOLE.scores
    if first.statuses:
        assert first.statuses + rest.statuses == WHOLE.statuses
    assert sorted(first.built + rest.built, key=str) == sorted(WHOLE.built, key=str)


@settings(max_examples=20)
@given(st.integers(0, COUNT - 1))
def test_no_analysis_looks_ahead(cut_at: int) -> None:
    """Whatever the market does from some minute on, analyses up to there stay the same."""
    other = {
        symbol: candles[:cut_at]
        + [make_candle(c.time, 1, high=10**9, volume=9) for c in candles[cut_at:]]
        for symbol, candles in MINUTES.items()
    }
    found = run(fresh(), [COUNT], other)
    until = START + cut_at * MINUTE
    assert [row for row in found.levels if row[1] <= until] == [
        row for row in WHOLE.levels if row[1] <= until
    ]
    assert [row for row in found.indicators if row[2] <= until] == [
        row for row in WHOLE.indicators if row[2] <= until
    ]
    assert [row for row in found.scores if row[1] <= until] == [
        row for row in WHOLE.scores if row[1] <= until
    ]
    assert [row for row in found.statuses if row[0] <= until] == [
        row for row in WHOLE.statuses if row[0] <= until
    ]


def test_there_is_an_analysis_every_five_minutes() -> None:
    times = [until for until, _ in WHOLE.statuses]
    assert [until for s, until, _ in WHOLE.scores if s == "KRW-BTC"] == times[11::12]
    assert times == [START + 5 * n * MINUTE for n in range(1, COUNT // 5 + 1)]
    assert [until for s, until, _ in WHOLE.levels if s == "KRW-BTC"] == times


def test_the_last_price_at_the_time_of_the_analysis_breaks_a_level() -> None:
    state = MarketState("KRW-BTC", since=START)
    state.restore(
        {
            Interval.M60: [
                make_candle(START - back * 60 * MINUTE, 500) for back in range(200, 0, -1)
            ]
        },
        until=START,
    )
    analyst = Analyst([state])
    crash = [make_candle(START, 600), make_candle(START + 7 * MINUTE, 400)]
    found = analyst.digest(
        Batch(minutes={"KRW-BTC": crash}), after=START, until=START + 10 * MINUTE
    )
    broken = [SupportLevels.model_validate_json(t).aggressive.broken for _, _, t in found.levels]
    assert broken == [False, True]


def test_hours_of_a_market_without_minutes_are_analysed() -> None:
    state = MarketState("KRW-SOL", since=START)
    state.restore({Interval.M60: simulated_hours("KRW-SOL", 200)}, until=START)
    analyst = Analyst([state])
    hour = make_candle(START, 1)
    found = analyst.digest(
        Batch(minutes={}, hours={"KRW-SOL": [hour]}), after=START, until=START + 61 * MINUTE
    )
    levels = [SupportLevels.model_validate_json(text) for _, _, text in found.levels]
    assert [level.aggressive.broken for level in levels] == [False] * 11 + [True]
    assert found.tickers["KRW-SOL"].price == 1


def test_the_ticker_has_a_change_once_a_day_is_known() -> None:
    state = MarketState("KRW-BTC", since=START)
    analyst = Analyst([state])
    day = [make_candle(START + n * MINUTE, 100 + n, volume="0.1") for n in range(1441)]
    first = analyst.digest(
        Batch(minutes={"KRW-BTC": day[:1440]}), after=START, until=START + 1440 * MINUTE
    )
    second = analyst.digest(
        Batch(minutes={"KRW-BTC": day[1440:]}),
        after=START + 1440 * MINUTE,
        until=START + 1441 * MINUTE,
    )
    assert first.tickers["KRW-BTC"].change24h is None
    ticker = second.tickers["KRW-BTC"]
    # 100 a day before, 1540 now; the candle of a day before does not count for the volume.
    assert (ticker.price, ticker.change24h) == (Decimal(1540), Decimal("14.400000"))
    assert ticker.volume24h == Decimal("144.0")


@pytest.mark.parametrize(
    ("hours", "age", "want"),
    [
        pytest.param(200, 1, ["KRW-BTC"], id="enough-and-fresh"),
        pytest.param(40, 1, ["KRW-BTC"], id="just-enough"),
        pytest.param(39, 1, [], id="too-little"),
        pytest.param(200, 2, ["KRW-BTC"], id="just-fresh"),
        pytest.param(200, 3, [], id="nothing-traded-of-late"),
    ],
)
def test_a_market_is_recommended_by_enough_and_fresh_data(
    hours: int, age: int, want: list[str]
) -> None:
    state = MarketState("KRW-BTC", since=START)
    state.restore(
        {
            Interval.M60: [
                make_candle(START - (age + n) * HOUR, 500) for n in range(hours - 1, -1, -1)
            ]
        },
        until=START,
    )
    (until, body), *others = Analyst([state]).analyse(START).samples
    assert (until, others) == (START, [])
    assert [sample.symbol for sample in to_samples(body)] == want


def test_without_any_candle_there_is_no_ticker_and_no_status() -> None:
    analyst = Analyst([])
    analyst.add(MarketState("KRW-BTC", since=START))
    found = analyst.analyse(START)
    assert (found.tickers, found.statuses) == ({}, [(START, "null")])
