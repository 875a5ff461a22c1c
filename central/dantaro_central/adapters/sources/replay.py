"""A folder of recorded candles as a source: `FOLDER/<SYMBOL>/<interval>.csv.gz` or `.csv`.

Files are streamed: what is in memory is one page of each market. Every file is read through once
before the first candle is served, so that a broken one is known at once and takes out its own
market only.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from dantaro_central.adapters.sources.candle_files import CandleFile, find_candles
from dantaro_central.core.candles import MINUTE, Candle, aggregate
from dantaro_central.core.findings import Batch
from dantaro_central.core.market_clock import Market, MarketUse, SourceIdentity
from dantaro_central.ports import Outline
from dantaro_crds.errors import SpecError
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import Interval, utc_text

__all__ = ["ReplaySource"]

_HISTORY = {
    **dict.fromkeys((Interval.M5, Interval.M15, Interval.M30), timedelta(days=5)),
    Interval.M60: timedelta(days=100),
    Interval.M240: timedelta(days=100),
    Interval.D1: timedelta(days=400),
}
"""How much of the longer candles before the start is taken."""

_HOUR = Interval.M60.span


@dataclass(frozen=True, slots=True, kw_only=True)
class _Recording:
    """A market's files and the span of its 1-minute candles, None without such."""

    market: Market
    files: Mapping[Interval, CandleFile]
    span: tuple[datetime, datetime] | None = None


class ReplaySource:
    """Replays recorded candles."""

    def __init__(
        self, *, folder: Path, symbols: Sequence[str], start: datetime | None, clock: Clock
    ) -> None:
        """Choose a recording.

        Args:
            folder: Holds one folder for each market.
            symbols: Markets to trade; empty: all with 1-minute candles.
            start: Open of the first 1-minute candle to serve; None: the latest first one of a
                traded market.
            clock: Gives other tasks their turn.
        """
        self._folder = folder.resolve()
        self._symbols = frozenset(symbols)
        self._start = start
        self._clock = clock
        self._recordings: dict[str, _Recording] = {}
        self._streams: dict[str, _Stream] = {}
        self.identity = SourceIdentity(
            name="replay",
            live=False,
            folder=str(self._folder),
            start=utc_text(start) if start else "",
        )

    async def prepare(self, start: datetime | None) -> Outline:
        """Check every file and return the markets, the start and the end.

        Raises:
            SpecError: The folder has no market that can be traded, or none after the start.
        """
        for folder in self._folders():
            recording = self._look_at(folder)
            self._recordings[recording.market.symbol] = recording
            await self._clock.sleep(0)
        for symbol in self._symbols - self._recordings.keys():
            self._recordings[symbol] = self._missing(symbol)
        spans = [
            recording.span
            for recording in self._recordings.values()
            if recording.span and recording.market.use is MarketUse.TRADED
        ]
        if not spans:
            raise self._nothing_to_trade()
        asked = start or self._start
        # Before the first candle of all there is nothing to walk through.
        start = max(asked, min(first for first, _ in spans)) if asked else max(f for f, _ in spans)
        end = max(last for _, last in spans) + MINUTE
        if start >= end:
            raise SpecError(
                f"expected a start before the end of the recording at {utc_text(end)}, "
                f"was {utc_text(start)}",
                field="from",
            )
        return Outline(
            markets=[recording.market for recording in self._recordings.values()],
            start=start,
            end=end,
        )

    async def history(self, market: Market, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Return the longer candles that closed by `before` and that the analyses look at."""
        files = self._recordings[market.symbol].files
        history = {
            interval: _closed_by(files[interval].candles(before - span), interval, before)
            for interval, span in _HISTORY.items()
            if interval in files
        }
        if Interval.M1 in files and Interval.M5 not in files:
            since = before - _HISTORY[Interval.M5]
            minutes = _closed_by(files[Interval.M1].candles(since), Interval.M1, before)
            history[Interval.M5] = aggregate(minutes, Interval.M5, until=before)
        return history

    async def fetch(self, markets: Sequence[Market], *, after: datetime, until: datetime) -> Batch:
        """Return the candles that closed in (after, until]."""
        minutes: dict[str, Sequence[Candle]] = {}
        hours: dict[str, Sequence[Candle]] = {}
        for market in markets:
            traded = market.use is MarketUse.TRADED
            stream = self._stream(market.symbol, Interval.M1 if traded else Interval.M60, after)
            (minutes if traded else hours)[market.symbol] = stream.read(until)
        return Batch(minutes=minutes, hours=hours)

    def _stream(self, symbol: str, interval: Interval, after: datetime) -> "_Stream":
        stream = self._streams.get(symbol)
        if stream is None or stream.until != after:
            file = self._recordings[symbol].files[interval]
            stream = self._streams[symbol] = _Stream(file, interval, after)
        return stream

    def _folders(self) -> list[Path]:
        if not self._folder.is_dir():
            raise SpecError(
                f"expected a folder of recorded candles, found none at {self._folder}",
                field="folder",
            )
        return sorted(path for path in self._folder.iterdir() if path.is_dir())

    def _look_at(self, folder: Path) -> _Recording:
        symbol = _symbol_of(folder.name)
        found = {name: find_candles(folder, name) for name in (Interval.M1, *_HISTORY)}
        files = {name: file for name, file in found.items() if file is not None}
        use, reason = self._use_of(symbol, files)
        span = None
        if use is not MarketUse.UNUSED:
            try:
                spans = {name: file.check() for name, file in files.items()}
                span = spans.get(Interval.M1)
            except SpecError as error:
                use, reason = MarketUse.BROKEN, error.message
        return _Recording(
            market=Market(symbol=symbol, use=use, reason=reason), files=files, span=span
        )

    def _missing(self, symbol: str) -> _Recording:
        reason = f"expected a folder for market {symbol} in {self._folder}, found none"
        return _Recording(
            market=Market(symbol=symbol, use=MarketUse.BROKEN, reason=reason), files={}
        )

    def _use_of(self, symbol: str, files: Mapping[Interval, CandleFile]) -> tuple[MarketUse, str]:
        asked = not self._symbols or symbol in self._symbols
        if Interval.M1 in files and asked:
            return MarketUse.TRADED, ""
        reason = "it has no 1-minute candles" if asked else "it was not asked for"
        if Interval.M60 in files:
            return MarketUse.ANALYSED, reason
        return MarketUse.UNUSED, f"{reason}, and no 60-minute candles to analyse"

    def _nothing_to_trade(self) -> SpecError:
        broken = [
            recording.market.reason
            for recording in self._recordings.values()
            if recording.market.use is MarketUse.BROKEN
        ]
        asked = f" of {', '.join(sorted(self._symbols))}" if self._symbols else ""
        found = "; ".join(broken) or "none"
        return SpecError(
            f"expected SYMBOL/1m.csv.gz{asked} in {self._folder}, found {found}", field="folder"
        )


class _Stream:
    """Reads one file onwards."""

    def __init__(self, file: CandleFile, interval: Interval, after: datetime) -> None:
        self.until = after
        self._span = interval.span
        # A candle that opened before `after` closed by then, or straddles it: an hour may.
        self._candles: Iterator[Candle] = file.candles(after - self._span)
        self._next = self._following()
        self.read(after)

    def read(self, until: datetime) -> list[Candle]:
        """Return the candles that close by `until` and were not read before."""
        read: list[Candle] = []
        while self._next is not None and self._next.time + self._span <= until:
            read.append(self._next)
            self._next = self._following()
        self.until = until
        return read

    def _following(self) -> Candle | None:
        return next(self._candles, None)


def _closed_by(candles: Iterator[Candle], interval: Interval, until: datetime) -> list[Candle]:
    closed: list[Candle] = []
    for candle in candles:
        if candle.time + interval.span > until:
            break
        closed.append(candle)
    return closed


def _symbol_of(folder: str) -> str:
    """Return the symbol of a folder: `KRW-BTC` as it is, `BTC_USDT_USDT` as `BTC/USDT:USDT`."""
    return folder.replace("_", "/", 1).replace("_", ":", 1)
