"""`dantaro up` with an account that trades live on the exchange emulator, on recorded candles.

All clocks run from the same anchors: the exchange's, the bots', and nearly so central's, which
starts a few seconds before them and is so always a little ahead.
"""

import json
import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import (
    ClockConfig,
    ExchangeConfig,
    KeyConfig,
    LimitConfig,
    MarketConfig,
    PocketConfig,
    Rules,
)
from tests.support.exchange.process import running_exchange
from tests.support.key_files import write_keys
from tests.support.kill_run import children, kill
from tests.support.local_mode import LocalMode

__all__ = ["Books", "LiveDay", "live_day"]

BUDGET = Decimal(20_000_000)
START = datetime(2025, 9, 2, tzinfo=UTC)
_AHEAD = timedelta(seconds=20)
"""So long `dantaro up` takes at most until central serves, on a machine with much to do: central
may be ahead of the exchange, but what lags behind it is old."""

_KEY = KeyConfig(access="day-access", secret="day-secret-of-forty-characters-0123456789")


@dataclass(frozen=True, kw_only=True)
class Books:
    """What one bot believes to own, and which of its orders rest."""

    quote: Decimal
    base: Decimal
    resting: frozenset[str]
    error: str


@dataclass(kw_only=True)
class LiveDay:
    """One run."""

    exchange: ExchangeClient
    local: LocalMode

    def time(self) -> datetime:
        """Return the exchange's time."""
        return self.exchange.truth().time

    def books(self) -> dict[str, Books]:
        """Return the books of each bot by the start of its folder's name."""
        found = {}
        for store in sorted((self.local.folder / ".dantaro" / "bots").glob("*/live.db")):
            found[store.parent.name.rsplit("-", 1)[0]] = _books(store)
        return found

    def leaks(self) -> list[str]:
        """Return the files of the state folder, logs and stores among them, that hold a key."""
        keys = (_KEY.secret.encode(), _KEY.access.encode(), b"Bearer ")
        files = [path for path in (self.local.folder / ".dantaro").rglob("*") if path.is_file()]
        files.append(self.local.out)
        texts = {str(path): path.read_bytes() for path in files}
        return [name for name, text in texts.items() if any(key in text for key in keys)]

    def freeze(self) -> None:
        """Let the prices stand."""
        self.exchange.set_clock(ClockConfig(mode="manual", market=self.time()))

    def kill_one(self, victim: str, rng: random.Random) -> None:
        """Kill -9 a bot, central, or `dantaro up`, which is then started again."""
        if victim == "up":
            self.local.kill()
            self.local.wait_for(lambda: not self.local.children(), "every child to be gone")
            self.local.up()
            return
        module = "dantaro_runtime" if victim == "bot" else "dantaro_central"
        alive = children(self.local.pid, module)
        if alive:
            kill(rng.choice(alive))

    def differences(self) -> list[str]:
        """Return where the books of the bots are not the exchange's."""
        pocket, books = self.exchange.pocket(), self.books()
        found = [f"{name}: {book.error}" for name, book in books.items() if book.error]
        quote = sum((book.quote for book in books.values()), Decimal(0))
        if quote != pocket.total("KRW"):
            found.append(f"KRW: books {quote}, exchange {pocket.total('KRW')}")
        for name, coin in (("gridbot-default-grid", "XRP"), ("tradingbot-default-staged", "ETH")):
            base = books[name].base if name in books else Decimal(0)
            if base != pocket.total(coin):
                found.append(f"{coin}: books {base}, exchange {pocket.total(coin)}")
        resting = frozenset().union(*(book.resting for book in books.values()))
        at_exchange = frozenset(row["identifier"] for row in pocket.resting)
        if resting != at_exchange:
            found.append(f"orders that rest: {resting ^ at_exchange}")
        return found


@contextmanager
def live_day(
    folder: Path,
    candles: Path,
    patch: pytest.MonkeyPatch,
    *,
    speed: int,
    poll_seconds: float = 0.1,
) -> Iterator[LiveDay]:
    """Start exchange and `dantaro up` with a grid and a staged bot for the length of a block."""
    wall = datetime.now(UTC) + _AHEAD
    config = ExchangeConfig(
        pockets=(PocketConfig(keys=(_KEY,), balances={"KRW": BUDGET}),),
        markets=tuple(
            MarketConfig(code=code, candles=str(candles / code / "1m.csv.gz"))
            for code in ("KRW-XRP", "KRW-ETH")
        ),
        rules=Rules(partial=0.3, seed=1),
        clock=ClockConfig(mode="replay", market=START, wall=wall, speed=speed),
        limits=LimitConfig(enabled=False),
    )
    with running_exchange(folder / "exchange", config) as exchange:
        clock = {"speed": speed, "wall": wall.isoformat(), "shown": START.isoformat()}
        patch.setenv("DANTARO_OPERATOR_EXCHANGE_URL", exchange.root)
        patch.setenv("DANTARO_OPERATOR_EXCHANGE_CLOCK", json.dumps(clock))
        patch.setenv("DANTARO_OPERATOR_EXCHANGE_POLL_SECONDS", str(poll_seconds))
        options = ("--market", str(candles), "--speed", str(speed), "--from", START.isoformat())
        with LocalMode(folder / "bots", *options) as local:
            _write(local, exchange.truth().prices["KRW-XRP"])
            local.up()
            yield LiveDay(exchange=exchange, local=local)


def _write(local: LocalMode, price: Decimal) -> None:
    keys = local.folder / ".secrets" / "upbit"
    write_keys(keys, access=_KEY.access, secret=_KEY.secret)
    lower, upper = (int(price * part) for part in (Decimal("0.97"), Decimal("1.03")))
    local.write(
        "live.yaml",
        allocation_document(
            mode="Live",
            exchange={"name": "upbit"},
            credentialsSecretRef={"name": "upbit"},
            acknowledgeLiveTrading=True,
            budget=str(BUDGET),
            shares=[
                {"kind": "GridBot", "name": "grid", "percent": 50},
                {"kind": "TradingBot", "name": "staged", "percent": 50},
            ],
        ),
        grid_bot_document(symbol="KRW-XRP", lowerPrice=str(lower), upperPrice=str(upper), grids=30),
        trading_bot_document(
            strategy={"staged": {"supportLevel": "Aggressive", "takeProfitPercent": "0.6"}}
        ),
    )


def _books(store: Path) -> Books:
    link = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        is_made = link.execute("SELECT 1 FROM sqlite_master WHERE name = 'bot_state'").fetchone()
        row = link.execute("SELECT desk FROM bot_state").fetchone() if is_made else None
        if row is None:
            return Books(quote=Decimal(0), base=Decimal(0), resting=frozenset(), error="none yet")
        live = link.execute("SELECT client_id FROM orders WHERE state IN ('Pending', 'Open')")
        resting = frozenset(name for (name,) in live)
    finally:
        link.close()
    desk = json.loads(row[0])
    ledger = desk["ledger"]
    return Books(
        quote=Decimal(ledger["quote"]),
        base=Decimal(ledger["base"]),
        resting=resting,
        error=desk["error"],
    )
