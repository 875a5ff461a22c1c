"""From the strategy of a configuration to the code that trades it: one line per strategy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dantaro_crds.errors import SpecError
from dantaro_crds.wire.bot_config import StrategyConfig
from dantaro_runtime.core.strategies.grid import GridStrategy
from dantaro_runtime.core.strategies.grid_state import GridState
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


_STRATEGIES: dict[str, Entry] = {
    "grid": Entry(build=GridStrategy, state_type=GridState),
    "staged": Entry(build=StagedTrading, state_type=StagedState),
}


def find_strategy(config: StrategyConfig) -> tuple[Entry, Any]:
    """Return the entry of the strategy that is set, and its parameters.

    Raises:
        SpecError: This version does not trade it.
    """
    entry = _STRATEGIES.get(config.name)
    if entry is None:
        raise SpecError(
            f"this version trades {' and '.join(_STRATEGIES)}, was {config.name}",
            field="spec.strategy",
            code="StrategyUnavailable",
        )
    return entry, getattr(config, config.name)
