"""Cutting the future off recorded candles changes no indicator, level, status or score before."""

from datetime import timedelta
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dantaro_central.adapters.sources.candle_files import find_candles
from dantaro_central.core.analysis import Analyst
from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Batch, Findings
from dantaro_central.core.market_state import MarketState
from dantaro_crds.values import Interval
from tests.support.candles import START, make_candle
from tests.support.recorded import recorded_candles

pytestmark = pytest.mark.unit

MINUTE = timedelta(minutes=1)
SYMBOLS = ("KRW-BTC", "KRW-XRP")
COUNT = 1500
LONG_AGO = START - timedelta(days=250)


@lru_cache(maxsize=2)
def recording(symbol: str) -> tuple[dict[Interval, list[Candle]], list[Candle]]:
    """Return history and a day of minutes of a recorded market."""
    folder = recorded_candles() / "upbit" / symbol
    files = {name: find_candles(folder, name) for name in (Interval.M1, Interval.M60, Interval.D1)}
    found = {name: [*file.candles(LONG_AGO)] for name, file in files.items() if file is not None}
    minutes = found.pop(Interval.M1)[: COUNT + 10]
    start = minutes[0].time
    history = {
        name: [c for c in candles if c.time + name.span <= start] for name, candles in found.items()
    }
    return history, minutes


def found_in(minutes: dict[str, list[Candle]], count: int) -> Findings:
    """Return everything that is found of `count` minutes."""
    states = []
    start = recording(SYMBOLS[0])[1][0].time
    for symbol in SYMBOLS:
        state = MarketState(symbol, since=start)
        state.restore(recording(symbol)[0], until=start)
        states.append(state)
    return Analyst(states).digest(Batch(minutes=minutes), after=start, until=start + count * MINUTE)


@settings(max_examples=8, deadline=None)
@given(st.integers(1, COUNT - 1))
def test_whatever_comes_later_nothing_before_changes(cut: int) -> None:
    minutes = {symbol: recording(symbol)[1] for symbol in SYMBOLS}
    until = minutes[SYMBOLS[0]][0].time + cut * MINUTE
    past = {
        symbol: [c for c in candles if c.time + MINUTE <= until]
        for symbol, candles in minutes.items()
    }
    wild = {
        symbol: candles
        + [make_candle(until + n * MINUTE, 1 + n % 9 * 10**8, volume=10**6) for n in range(60)]
        for symbol, candles in past.items()
    }
    whole, cut_off = found_in(minutes, COUNT), found_in(past, cut)
    other = found_in(wild, cut + 60)
    assert cut_off.indicators or cut < 5
    for found in (whole, other):
        assert [row for row in found.indicators if row[2] <= until] == cut_off.indicators
        assert [row for row in found.levels if row[1] <= until] == cut_off.levels
        assert [row for row in found.scores if row[1] <= until] == cut_off.scores
        assert [row for row in found.statuses if row[0] <= until] == cut_off.statuses
