"""What the services need of the world."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from dantaro_central.core.analyst.decisions import Advice, MadeDecision
from dantaro_central.core.analyst.inputs import Inputs
from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Batch, Findings
from dantaro_central.core.market_clock import Market, MarketClock, SourceIdentity
from dantaro_central.core.pages import AnalysisRow, CandleRow
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Trend

__all__ = [
    "Analyst",
    "CandleSource",
    "CandleStore",
    "ClockReader",
    "DecisionStore",
    "Heartbeat",
    "HeartbeatStore",
    "KeyRecord",
    "KeyStore",
    "MarketReader",
    "MarketSnapshot",
    "Outline",
    "SharedCounts",
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

    async def history(self, market: Market, *, before: datetime) -> dict[Interval, list[Candle]]:
        """Return candles of 5m or longer that closed by `before`, oldest first.

        An interval that is left out is built of shorter ones, as far as there are such.
        """
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

    def load_newest(self, symbol: str, interval: Interval, *, count: int) -> list[Candle]:
        """Return the last `count` candles that are stored, or all, oldest first."""
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

    def analysis_rows(
        self, symbol: str, interval: Interval, *, first: str, last: str
    ) -> list[AnalysisRow]:
        """Return the newest analysis up to `first` and all after it up to `last`, oldest first.

        Each has the newest indicators of `interval` that were known by then.
        """
        ...

    def samples_json(self) -> tuple[str, str] | None:
        """Return `dataUntil` and the JSON of the newest samples, None before any."""
        ...

    def ticker_json(self, symbol: str) -> str | None:
        """Return the JSON of a market's `Ticker`, None before the first candle."""
        ...

    def indicators_json(
        self, symbol: str, interval: Interval, *, until: str
    ) -> tuple[str, str] | None:
        """Return `dataUntil` and the JSON of the newest indicators up to `until`, if any."""
        ...

    def order_book_json(self, symbol: str) -> tuple[str, str] | None:
        """Return time and JSON of a live market's newest order book, None before any."""
        ...

    def decision_rows(self, symbol: str, *, limit: int) -> list[dict[str, Any]]:
        """Return the newest decisions by the fields of `DecisionView`, newest first."""
        ...

    def quality_rows(self) -> list[dict[str, Any]]:
        """Return the quality of all markets by the fields of `QualityEntry`."""
        ...


class MarketReader(Protocol):
    """The API's door to the database."""

    def snapshot(self) -> AbstractContextManager[MarketSnapshot]:
        """Return what is stored at this moment; all reads within see the same."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is stored of an API key; never the key.

    Attributes:
        name: Given by whoever made it.
        sha256: Of the key, hexadecimal.
        scopes: What it may do.
        unlimited: Whether its requests are not counted.
        created: Wall time, RFC 3339; empty: not known.
        revoked: Wall time, RFC 3339, from which it does not count; None: it counts.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...] = ("read",)
    unlimited: bool = False
    created: str = ""
    revoked: str | None = None


class KeyStore(Protocol):
    """The API keys. Errors: `TransientError` while the database does not answer."""

    def load_keys(self) -> list[KeyRecord]:
        """Return all keys by name, revoked ones too; none before the database is prepared."""
        ...

    def save_key(self, record: KeyRecord, *, replaces: bool) -> bool:
        """Store a key; return False, and store nothing, when the name is not as expected.

        Args:
            record: The key.
            replaces: Whether a key of that name must be there, or none.
        """
        ...


class SharedCounts(Protocol):
    """Requests that several processes count together."""

    async def add(self, counts: dict[str, int]) -> dict[str, int]:
        """Add to the counts of a window; return the sums of all processes.

        Without counts it only looks whether they can be reached.

        Raises:
            TransientError: They cannot be reached; nothing or a part was added.
        """
        ...


class HeartbeatStore(Protocol):
    """The worker's sign of life."""

    def load_heartbeat(self) -> Heartbeat | None:
        """Return the last sign of life, None before the first."""
        ...

    def save_heartbeat(self, heartbeat: Heartbeat) -> None:
        """Store a sign of life."""
        ...


class Analyst(Protocol):
    """Somebody who is asked what to do in a market, over the network."""

    @property
    def model(self) -> str:
        """Who decides, as stored with the decision."""
        ...

    @property
    def prompt(self) -> str:
        """Version of what it is asked, as stored with the decision."""
        ...

    async def decide(self, inputs: Inputs) -> Advice:
        """Return an advice; without a usable answer Hold with the reason. It never fails."""
        ...


class DecisionStore(Protocol):
    """What the analyst's service reads and writes. Each call is one transaction."""

    def load_undecided(self, symbols: Sequence[str], interval: Interval) -> list[Inputs]:
        """Return what is known, but candles, of the markets whose newest closed candle has no
        decision yet.
        """
        ...

    def save_decision(self, decision: MadeDecision) -> None:
        """Store a decision; twice changes nothing."""
        ...
