"""The kind TradingBot: one position at a time, opened and closed by a strategy."""

from typing import ClassVar, Literal

from dantaro_crds.v1alpha1.bot_common import BOT_COLUMNS, BOT_RULES, BotSpec, BotStatus
from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.v1alpha1.resource import KindInfo, Resource
from dantaro_crds.v1alpha1.rule import Node, Rule
from dantaro_crds.v1alpha1.strategies import (
    AiStrategy,
    BreakoutStrategy,
    SignalStrategy,
    StagedStrategy,
)
from dantaro_crds.values import SymbolOrAuto

__all__ = ["TradingBot", "TradingBotSpec", "TradingBotStatus", "TradingStrategy"]


class TradingStrategy(Model):
    """What to trade by; exactly one is set. `ai: {}` sets it with its defaults."""

    staged: StagedStrategy | None = None
    """Buy in stages down to a support level, sell all at a profit."""
    signal: SignalStrategy | None = None
    """Trade on a vote of indicators."""
    breakout: BreakoutStrategy | None = None
    """Buy when the price leaves the last day's range upwards."""
    ai: AiStrategy | None = None
    """Act on the decision of central's analyst."""

    @property
    def name(self) -> str:
        """Name of the strategy that is set; empty when none is."""
        return next((n for n in type(self).model_fields if getattr(self, n) is not None), "")


class TradingBotSpec(BotSpec):
    """What a trading bot is told."""

    symbol: SymbolOrAuto
    """Market such as KRW-BTC or BTC/USDT; auto takes central's best recommendation that no other
    bot of the account trades, and keeps it until the bot is flat."""
    strategy: TradingStrategy
    """What to trade by."""


class TradingBotStatus(BotStatus):
    """How a trading bot is doing. Written by the operator only."""


_STRATEGIES = tuple(TradingStrategy.model_fields)
_SET = ", ".join(f"has(self.{name})" for name in _STRATEGIES)


def _set_count(strategy: Node) -> int:
    return sum(name in strategy for name in _STRATEGIES)


_STRATEGY_RULES = (
    Rule(
        at=("spec", "strategy"),
        cel=f"[{_SET}].exists_one(x, x)",
        holds=lambda new, _: _set_count(new) == 1,
        reads=(),
        message=f"exactly one of {', '.join(_STRATEGIES)} must be set",
        suffix=", were %d",
        details=((f"[{_SET}].filter(x, x).size()", _set_count),),
    ),
)


class TradingBot(Resource):
    """Trades one market by a strategy."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="tradingbots",
        short_names=("tb",),
        columns=BOT_COLUMNS,
        rules=(*BOT_RULES, *_STRATEGY_RULES),
    )

    kind: Literal["TradingBot"] = "TradingBot"
    """Always TradingBot."""
    spec: TradingBotSpec
    """What the user wants."""
    status: TradingBotStatus = TradingBotStatus()
    """How it is doing."""
