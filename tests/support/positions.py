"""Builders for tests of the strategies with one position: signal, breakout, ai."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import TypeAdapter

from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_crds.wire.bundle import Analysis, Decision, Indicators
from dantaro_crds.wire.indicator_names import IndicatorName as Name
from dantaro_runtime.core.strategies.position.trading import PositionState, PositionTrading
from dantaro_runtime.core.strategies.registry import find_strategy
from tests.support.strategy_run import START, HandRun, PaperStrategyRun

__all__ = [
    "BUY",
    "QUIET",
    "SELL",
    "STATE",
    "breakout_values",
    "make_decision",
    "make_indicators",
    "make_position_paper_run",
    "make_position_run",
    "make_trading",
    "reborn",
]

STATE: TypeAdapter[PositionState] = TypeAdapter(PositionState)

QUIET: dict[str, str] = {
    Name.CLOSE: "3240",
    Name.PREVIOUS_CLOSE: "3240",
    Name.RSI14: "50",
    Name.PREVIOUS_RSI14: "50",
    Name.MACD_HISTOGRAM: "1",
    Name.PREVIOUS_MACD_HISTOGRAM: "1",
    Name.BOLLINGER_LOWER: "3200",
    Name.BOLLINGER_MIDDLE: "3240",
    Name.BOLLINGER_UPPER: "3280",
    Name.PREVIOUS_BOLLINGER_LOWER: "3200",
    Name.PREVIOUS_BOLLINGER_UPPER: "3280",
    Name.SQUEEZE_ON: "0",
    Name.PREVIOUS_SQUEEZE_ON: "0",
    Name.VOLUME: "10",
    Name.VOLUME_SMA20: "10",
}
"""Indicators of a candle on which nobody votes."""

BUY = {Name.PREVIOUS_RSI14: "30", Name.RSI14: "30.1"}
"""What one voter buys on."""

SELL = {Name.PREVIOUS_RSI14: "70", Name.RSI14: "69.9"}
"""What one voter sells on."""


def make_indicators(
    closed: datetime = START,
    values: dict[Any, str] | None = None,
    *,
    interval: Interval = Interval.M15,
    data_until: datetime | None = None,
) -> Analysis:
    """Return an analysis whose newest candle closed at `closed`: QUIET but for `values`."""
    found = {**QUIET, **(values or {})}
    return Analysis(
        data_until=data_until or closed,
        indicators=Indicators(
            values={name: Decimal(value) for name, value in found.items()},
            time=closed - interval.span,
            interval=interval,
        ),
    )


def breakout_values(**changes: str) -> dict[Any, str]:
    """Return a day with the target 3300 of the definition's example, and all other gates open."""
    return {
        Name.CLOSE: "3305",
        Name.DONCHIAN_UPPER20: "3304",
        Name.DAY_OPEN: "3200",
        Name.PREVIOUS_DAY_HIGH: "3300",
        Name.PREVIOUS_DAY_LOW: "3100",
        Name.SQUEEZE_ON: "0",
        Name.SQUEEZE_BARS10: "6",
        Name.VOLUME: "15",
        Name.VOLUME_SMA20: "10",
        **changes,
    }


def make_decision(
    action: str = "Buy",
    confidence: str = "0.7",
    *,
    data_until: datetime = START,
    time: datetime | None = None,
    valid_until: datetime | None = None,
) -> Analysis:
    """Return an analysis with a decision."""
    return Analysis(
        data_until=data_until,
        decision=Decision(
            action=action,
            confidence=Decimal(confidence),
            reason="the trend is up",
            time=time,
            valid_until=valid_until,
        ),
    )


def make_trading(name: str, **fields: Any) -> PositionTrading[Any]:
    """Return a strategy as a bot gets it."""
    config = StrategyConfig.model_validate({name: fields})
    entry, parameters = find_strategy(config)
    trading = entry.build(parameters)
    assert isinstance(trading, PositionTrading)
    return trading


def make_position_run(
    name: str,
    *,
    analysis: Analysis | None = None,
    money: str = "1000000",
    last: str = "3240",
    time: datetime = START,
    slow: bool = False,
    **fields: Any,
) -> HandRun[PositionState]:
    """Return a run whose venue the test moves by hand."""
    return HandRun(
        strategy=make_trading(name, **fields),
        money=Decimal(money),
        last=Decimal(last),
        analysis=analysis,
        time=time,
        has_slow_cancels=slow,
    )


def make_position_paper_run(
    name: str, *, analysis: Analysis | None = None, slippage_ticks: int = 1, **fields: Any
) -> PaperStrategyRun[PositionState]:
    """Return a run on the paper market."""
    return PaperStrategyRun(
        strategy=make_trading(name, **fields),
        money=Decimal(1_000_000),
        last=Decimal(3240),
        analysis=analysis,
        slippage_ticks=slippage_ticks,
    )


def reborn(state: PositionState) -> PositionState:
    """Return the state as a store gives it back."""
    return STATE.validate_json(STATE.dump_json(state))
