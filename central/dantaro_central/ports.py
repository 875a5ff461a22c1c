"""What the services need of the world."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dantaro_central.core.analysis import Batch, Findings
from dantaro_central.core.candles import Candle
from dantaro_central.core.market_clock import Market, MarketClock, SourceIdentity
from dantaro_central.core.pages import AnalysisRow, CandleRow
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Trend

__all__ = [
    "CandleSource",
    "CandleStore",
    "ClockReader",
    "Heartbeat",
    "HeartbeatStore",
    "KeyStore",
    "MarketReader",
    "MarketSnapshot",
    "Outline",
    "StateStore",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What a source holds.

    Attributes:
        markets: All markets, those that cannot be used with the reason.
        start: Open of the first 1-minute candle to serve.
        end: Market time after which there are no more candles; None: it never ends.
    """

    markets: Sequence[Market]
    start: datetime
    end: datetime | None = None


class CandleSource(Protocol):
    """Where candles come from.

    Errors: `TransientError` when it may work later, `SpecError` when not.
    """

    @property
    def identity(self) -> SourceIdentity:
        """What makes two runs see the same market."""
        ...

    async def prepare(self, start: datetime | None) -> Outline:
        """Look at what is there.

        Args:
            start: The stored start of the market, None before the first start.
        """
        ...

    async def history(self, symbol: str, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Return the longer candles (60m, 240m, 1d) that closed by `before`, oldest first."""
        ...

    async def fetch(self, markets: Sequence[Market], *, after: datetime, until: datetime) -> Batch:
        """Return the candles that closed in (after, until]."""
        ...


class ClockReader(Protocol):
    """Market time and the markets, for both sides."""

    def load_clock(self) -> MarketClock | None:
        """Return market time, None before the first start."""
        ...

    def load_markets(self) -> dict[str, Market]:
        """Return the markets by symbol, in the order of their names."""
        ...


class StateStore(ClockReader, Protocol):
    """What the worker reads back when it starts."""

    def load_candles(self, symbol: str, interval: Interval, *, since: datetime) -> list[Candle]:
        """Return the candles that opened at `since` or later, oldest first."""
        ...

    def load_trend(self) -> Trend:
        """Return the trend of the newest market status; Neutral before any."""
        ...


class CandleStore(Protocol):
    """What the worker writes. Each call is one transaction."""

    def clear(self) -> None:
        """Delete every candle and analysis."""
        ...

    def add_history(self, symbol: str, candles: dict[Interval, list[Candle]]) -> None:
        """Store longer candles; those that are there already stay."""
        ...

    def add_market(self, batch: Batch, findings: Findings, *, market: Market | None) -> None:
        """Store candles and analyses of one market that catches up; twice changes nothing.

        Args:
            batch: Candles to add.
            findings: What they led to; its market status is left out.
            market: The market, once it has caught up.
        """
        ...

    def advance(
        self,
        clock: MarketClock,
        *,
        before: MarketClock | None,
        batch: Batch,
        findings: Findings,
        markets: Sequence[Market] | None = None,
    ) -> None:
        """Store candles and analyses, then move market time from `before` to `clock`.

        Args:
            clock: New market time.
            before: Market time that must be stored now; None: none is.
            batch: Candles to add.
            findings: What they led to.
            markets: All markets, if they changed.

        Raises:
            SafetyError: Another market time is stored: another worker writes here.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The last sign of life of the worker.

    Attributes:
        time: Wall time.
        message: `ok`, or what is wrong in one sentence.
    """

    time: datetime
    message: str


class MarketSnapshot(ClockReader, Protocol):
    """What the API reads, as of one moment. Times are RFC 3339 text, as stored."""

    def candle_rows(
        self, symbol: str, interval: Interval, *, after: str, until: str, limit: int
    ) -> Sequence[CandleRow]:
        """Return the candles that opened in (after, until), oldest first, at most `limit`."""
        ...

    def analysis_rows(self, symbol: str, *, first: str, last: str) -> list[AnalysisRow]:
        """Return the newest analysis up to `first` and all after it up to `last`, oldest first."""
        ...

    def samples_json(self) -> tuple[str, str] | None:
        """Return `dataUntil` and the JSON of the newest samples, None before any."""
        ...

    def ticker_json(self, symbol: str) -> str | None:
        """Return the JSON of a market's `Ticker`, None before the first candle."""
        ...


class MarketReader(Protocol):
    """The API's door to the database."""

    def snapshot(self) -> AbstractContextManager[MarketSnapshot]:
        """Return what is stored at this moment; all reads within see the same."""
        ...


class KeyStore(Protocol):
    """The API keys, as SHA-256 in hexadecimal."""

    def load_hashes(self) -> list[str]:
        """Return the hashes of all keys; none before the database is prepared."""
        ...

    def save_hash(self, name: str, sha256: str) -> None:
        """Store the hash of the key called `name` in place of the one before."""
        ...


class HeartbeatStore(Protocol):
    """The worker's sign of life."""

    def load_heartbeat(self) -> Heartbeat | None:
        """Return the last sign of life, None before the first."""
        ...

    def save_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Store a sign of life."""
        ...
