"""Answers of the API that are not part of a bundle."""

from pydantic import Field

from dantaro_central.core.market_clock import MarketUse
from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.values import Interval, Symbol, UtcTime
from dantaro_crds.wire.bundle import Candle, MarketStatus, Source, SupportLevels

__all__ = ["CandlePage", "MarketEntry", "MarketList", "StatusView", "SupportLevelsView"]


class CandlePage(Model):
    """Closed candles of one market."""

    market_time: UtcTime
    """Central's market time."""
    symbol: Symbol
    """The market."""
    interval: Interval
    """Length of the candles."""
    candles: list[Candle]
    """Oldest first."""


class SupportLevelsView(Model):
    """Support levels of one market."""

    symbol: Symbol
    """The market."""
    data_until: UtcTime
    """Market time up to which candles were used."""
    support_levels: SupportLevels
    """The levels."""


class StatusView(Model):
    """State of all markets together."""

    data_until: UtcTime
    """Market time up to which candles were used."""
    market_status: MarketStatus | None = None
    """The state; null without a market that has enough history."""


class MarketEntry(Model):
    """One market."""

    symbol: str
    """Name of the market."""
    use: MarketUse
    """Traded, Analysed, Unused or Broken."""
    reason: str | None = None
    """Why it is not traded."""


class MarketList(Model):
    """All markets of the source."""

    source: Source
    """Where the candles come from."""
    market_time: UtcTime
    """Central's market time."""
    markets: list[MarketEntry] = Field(default_factory=list)
    """By name."""
