"""What central answers to a bot: candles since its cursor and the analyses to judge them by."""

from enum import StrEnum
from typing import ClassVar

from pydantic import ConfigDict, Field

from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.values import (
    DecimalStr,
    Interval,
    PositiveDecimalStr,
    SignedDecimalStr,
    Symbol,
    UtcTime,
)

__all__ = [
    "MAX_BUNDLE_CANDLES",
    "Analysis",
    "Answer",
    "Bundle",
    "Candle",
    "CentralHealth",
    "Decision",
    "Indicators",
    "MarketStatus",
    "RiskLevel",
    "Source",
    "SupportLevel",
    "SupportLevels",
    "Ticker",
    "Trend",
    "VolatilityRegime",
]


class Answer(Model):
    """Base of what central answers: a bot of before must read what a newer central says."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")


MAX_BUNDLE_CANDLES = 500
"""Most candles in one bundle; a full page says that there are more."""


class Candle(Answer):
    """A closed candle of one minute."""

    time: UtcTime
    """Open of the candle."""
    open: PositiveDecimalStr
    """First price, quote currency."""
    high: PositiveDecimalStr
    """Highest price."""
    low: PositiveDecimalStr
    """Lowest price."""
    close: PositiveDecimalStr
    """Last price."""
    volume: DecimalStr
    """Traded amount, base currency; 0 where nothing was traded."""


class Ticker(Answer):
    """The last price of a market."""

    time: UtcTime
    """Market time of the price."""
    price: PositiveDecimalStr
    """Last price, quote currency."""
    change24h: SignedDecimalStr | None = None
    """Change against 24 hours before, fraction; null with less history."""
    volume24h: DecimalStr | None = None
    """Traded amount of 24 hours, base currency; null with less history."""


class SupportLevel(Answer):
    """A price below which the market has seldom been."""

    window_days: int
    """How far back the level looks, days."""
    price: PositiveDecimalStr | None = None
    """The level on a tick, quote currency; null when it cannot be computed."""
    broken: bool = False
    """Whether the last price is at or below the level."""
    confidence: DecimalStr | None = None
    """How well it is founded, fraction 0..1; null: not said."""
    reason: str | None = None
    """Why there is no price."""


class SupportLevels(Answer):
    """The three support levels of a market; conservative <= moderate <= aggressive."""

    aggressive: SupportLevel
    """7 days."""
    moderate: SupportLevel
    """30 days."""
    conservative: SupportLevel
    """90 days."""


class Trend(StrEnum):
    """Direction of the whole market."""

    BULL = "Bull"
    NEUTRAL = "Neutral"
    BEAR = "Bear"


class VolatilityRegime(StrEnum):
    """How much prices move."""

    LOW = "Low"
    NORMAL = "Normal"
    HIGH = "High"


class RiskLevel(StrEnum):
    """How dangerous the whole market is."""

    LOW = "Low"
    MEDIUM = "Medium"
    HIGH = "High"


class MarketStatus(Answer):
    """State of all analysed markets together."""

    trend: Trend
    """Bull, Neutral or Bear."""
    breadth: DecimalStr
    """Part of the markets above the mean of their last 50 closes of 60 minutes, fraction 0..1."""
    volatility: VolatilityRegime
    """Regime by the median range of the markets."""
    markets: int
    """How many markets were counted."""
    risk: RiskLevel | None = None
    """How dangerous the whole market is; null: not said."""
    fear_greed: int | None = None
    """Mood of the market, 0 (fear) to 100 (greed); null: not said."""
    fear_greed_source: str | None = None
    """Host of the server that tells the mood; null: central's own index."""


class Indicators(Answer):
    """Indicators of a market on the asked interval; null in an analysis until they are computed."""

    values: dict[str, SignedDecimalStr] = Field(default_factory=dict)
    """Value by name, see `IndicatorName`; what cannot be computed has no entry, it is never 0."""
    time: UtcTime | None = None
    """Open of the newest closed candle that they are of; null: not said, not to be acted on."""
    interval: Interval | None = None
    """Length of that candle; null: not said, not to be acted on."""


class Decision(Answer):
    """What the analyst advises; null in an analysis until there is an analyst."""

    action: str
    """Buy, Sell or Hold."""
    confidence: DecimalStr
    """Fraction 0..1."""
    reason: str
    """One sentence."""
    model: str | None = None
    """Who decided: `rules`, or the name of a language model; null: not said."""
    time: UtcTime | None = None
    """Market time of the decision; null: that of the analysis."""
    valid_until: UtcTime | None = None
    """Market time from which it is not acted on; null: 15 minutes after `time`."""


class Analysis(Answer):
    """Everything that central derived from the candles that closed up to `data_until`."""

    data_until: UtcTime
    """Market time up to which candles were used."""
    indicators: Indicators | None = None
    """Indicators on the asked interval."""
    support_levels: SupportLevels | None = None
    """Support levels of the market."""
    market_status: MarketStatus | None = None
    """State of all markets."""
    decision: Decision | None = None
    """Advice of the analyst."""


class Source(Answer):
    """Where the candles come from."""

    name: str
    """`simulated`, `replay` or a venue such as `upbit`."""
    live: bool
    """Whether market time is wall time, so that candles can be missed."""
    ended: bool = False
    """Whether there will be no more candles (the end of a replay)."""


class Bundle(Answer):
    """One page of a market for one bot."""

    market_time: UtcTime
    """Central's market time: every candle that closed up to here is stored."""
    data_until: UtcTime | None = None
    """The newest analysis that is stored; null before the first."""
    source: Source
    """Where the candles come from."""
    symbol: Symbol
    """The market."""
    interval: Interval
    """Interval of the indicators."""
    candles: list[Candle]
    """Closed 1-minute candles after `since`, oldest first, at most 500."""
    ticker: Ticker | None = None
    """The last price; null before the first candle."""
    analyses: list[Analysis]
    """Oldest first: the newest with `dataUntil` <= the open of the first candle, and all after it
    up to the open of the last candle; without candles the newest one alone."""


class CentralHealth(Answer):
    """What central says of itself."""

    status: str
    """`ok`, or what is wrong in one sentence."""
    version: str
    """Version of the software."""
    source: Source
    """Where the candles come from."""
    market_time: UtcTime | None = None
    """Market time; null before the first candle."""
    market_start: UtcTime | None = None
    """Market time of the first 1-minute candle that is served; null before it is known."""
    symbols: list[Symbol] = Field(default_factory=list)
    """Markets that can be traded (that have 1-minute candles)."""
