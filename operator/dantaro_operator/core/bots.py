"""The two kinds of bots as one: what both have, under one name each."""

from collections.abc import Iterable
from datetime import UTC, datetime

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.v1alpha1.trading_bot import TradingBot
from dantaro_crds.wire.bot_config import StrategyConfig

__all__ = [
    "AUTO",
    "MARKET_START",
    "MARKET_START_FIRST",
    "Bot",
    "Key",
    "account_of",
    "allocations_in",
    "bots_in",
    "label",
    "seniority",
    "strategy_name",
    "strategy_of",
]

AUTO = "auto"
"""In place of a market: one that central recommends."""

Bot = TradingBot | GridBot
"""Either kind."""

Key = tuple[str, str, str]
"""Kind, namespace and name."""

MARKET_START = "dantaro.io/market-start"
"""Annotation of local mode: market time from which the bot trades, or `first`. Written once."""

MARKET_START_FIRST = "first"
"""From the first candle of the market."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)


def bots_in(resources: Iterable[Resource]) -> list[Bot]:
    """Return the bots among some objects, in their order."""
    return [item for item in resources if isinstance(item, TradingBot | GridBot)]


def allocations_in(resources: Iterable[Resource]) -> list[Allocation]:
    """Return the Allocations among some objects, in their order."""
    return [item for item in resources if isinstance(item, Allocation)]


def account_of(bot: Bot) -> Key:
    """Return the key of the Allocation that a bot refers to."""
    return ("Allocation", bot.metadata.namespace, bot.spec.allocation_ref.name)


def label(resource: Resource) -> str:
    """Return `Kind/name`."""
    return f"{resource.kind}/{resource.metadata.name}"


def seniority(resource: Resource) -> tuple[datetime, str, str]:
    """Return what orders objects by age: creation, then name, then kind."""
    created = resource.metadata.creation_timestamp or _EARLIEST
    return (created, resource.metadata.name, resource.kind)


def strategy_name(bot: Bot) -> str:
    """Return the name of a bot's strategy."""
    return "grid" if isinstance(bot, GridBot) else strategy_of(bot).name


def strategy_of(bot: Bot) -> StrategyConfig:
    """Return the strategy as a bot's configuration wants it."""
    if isinstance(bot, GridBot):
        return StrategyConfig(grid=bot.spec.grid)
    strategy = bot.spec.strategy
    return StrategyConfig(
        staged=strategy.staged,
        signal=strategy.signal,
        breakout=strategy.breakout,
        ai=strategy.ai,
    )
