"""Turns candles into analyses, every 5 minutes of market time.

An analysis with `data_until` B uses the candles that closed by B and nothing else, so it is the
same whether the candles came one by one, in pages, or after a restart.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from dantaro_central.core.candles import MINUTE, Candle, floor_time
from dantaro_central.core.findings import Batch, Findings, Outside
from dantaro_central.core.market_state import ANALYSIS_EVERY, MarketState
from dantaro_central.core.market_status import market_status
from dantaro_central.core.recommendations import MarketSample, recommend, samples_json, score_json
from dantaro_crds.money import exact
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import MarketStatus, Trend

__all__ = ["ANALYSIS_EVERY", "Analyst"]

_HOUR = Interval.M60.span


class Analyst:
    """Analyses all markets together; holds the rolling state of each."""

    def __init__(
        self,
        states: Iterable[MarketState],
        *,
        trend: Trend = Trend.NEUTRAL,
        live: bool = False,
        outside: Outside | None = None,
    ) -> None:
        """Start from states that all stand at the same market time.

        Args:
            states: One for each market.
            trend: Trend of the last analysis before.
            live: Whether scores are for markets that reach the limits of a live one alone.
            outside: What others tell; looked at anew at each analysis. None: nobody does.
        """
        self._states = {state.symbol: state for state in states}
        self._trend = trend
        self._live = live
        self._outside = outside or Outside()
        self._status: MarketStatus | None = None
        self._status_text = "null"

    def add(self, state: MarketState) -> None:
        """Take in another market that stands at the same market time."""
        self._states[state.symbol] = state

    def drop(self, symbol: str) -> None:
        """Forget a market."""
        self._states.pop(symbol, None)

    @exact
    def analyse(self, until: datetime) -> Findings:
        """Return the first analysis, at `until`, without further candles."""
        findings = Findings()
        self._analyse(until, findings, is_first=True)
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

    def _analyse(self, until: datetime, findings: Findings, *, is_first: bool = False) -> None:
        views = []
        for symbol, state in self._states.items():
            findings.levels.append((symbol, until, state.support_levels(until)))
            findings.indicators.extend(
                (symbol, interval, until, text)
                for interval, text in state.indicator_news(until, is_first=is_first)
            )
            if (view := state.view(until)) is not None:
                views.append(view)
        status = market_status(views, before=self._trend, public=self._outside.mood_at(until))
        if status is not None:
            self._trend = status.trend
        if status != self._status:
            self._status = status
            self._status_text = status.model_dump_json(by_alias=True) if status else "null"
        findings.statuses.append((until, self._status_text))
        if floor_time(until, _HOUR) == until:
            self._score(until, findings)

    def _score(self, until: datetime, findings: Findings) -> None:
        samples = {sample.symbol: sample for sample in self._samples(until)}
        rated = recommend([*samples.values()], among=samples, limit=len(samples), live=self._live)
        findings.scores.extend(
            (one.symbol, until, score_json(samples[one.symbol], one)) for one in rated
        )

    def _sample(self, until: datetime, findings: Findings) -> None:
        findings.samples.append((until, samples_json(self._samples(until))))

    def _samples(self, until: datetime) -> Iterator[MarketSample]:
        for state in self._states.values():
            if (sample := state.sample(until)) is not None:
                yield self._outside.completed(sample)

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
