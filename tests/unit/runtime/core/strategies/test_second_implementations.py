"""Grid and staged bot trade recorded candles as second implementations do, fill by fill.

`make test` takes three days of one market for each set of parameters. The whole recording of all
four markets: `DANTARO_TEST_WHOLE_RECORDING=1`.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pytest

from dantaro_crds.money import EXACT
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Candle, SupportLevel, SupportLevels
from tests.support.replay import BOT_UID, Result, recorded_minutes, replay
from tests.support.second.figures import floor_tick, nearest_tick
from tests.support.second.grid import SecondGrid
from tests.support.second.market import Market
from tests.support.second.staged import SecondStaged, Support

pytestmark = pytest.mark.unit

MARKETS = ("KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL")
WHOLE = bool(os.environ.get("DANTARO_TEST_WHOLE_RECORDING"))
DAYS = 40 if WHOLE else 3
BUDGET = "10000000"
HAIR = Fraction(1, 10**9)
"""Shares of a cost are cut to 12 decimals by the bot; here they are fractions."""

# Prices are percent of the first open: lower, upper, cells, then options.
GRIDS: dict[str, tuple[float, float, int, dict[str, Any]]] = {
    "arithmetic": (-2, 2, 25, {}),
    "geometric": (-3, 3, 40, {"geometric": True}),
    "hundred cells": (-8, 9, 100, {"geometric": True, "slippage": 0}),
    "price below": (0.4, 3, 12, {"slippage": 2}),
    "price above": (-3, -0.4, 12, {"geometric": True}),
    "stop sells": (-0.4, 2, 10, {"stop": -0.7, "profit": 4}),
    "stop keeps": (-0.4, 2, 10, {"stop": -0.6, "keep": True, "geometric": True}),
    "take profit": (-2, 0.5, 10, {"profit": 0.8, "stop": -6, "slippage": 3}),
    "trailing": (-1.2, 0.3, 8, {"trails": True, "geometric": True}),
    "trailing limited": (-1.2, 0.2, 6, {"trails": True, "limit": 1.2, "stop": -2.5, "profit": 3}),
}

STAGED: dict[str, dict[str, Any]] = {
    "equal": {"gain": "0.3"},
    "linear geometric": {"sizing": "linear", "geometric": True, "gain": "0.4", "stages": 8},
    "martingale stopped": {"sizing": "geometric", "stop": "0.2", "gain": "0.6", "slippage": 0},
    "linear stopped": {"sizing": "linear", "stop": "0.1", "level": "Aggressive", "gain": "2"},
    "jitter": {"jitter": "40", "gain": "0.25", "stages": 12, "level": "Aggressive"},
    "jitter geometric": {
        "jitter": "25",
        "geometric": True,
        "sizing": "geometric",
        "ratio": "1.2",
        "gain": "0.35",
        "stages": 20,
        "stop": "4",
        "level": "Conservative",
    },
    "one stage": {"stages": 1, "gain": "0.2", "stop": "0.5", "slippage": 2},
}


def _cases(names: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (market, name)
        for place, market in enumerate(MARKETS)
        for number, name in enumerate(names)
        if WHOLE or place == number % len(MARKETS)
    ]


@lru_cache(maxsize=1)
def _candles(market: str) -> tuple[Candle, ...]:
    return tuple(recorded_minutes(market, count=DAYS * 1440))


@pytest.mark.parametrize(("market", "name"), _cases(GRIDS))
def test_a_grid_trades_as_the_second_one_does(market: str, name: str) -> None:
    candles = _candles(market)
    low, high, cells, options = GRIDS[name]
    slippage = options.get("slippage", 1)
    lower, upper = (_near(candles[0], low), _near(candles[0], high))
    parameters: dict[str, Any] = {"lower_price": lower, "upper_price": upper, "grids": cells}
    parameters["spacing"] = "Geometric" if options.get("geometric") else "Arithmetic"
    prices = {
        field: _near(candles[0], options[field])
        for field in ("stop", "profit", "limit")
        if field in options
    }
    parameters |= {"stop_loss": prices.get("stop"), "take_profit": prices.get("profit")}
    if options.get("keep"):
        parameters["stop_action"] = "Keep"
    if options.get("trails"):
        parameters["trailing_up"] = {"limit_price": prices.get("limit")}
    second = SecondGrid(
        lower=lower,
        upper=upper,
        cells=cells,
        budget=BUDGET,
        geometric=options.get("geometric", False),
        keep=options.get("keep", False),
        trails=options.get("trails", False),
        **prices,
    )
    market_two = Market(second, Decimal(BUDGET), slippage=slippage).run(candles)
    result = replay(
        StrategyConfig.model_validate({"grid": parameters}),
        candles,
        Decimal(BUDGET),
        symbol=market,
        slippage_ticks=slippage,
    )
    _compare(result, market_two)
    book = result.book.grid
    assert book is not None
    assert book.grid_profit == second.grid_profit
    assert abs(Fraction(book.initial_stock_gain) - second.first_gain) < HAIR
    assert abs(Fraction(book.exit_result) - second.exit_result) < HAIR
    assert abs(Fraction(result.book.cost) - second.held_cost()) < HAIR
    assert (result.phase == "Stopped") == second.is_stopped
    moves = [note for _, note in result.notes if note.reason == "GridMovedUp"]
    assert bool(moves) == bool(second.shifts)


@pytest.mark.parametrize(("market", "name"), _cases(STAGED))
def test_a_staged_bot_trades_as_the_second_one_does(market: str, name: str) -> None:
    candles = _candles(market)
    options = dict(STAGED[name])
    slippage = options.pop("slippage", 1)
    level = options.pop("level", "Moderate")
    analyses = _analyses(candles)
    parameters = {
        "stages": options.get("stages", 5),
        "support_level": level,
        "spacing": "Geometric" if options.get("geometric") else "Arithmetic",
        "sizing": options.get("sizing", "equal").title(),
        "geometric_ratio": options.get("ratio", "1.5"),
        "take_profit_percent": options["gain"],
        "stop_loss_percent": options.get("stop"),
        "jitter_percent": options.get("jitter", "0"),
    }
    second = SecondStaged(
        budget=BUDGET, supports=[_support(a, level) for a in analyses], uid=BOT_UID, **options
    )
    market_two = Market(second, Decimal(BUDGET), slippage=slippage).run(candles)
    result = replay(
        StrategyConfig.model_validate({"staged": parameters}),
        candles,
        Decimal(BUDGET),
        analyses=analyses,
        symbol=market,
        slippage_ticks=slippage,
    )
    _compare(result, market_two)
    assert result.book.realized == second.realized
    assert result.book.cost == second.cost
    starts = [note for _, note in result.notes if note.reason == "CycleStarted"]
    assert len(starts) == second.started
    ends = [n for _, n in result.notes if n.reason in {"CycleClosed", "SoldAll"}]
    assert len(ends) == len(second.closed)


def _compare(result: Result, second: Market) -> None:
    ours = [(f.time, f.side.lower(), f.price, f.volume, f.fee, f.maker) for f in result.fills]
    theirs = [(d.time, d.side, d.price, d.volume, d.fee, d.maker) for d in second.dealt]
    assert ours == theirs
    assert len(ours) > 0
    ledger = result.ledger
    assert (ledger.quote, ledger.base, ledger.fees) == (second.quote, second.base, second.fees)
    last = second.last
    assert result.equity == EXACT.add(second.quote, EXACT.multiply(second.base, last))


def _near(candle: Candle, percent: float) -> str:
    return str(nearest_tick(candle.open * (100 + Decimal(str(percent))) / 100))


def _analyses(candles: tuple[Candle, ...]) -> list[Analysis]:
    """Return support levels under the lowest low of the last hours, one every 5 minutes."""
    analyses = []
    span = timedelta(minutes=5)
    place = 0
    time = candles[0].time
    while time <= candles[-1].time:
        while place < len(candles) and candles[place].time < time:
            place += 1
        lows = [candle.low for candle in candles[max(0, place - 360) : place]]
        lowest = min(lows) if len(lows) > 60 else None
        last = candles[place - 1].close if place else None
        levels = {
            name: _level(days, part, lowest, last)
            for name, days, part in (
                ("aggressive", 7, "0.999"),
                ("moderate", 30, "0.994"),
                ("conservative", 90, "0.97"),
            )
        }
        analyses.append(Analysis(data_until=time, support_levels=SupportLevels(**levels)))
        time += span
    return analyses


def _level(days: int, part: str, lowest: Decimal | None, last: Decimal | None) -> SupportLevel:
    if lowest is None or last is None:
        return SupportLevel(window_days=days, reason="too little history")
    price = floor_tick(lowest * Decimal(part))
    return SupportLevel(window_days=days, price=price, broken=last <= price)


def _support(analysis: Analysis, choice: str) -> Support:
    assert analysis.support_levels is not None
    level = getattr(analysis.support_levels, choice.lower())
    return Support(time=analysis.data_until, price=level.price, is_broken=level.broken)
