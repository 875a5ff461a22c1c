"""Answers of the API that are not part of a bundle."""

from typing import Any

from pydantic import Field

from dantaro_central.core.market_clock import MarketUse
from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.values import DecimalStr, Interval, SignedDecimalStr, Symbol, UtcTime
from dantaro_crds.wire.bundle import (
    Bundle,
    Candle,
    Indicators,
    MarketStatus,
    Source,
    SupportLevels,
)
from dantaro_crds.wire.problem import Problem

__all__ = [
    "MAX_BATCH",
    "BatchAnswer",
    "BatchAnswers",
    "BatchItem",
    "BatchRequest",
    "CandlePage",
    "DecisionList",
    "DecisionView",
    "IndicatorsView",
    "MarketEntry",
    "MarketList",
    "OrderBookView",
    "QualityEntry",
    "QualityList",
    "StatusView",
    "SupportLevelsView",
]

MAX_BATCH = 100
"""Most requests in one `POST /bundle`."""


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


class OrderBookView(Model):
    """What the newest order book of a live market says."""

    time: UtcTime
    """Wall time of the venue at which it was so."""
    pressure: SignedDecimalStr | None = None
    """(bids - asks) / (bids + asks) by value, of the orders within 1 % of the middle price: -1
    (sells alone) to 1 (buys alone); null if a side is empty."""
    spread: SignedDecimalStr | None = None
    """Best ask less best bid over the middle price, fraction; null if a side is empty."""


class IndicatorsView(Model):
    """Indicators of one market on one interval."""

    symbol: Symbol
    """The market."""
    interval: Interval
    """Length of the candles that they are of."""
    data_until: UtcTime | None = None
    """Market time up to which candles were used; null without indicators."""
    indicators: Indicators | None = None
    """The newest ones; null while none are stored for this interval."""
    order_book: OrderBookView | None = None
    """Of a traded market of a live source, asked for every minute; else null."""


class DecisionView(Model):
    """What the analyst advised, and of what."""

    data_until: UtcTime
    """Market time up to which candles were used."""
    action: str
    """Buy, Sell or Hold."""
    confidence: DecimalStr
    """Fraction 0..1."""
    reason: str
    """One sentence."""
    valid_until: UtcTime
    """Market time from which it is not acted on."""
    model: str
    """`rules`, or the name of a language model."""
    prompt: str
    """Version of the prompt; empty for rules."""
    inputs: dict[str, Any]
    """What the analyst was given."""
    latency_ms: int
    """How long it took, milliseconds."""
    cost: DecimalStr
    """What it cost, US dollars."""
    created: str
    """Wall time."""


class DecisionList(Model):
    """The analyst's decisions on one market."""

    symbol: Symbol
    """The market."""
    decisions: list[DecisionView] = Field(default_factory=list)
    """Newest first."""


class QualityEntry(Model):
    """What is wrong with the stored candles of one market and interval."""

    symbol: Symbol
    """The market."""
    interval: Interval
    """Length of the candles."""
    checked: UtcTime
    """Market time of the check."""
    missing: int
    """Candles that should be there and are not."""
    duplicate: int
    """Candles that the source sent twice with different figures."""
    outlier: int
    """Candles whose price is far from their neighbours'."""
    stale: int
    """Candles whose figures repeat for too long, or that are late."""
    details: Any = None
    """Examples."""


class QualityList(Model):
    """What is wrong with the stored candles."""

    source: Source
    """Where the candles come from."""
    markets: list[QualityEntry] = Field(default_factory=list)
    """By market and interval; empty before the first check."""


class BatchItem(Model):
    """One bundle to return."""

    symbol: Symbol
    """The market."""
    interval: Interval = Interval.M1
    """Interval of the indicators."""
    since: UtcTime | None = None
    """Open of the last candle that is there already."""


class BatchRequest(Model):
    """Several bundles to return."""

    requests: list[BatchItem] = Field(min_length=1, max_length=MAX_BATCH)
    """Each counts as one request of the key's limit."""


class BatchAnswer(Model):
    """One bundle, or why there is none: exactly one of the two."""

    bundle: Bundle | None = None
    """As `GET /bundle` answers."""
    problem: Problem | None = None
    """What `GET /bundle` would have answered."""


class BatchAnswers(Model):
    """Several bundles."""

    answers: list[BatchAnswer]
    """In the order of the requests."""
