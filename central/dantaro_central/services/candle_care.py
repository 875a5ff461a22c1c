"""Looks after stored candles: tells what is wrong with them, and forgets what is old."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from dantaro_central.core.market_clock import MarketUse
from dantaro_central.core.market_state import CANDLES_KEPT
from dantaro_central.core.quality import judge_candles
from dantaro_central.live_ports import LiveSource, LiveStore, Prunable
from dantaro_central.services.live_collection import LiveCollection
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval

__all__ = ["QualityService", "RetentionService"]

_LOOK_BACK = {Interval.M1: timedelta(days=1), Interval.M60: timedelta(days=30)}
_LONGER_KEPT = timedelta(days=400)
_ANALYSES_KEPT = timedelta(days=7)
_DECISIONS_KEPT = timedelta(days=90)

_ROWS = 2000
"""Most rows deleted at once: a few milliseconds."""


class QualityService:
    """Reports on the candles of every market that is collected."""

    def __init__(
        self, collection: LiveCollection, source: LiveSource, store: LiveStore, clock: Clock
    ) -> None:
        self._collection = collection
        self._source = source
        self._store = store
        self._clock = clock

    async def report(self) -> int:
        """Store a report of each market and interval; return how many are not good."""
        bad = 0
        until = self._collection.market_time()
        for market in self._collection.used():
            traded = market.use is MarketUse.TRADED
            reports = [
                judge_candles(
                    self._store.load_candles(market.symbol, interval, since=until - reach),
                    symbol=market.symbol,
                    interval=interval,
                    until=until,
                    duplicate=self._source.duplicates.get((market.symbol, interval), 0),
                    silent_since=self._collection.silent_since(market.symbol),
                )
                for interval, reach in _LOOK_BACK.items()
                if traded or interval is not Interval.M1
            ]
            self._store.put_quality(reports)
            bad += sum(not report.is_good for report in reports)
            await self._clock.sleep(0)
        return bad


class RetentionService:
    """Forgets what no bot needs any more, by market time."""

    def __init__(
        self, collection: LiveCollection, store: LiveStore, clock: Clock, *, minutes_kept: timedelta
    ) -> None:
        """Choose how long 1-minute candles are kept; longer ones stay 400 days, analyses 7, and
        decisions 90. The newest candles stay, as many as a restart needs.
        """
        self._collection = collection
        self._store = store
        self._clock = clock
        self._kept = {
            Prunable.ANALYSES: _ANALYSES_KEPT,
            Prunable.SCORES: _ANALYSES_KEPT,
            Prunable.STATUSES: _ANALYSES_KEPT,
            Prunable.DECISIONS: _DECISIONS_KEPT,
        }
        self._minutes_kept = minutes_kept

    async def forget(self) -> int:
        """Delete in small steps what is older than its time; return how many rows."""
        count = 0
        now = self._collection.market_time()
        for what, key, kept, keep in self._spans():
            while True:
                deleted = self._store.prune(
                    what, before=now - kept, limit=_ROWS, key=key, keep=keep
                )
                await self._clock.sleep(0)
                count += deleted
                if deleted < _ROWS:
                    break
        return count

    def _spans(self) -> Iterator[tuple[Prunable, Mapping[str, str], timedelta, int]]:
        yield Prunable.STATUSES, {}, self._kept[Prunable.STATUSES], 1
        for symbol in self._store.load_markets():
            for what in (Prunable.ANALYSES, Prunable.SCORES, Prunable.DECISIONS):
                yield what, {"symbol": symbol}, self._kept[what], 1
            for interval in Interval:
                key = {"symbol": symbol, "interval": interval.value}
                kept = self._minutes_kept if interval is Interval.M1 else _LONGER_KEPT
                yield Prunable.CANDLES, key, kept, CANDLES_KEPT[interval]
                yield Prunable.INDICATORS, key, _ANALYSES_KEPT, 1
