"""One real bot in this process: real store, real paper exchange, a central that serves given
candles.

The rig can kill the bot at the n-th commit, before or after it took effect, and start it again from
the store: what kill -9 does, at every point where it can make a difference.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bundle import (
    MAX_BUNDLE_CANDLES,
    Analysis,
    Bundle,
    Candle,
    Source,
    SupportLevel,
    SupportLevels,
)
from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.bootstrap import BotParts, build_bot
from dantaro_runtime.errors import StoreError

__all__ = [
    "BotRig",
    "CandleCentral",
    "DyingDatabase",
    "FullDatabase",
    "Killed",
    "candle",
    "make_config",
]

START = datetime(2026, 1, 1, tzinfo=UTC)

_FIVE = timedelta(minutes=5)


class FullDatabase(Database):
    """A store whose n-th commit fails, once: at the end of its transaction."""

    commits = 0
    fails_at = 0

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Count; fail when it is time."""
        self.commits += 1
        with super().write() as connection:
            yield connection
            if self.commits == self.fails_at:
                raise StoreError("the disk is full")


class Killed(BaseException):
    """The process is gone; nothing of ours may catch it."""


def candle(minute: int, prices: str, volume: str = "1") -> Candle:
    """Return the candle of a minute after START; prices are `open high low close`."""
    opened, high, low, close = (Decimal(p) for p in prices.split())
    return Candle(
        time=START + timedelta(minutes=minute),
        open=opened,
        high=high,
        low=low,
        close=close,
        volume=Decimal(volume),
    )


def make_config(strategy: dict[str, Any], **fields: Any) -> BotConfig:
    """Return the configuration of a paper bot on KRW-XRP."""
    base: dict[str, Any] = {
        "kind": "GridBot",
        "namespace": "default",
        "name": "bot",
        "uid": "0f0f0f0f-0000-4000-8000-000000000000",
        "symbol": "KRW-XRP",
        "budget": "1000000",
        "strategy": strategy,
        "slippageTicks": 0,
        "central": {"url": "http://127.0.0.1:9", "keyFile": "key"},
        "storeUrl": "sqlite://",
    }
    return BotConfig.model_validate(base | fields)


@dataclass(kw_only=True)
class CandleCentral:
    """Serves candles in pages, with an analysis every five minutes."""

    candles: Sequence[Candle]
    support: Decimal = Decimal(2900)
    page: int = MAX_BUNDLE_CANDLES
    live: bool = False
    market_time: datetime | None = None
    is_read: bool = False
    """Whether the last page was empty."""

    async def fetch_bundle(
        self, symbol: str, interval: Interval, *, since: datetime | None
    ) -> Bundle | None:
        """Return the page after `since`."""
        end = self.market_time or self.candles[-1].time + timedelta(minutes=1)
        later = [
            c
            for c in self.candles
            if (since is None or c.time > since) and c.time + timedelta(minutes=1) <= end
        ]
        page = later[: min(self.page, MAX_BUNDLE_CANDLES)]
        self.is_read = not page
        first = page[0].time if page else end
        last = page[-1].time if page else end
        due = first - (first - START) % _FIVE
        times = []
        while due <= last:
            times.append(due)
            due += _FIVE
        return Bundle(
            market_time=end,
            data_until=times[-1],
            source=Source(name="test", live=self.live),
            symbol=symbol,
            interval=interval,
            candles=page,
            ticker=None,
            analyses=[self._analysis(t) for t in times],
        )

    def _analysis(self, time: datetime) -> Analysis:
        level = SupportLevel(window_days=30, price=self.support)
        return Analysis(
            data_until=time,
            support_levels=SupportLevels(aggressive=level, moderate=level, conservative=level),
        )


class DyingDatabase(Database):
    """A store whose process dies at a given commit, before or after it took effect."""

    commits = 0
    dies_at: int | None = None
    after: bool = False
    is_full: bool = False

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Count; die when it is time."""
        if self.is_full:
            raise StoreError("the disk is full")
        self.commits += 1
        dies = self.commits == self.dies_at
        if dies and not self.after:
            raise Killed
        with super().write() as connection:
            yield connection
        if dies:
            raise Killed


@dataclass(kw_only=True)
class BotRig:
    """A bot on a store that outlives it: `store.db` in its folder unless a URL is given."""

    folder: Path
    config: BotConfig
    central: CandleCentral
    store_url: str = ""
    commits: int = 0
    parts: BotParts | None = None
    _database: DyingDatabase | None = field(default=None)

    def start(self, *, dies_at: int | None = None, after: bool = False) -> BotParts:
        """Start the bot from its store; it dies at the given commit."""
        if self._database is not None:
            self._database.close()
        url = self.store_url or f"sqlite:///{self.folder / 'store.db'}"
        self._database = DyingDatabase(url, token=f"process-{self.commits}")
        self._database.dies_at, self._database.after = dies_at, after
        self.parts = build_bot(self.config, self._database, central=self.central)
        return self.parts

    async def run(self) -> None:
        """Turn until every candle is consumed."""
        assert self.parts is not None
        assert self._database is not None
        try:
            self.central.is_read = False
            while not self.central.is_read:
                await self.parts.bot.turn()
        finally:
            self.commits = self._database.commits

    def close(self) -> None:
        """Let go of the store."""
        if self._database is not None:
            self._database.close()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query gives, as the store has it."""
        assert self._database is not None
        with self._database.read() as link:
            return [tuple(row) for row in link.execute(sa.text(query))]

    def outcome(self) -> dict[str, list[Any]]:
        """Return everything that must not depend on kills."""
        return {
            "orders": self.rows(
                "SELECT client_id, ts, side, price, volume, filled_volume, fee, state, updated "
                "FROM orders ORDER BY id"
            ),
            "fills": self.rows(
                "SELECT ts, client_id, trade_id, side, price, volume, fee FROM fills ORDER BY id"
            ),
            "account": self.rows(
                "SELECT quote, base, contributed, last, cursor, next_seq, next_accepted "
                "FROM paper_account"
            ),
            "paper": self.rows("SELECT client_id, accepted, state FROM paper_orders ORDER BY 1"),
            "decisions": self.rows("SELECT ts, decision, reason FROM decisions ORDER BY id"),
            "signals": self.rows("SELECT ts, signal, score, meta FROM signals ORDER BY id"),
            "state": [_figures(json.loads(t)) for t in self.rows("SELECT * FROM bot_state")[0][1:]],
        }


def _figures(value: Any) -> Any:
    """Return JSON with its numbers as numbers: 0E-8 and 0 are the same money."""
    if isinstance(value, dict):
        return {key: _figures(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_figures(item) for item in value]
    try:
        return Decimal(value) if isinstance(value, str) else value
    except InvalidOperation:
        return value
