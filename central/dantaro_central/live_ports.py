"""What the services of a live source need of the world."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from dantaro_central.core.candles import Candle
from dantaro_central.core.findings import Cautions, PublicMood
from dantaro_central.core.market_clock import Market
from dantaro_central.core.quality import QualityReport
from dantaro_central.core.upbit_quotes import Quote
from dantaro_central.ports import CandleSource, CandleStore, StateStore
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import Ticker

__all__ = [
    "JobOutcome",
    "JobRun",
    "JobStore",
    "LiveSource",
    "LiveStore",
    "MoodSource",
    "Prunable",
    "WishStore",
]


class LiveSource(CandleSource, Protocol):
    """A venue. Errors: `TransientError` when it may work later."""

    @property
    def clock_problem(self) -> str:
        """What is wrong with this machine's clock, one sentence; empty if nothing is."""
        ...

    @property
    def cautions(self) -> Mapping[str, Cautions]:
        """What the venue warned of when its markets were last asked for; kept up to date."""
        ...

    @property
    def duplicates(self) -> Mapping[tuple[str, Interval], int]:
        """How many candles of a market the venue told twice in one answer, since the start."""
        ...

    def now(self) -> datetime:
        """Return the wall time, as the venue sees it."""
        ...

    async def candles(
        self, symbol: str, interval: Interval, *, after: datetime, until: datetime
    ) -> list[Candle]:
        """Return the candles of an interval that closed in (after, until], oldest first.

        Raises:
            NotFoundError: The venue does not know the market.
        """
        ...

    async def quotes(self) -> dict[str, Quote]:
        """Return the last price of every market."""
        ...

    async def order_books(self, symbols: Sequence[str]) -> dict[str, tuple[datetime, str]]:
        """Return time and JSON of the order books of markets."""
        ...


class MoodSource(Protocol):
    """Who tells a public fear-and-greed index. Errors: `TransientError` when it may work later."""

    async def fetch(self) -> PublicMood:
        """Return the newest value."""
        ...


class Prunable(StrEnum):
    """What grows with time and may be forgotten."""

    CANDLES = "candles"
    ANALYSES = "analyses"
    INDICATORS = "indicators"
    SCORES = "scores"
    STATUSES = "market_status"
    DECISIONS = "decisions"


class LiveStore(StateStore, CandleStore, Protocol):
    """What a worker of a live source reads and writes. Each call is one transaction."""

    def put_markets(self, markets: Sequence[Market]) -> None:
        """Store markets in place of those of the same name."""
        ...

    def put_tickers(self, tickers: Mapping[str, Ticker]) -> None:
        """Store last prices in place of those before."""
        ...

    def put_order_books(self, books: Mapping[str, tuple[datetime, str]]) -> None:
        """Store order books (time, JSON) in place of those before."""
        ...

    def put_quality(self, reports: Sequence[QualityReport]) -> None:
        """Store reports in place of those of the same market and interval."""
        ...

    def load_span(
        self, symbol: str, interval: Interval, *, since: datetime, before: datetime
    ) -> list[Candle]:
        """Return the candles that opened at `since` or later and before `before`, oldest first."""
        ...

    def correct(self, symbol: str, interval: Interval, candles: Sequence[Candle]) -> int:
        """Store candles that are missing, or that differ from what is stored.

        A filler, that is a candle without volume, replaces nothing.

        Returns:
            How many were stored.
        """
        ...

    def prune(
        self,
        what: Prunable,
        *,
        before: datetime,
        limit: int,
        key: Mapping[str, str],
        keep: int = 1,
    ) -> int:
        """Delete the oldest rows of before a market time, at most `limit`; the newest ones stay.

        Args:
            what: The table.
            before: Market time; rows of it or later stay.
            limit: Most rows.
            key: Values of the columns that the rows have in common.
            keep: How many of the newest rows stay, >= 1.

        Returns:
            How many were deleted.
        """
        ...


class WishStore(Protocol):
    """Markets that bots asked for."""

    def load_wishes(self) -> Collection[str]:
        """Return the markets that a bot asked for and that had no 1-minute candles then."""
        ...

    def save_wish(self, symbol: str, time: datetime) -> None:
        """Note that a bot asked for a market at a wall time."""
        ...


class JobOutcome(StrEnum):
    """How a job ended."""

    SUCCEEDED = "Succeeded"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRun:
    """One run of a job.

    Attributes:
        job: Its name.
        started: Wall time.
        finished: Wall time.
        outcome: How it ended.
        message: What it did, or why it failed, one sentence.
    """

    job: str
    started: datetime
    finished: datetime
    outcome: JobOutcome
    message: str


class JobStore(Protocol):
    """What the jobs did."""

    def save_run(self, run: JobRun) -> None:
        """Store a run; of all runs the newest 1,000 are kept."""
        ...
