"""What goes into the analyst and what comes out of it; light, so that every role may import it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dantaro_central.core.analyst.decisions import MadeDecision
from dantaro_central.core.candles import Candle
from dantaro_central.core.recommendations import MarketSample
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Ticker

__all__ = ["Batch", "Cautions", "Findings", "Outside", "PublicMood"]

_FRESH = timedelta(hours=26)
"""The public index is of a day, and is told early on the next."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cautions:
    """What a venue warns of.

    Attributes:
        warned: Whether it warns of trading the market at all.
        flags: How many lesser cautions it has put on it, such as a jump of the price.
    """

    warned: bool = False
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicMood:
    """A fear-and-greed index of somebody else.

    Attributes:
        value: 0 (fear) to 100 (greed).
        time: What day it is of, UTC.
        source: Who tells it, the name of a host.
    """

    value: int
    time: datetime
    source: str


@dataclass(slots=True, kw_only=True)
class Outside:
    """What others tell of live markets beside candles; of a recording or a made-up market nothing.

    It changes as they tell it, so an analysis of it cannot be repeated. It goes into scores and
    into the mood alone, never into what follows from candles.

    Attributes:
        cautions: Of the venue, by market; of those without an entry nothing is known.
        spreads: Best ask less best bid over their middle, fraction, by market.
        mood: The public index, None without one.
    """

    cautions: Mapping[str, Cautions] = field(default_factory=dict)
    spreads: Mapping[str, float] = field(default_factory=dict)
    mood: PublicMood | None = None

    def completed(self, sample: MarketSample) -> MarketSample:
        """Return a sample with what is told of its market."""
        told = self.cautions.get(sample.symbol, Cautions())
        spread = self.spreads.get(sample.symbol)
        return replace(sample, spread=spread, warned=told.warned, cautions=told.flags)

    def mood_at(self, until: datetime) -> PublicMood | None:
        """Return the public index while it is less than 26 hours old, else None."""
        mood = self.mood
        return mood if mood is not None and until - mood.time < _FRESH else None
