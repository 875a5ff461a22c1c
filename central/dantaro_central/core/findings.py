"""What goes into the analyst and what comes out of it; light, so that every role may import it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dantaro_central.core.analyst.decisions import MadeDecision
from dantaro_central.core.candles import Candle
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Ticker

__all__ = ["Batch", "Findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Candles of a span of market time, by market, oldest first.

    Attributes:
        minutes: Closed 1-minute candles of the traded markets.
        hours: Closed 60-minute candles of the markets that are analysed only.
    """

    minutes: Mapping[str, Sequence[Candle]]
    hours: Mapping[str, Sequence[Candle]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a batch led to.

    Attributes:
        built: Longer candles, built of shorter ones: (symbol, interval, candle).
        levels: Support levels: (symbol, data_until, JSON of `SupportLevels`).
        indicators: Of intervals with something new: (symbol, interval, data_until, JSON of
            `Indicators`).
        statuses: Market status: (data_until, JSON of `MarketStatus` or `null`).
        scores: Of full hours: (symbol, data_until, JSON of `score_json`).
        tickers: Last prices at the end of the batch, by market.
        samples: What recommendations are made of, of the last analysis in the batch alone:
            (data_until, JSON of `samples_json`).
        decisions: What the rules decided; of a candle decided on before, the first one counts.
    """

    built: list[tuple[str, Interval, Candle]] = field(default_factory=list)
    levels: list[tuple[str, datetime, str]] = field(default_factory=list)
    indicators: list[tuple[str, Interval, datetime, str]] = field(default_factory=list)
    statuses: list[tuple[datetime, str]] = field(default_factory=list)
    tickers: dict[str, Ticker] = field(default_factory=dict)
    scores: list[tuple[str, datetime, str]] = field(default_factory=list)
    samples: list[tuple[datetime, str]] = field(default_factory=list)
    decisions: list[MadeDecision] = field(default_factory=list)
