"""From the strategy of a configuration to the code that trades it: one line per strategy."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_runtime.core.strategies.grid import GridStrategy
from dantaro_runtime.core.strategies.grid_state import GridState
from dantaro_runtime.core.strategies.position.ai import judge_decision
from dantaro_runtime.core.strategies.position.breakout import judge_breakout
from dantaro_runtime.core.strategies.position.signal import judge_signal
from dantaro_runtime.core.strategies.position.trading import PositionState, PositionTrading
from dantaro_runtime.core.strategies.position.verdict import Judge
from dantaro_runtime.core.strategies.protocol import Strategy
from dantaro_runtime.core.strategies.staged import StagedState, StagedTrading

__all__ = ["Entry", "find_strategy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One strategy.

    Attributes:
        build: Makes it of its parameters.
        state_type: Type of its state.
    """

    build: Callable[[Any], Strategy[Any]]
    state_type: type[Any]


def _position(name: str, judge: Judge[Any]) -> Entry:
    return Entry(build=partial(PositionTrading, name, judge), state_type=PositionState)


_STRATEGIES: dict[str, Entry] = {
    "grid": Entry(build=GridStrategy, state_type=GridState),
    "staged": Entry(build=StagedTrading, state_type=StagedState),
    "signal": _position("signal", judge_signal),
    "breakout": _position("breakout", judge_breakout),
    "ai": _position("ai", judge_decision),
}


def find_strategy(config: StrategyConfig) -> tuple[Entry, Any]:
    """Return the entry of the strategy that is set, and its parameters."""
    return _STRATEGIES[config.name], getattr(config, config.name)
