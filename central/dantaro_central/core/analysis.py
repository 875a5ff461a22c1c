"""Turns candles into analyses, every 5 minutes of market time.

An analysis with `data_until` B uses the candles that closed by B and nothing else, so it is the
same whether the candles came one by one, in pages, or after a restart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dantaro_central.core.candles import MINUTE, Candle, floor_time
from dantaro_central.core.market_state import MarketState
from dantaro_central.core.market_status import market_status
from dantaro_central.core.recommendations import samples_json
from dantaro_crds.money import exact
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import MarketStatus, Ticker, Trend

__all__ = ["ANALYSIS_EVERY", "Analyst", "Batch", "Findings"]

ANALYSIS_EVERY = timedelta(minutes=5)
"""Market time from one analysis to the next."""

_HOUR = Interval.M60.span


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
        built: Longer candles, built of the 1-minute candles: (symbol, interval, candle).
        levels: Support levels: (symbol, data_until, JSON of `SupportLevels`).
        statuses: Market status: (data_until, JSON of `MarketStatus` or `null`).
        tickers: Last prices at the end of the batch, by market.
        samples: What recommendations are made of, of the last analysis in the batch alone:
            (data_until, JSON of `samples_json`).
    """

    built: list[tuple[str, Interval, Candle]] = field(default_factory=list)
    levels: list[tuple[str, datetime, str]] = field(default_factory=list)
    statuses: list[tuple[datetime, str]] = field(default_factory=list)
    tickers: dict[str, Ticker] = field(default_factory=dict)
    samples: list[tuple[datetime, str]] = field(default_factory=list)


class Analyst:
    """Analyses all markets together; holds the rolling state of each."""

    def __init__(self, states: Iterable[MarketState], *, trend: Trend = Trend.NEUTRAL) -> None:
        """Start from states that all stand at the same market time.

        Args:
            states: One for each market.
            trend: Trend of the last analysis before.
        """
        self._states = {state.symbol: state for state in states}
        self._trend = trend
        self._status: MarketStatus | None = None
        self._status_text = "null"

    def add(self, state: MarketState) -> None:
        """Take in another market that stands at the same market time."""
        self._states[state.symbol] = state

    @exact
    def analyse(self, until: datetime) -> Findings:
        """Return the analysis at `until`, without further candles."""
        findings = Findings()
        self._analyse(until, findings)
        self._sample(until, findings)
        self._quote(until, findings)
        return findings

    @exact
    def digest(self, batch: Batch, *, after: datetime, until: datetime) -> Findings:
        """Take in the candles that closed in (after, until] and make every analysis due in it.

        Args:
            batch: The candles.
            after: Market time of the states.
            until: New market time.
        """
        findings = Findings()
        feeds = [
            _Feed(self._states[symbol].add_minute, candles, MINUTE)
            for symbol, candles in batch.minutes.items()
        ] + [
            _Feed(self._states[symbol].add_hour, candles, _HOUR)
            for symbol, candles in batch.hours.items()
        ]
        due = floor_time(after, ANALYSIS_EVERY) + ANALYSIS_EVERY
        while due <= until:
            self._feed(feeds, due)
            for symbol, state in self._states.items():
                findings.built.extend((symbol, *built) for built in state.close_buckets(due))
            self._analyse(due, findings)
            if due + ANALYSIS_EVERY > until:
                # Nobody asks for older ones.
                self._sample(due, findings)
            due += ANALYSIS_EVERY
        self._feed(feeds, until)
        self._quote(until, findings)
        return findings

    @staticmethod
    def _feed(feeds: Iterable["_Feed"], until: datetime) -> None:
        for feed in feeds:
            feed.run(until)

    def _analyse(self, until: datetime, findings: Findings) -> None:
        views = []
        for symbol, state in self._states.items():
            findings.levels.append((symbol, until, state.support_levels(until)))
            if (view := state.view(until)) is not None:
                views.append(view)
        status = market_status(views, before=self._trend)
        if status is not None:
            self._trend = status.trend
        if status != self._status:
            self._status = status
            self._status_text = status.model_dump_json(by_alias=True) if status else "null"
        findings.statuses.append((until, self._status_text))

    def _sample(self, until: datetime, findings: Findings) -> None:
        samples = (state.sample(until) for state in self._states.values())
        text = samples_json(sample for sample in samples if sample is not None)
        findings.samples.append((until, text))

    def _quote(self, until: datetime, findings: Findings) -> None:
        for symbol, state in self._states.items():
            if (ticker := state.ticker(until)) is not None:
                findings.tickers[symbol] = ticker


class _Feed:
    """Hands on the candles of one market as market time goes by."""

    def __init__(
        self, take: Callable[[Candle], None], candles: Sequence[Candle], span: timedelta
    ) -> None:
        self._take = take
        self._candles = candles
        self._span = span
        self._next = 0

    def run(self, until: datetime) -> None:
        """Hand on the candles that closed by `until`."""
        while (
            self._next < len(self._candles) and self._candles[self._next].time + self._span <= until
        ):
            self._take(self._candles[self._next])
            self._next += 1
