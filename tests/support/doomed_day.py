"""Two live bots, each with an account of its own, on an exchange where much happens: the world of
tests that kill whole processes.

Their market is made up: the price crosses the whole grid within minutes, and central replays the
same candles that the exchange does.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_config import BotConfig, HttpConfig
from tests.support.bot_rig import make_config
from tests.support.candles import make_candle, write_candles
from tests.support.central_process import central
from tests.support.eventually import eventually
from tests.support.exchange.client import ExchangeClient, PocketTruth
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
from tests.support.live_rig import BUDGET, wave
from tests.support.processes import Running, command_path, running

__all__ = ["START", "SYMBOL", "DoomedDay", "LiveBot", "doomed_day"]

SYMBOL = "KRW-XRP"
START = datetime(2025, 9, 2, tzinfo=UTC)
_SPEED = 240
_DAYS = 5
_STRATEGIES: Mapping[str, dict[str, Any]] = {
    "grid": {"grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8}},
    "staged": {
        "staged": {"stages": 4, "supportLevel": "Aggressive", "takeProfitPercent": "1"},
    },
}


@dataclass(frozen=True, kw_only=True)
class LiveBot:
    """One bot's identity, files and account; any number of processes may run it.

    Attributes:
        pocket: Its account at the exchange.
    """

    name: str
    pocket: str
    folder: Path
    config: BotConfig
    exchange: ExchangeClient

    @property
    def store(self) -> Path:
        """Its store."""
        return self.folder / "store.db"

    @property
    def file(self) -> Path:
        """Its configuration file."""
        return self.folder / "config.json"

    @property
    def log(self) -> Path:
        """What its processes said."""
        return self.folder / "log"

    def write(self, **fields: Any) -> None:
        """Write the configuration file with some fields changed."""
        document = self.config.model_dump(by_alias=True, mode="json") | fields
        draft = self.file.with_suffix(".new")
        draft.write_text(json.dumps(document))
        draft.replace(self.file)

    @contextmanager
    def running(self) -> Iterator[Running]:
        """Run the unchanged `dantaro-bot` for the length of a block."""
        with running(
            [command_path("dantaro-bot"), "--config", str(self.file)], log=self.log
        ) as run:
            yield run

    def truth(self) -> PocketTruth:
        """Return what the exchange knows of its account."""
        return self.exchange.pocket(self.pocket)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query gives, as the store has it; nothing before there are tables."""
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10)) as link:
            try:
                return link.execute(query).fetchall()
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):
                    return []
                raise

    def error(self) -> str:
        """Return why it stopped for good; empty while it has not."""
        rows = self.rows("SELECT desk FROM bot_state") if self.store.exists() else []
        return str(json.loads(rows[0][0])["error"]) if rows else ""

    def differences(self) -> list[str]:
        """Return where its books are not the exchange's: money, coin, and each order ever."""
        truth, rows = self.truth(), self.rows("SELECT desk FROM bot_state")
        if not rows:
            return ["it has no books yet"]
        desk = json.loads(rows[0][0])
        found = [f"it stopped: {desk['error']}"] if desk["error"] else []
        for name, currency in (("quote", "KRW"), ("base", "XRP")):
            booked = Decimal(desk["ledger"][name])
            if booked != truth.total(currency):
                found.append(f"{currency}: books {booked}, exchange {truth.total(currency)}")
        booked_orders = {
            name: (state in {"Pending", "Open"}, Decimal(filled))
            for name, state, filled in self.rows(
                "SELECT client_id, state, filled_volume FROM orders"
            )
        }
        at_exchange = {
            row["identifier"]: (row["state"] == "wait", Decimal(row["executed_volume"]))
            for row in truth.orders
        }
        for name in booked_orders.keys() | at_exchange.keys():
            ours, theirs = booked_orders.get(name), at_exchange.get(name)
            never_sent = theirs is None and ours == (False, Decimal(0))
            if ours != theirs and not never_sent:
                found.append(f"order {name}: (rests, filled) books {ours}, exchange {theirs}")
        return found + self.doubles(truth)

    def wait_until_true(self) -> None:
        """Wait until a running process has made its books the exchange's."""
        try:
            eventually(lambda: not self.differences(), timeout=40)
        except AssertionError as error:
            text = self.log.read_text()[-4000:]
            raise AssertionError(f"{self.name}: {self.differences()[:9]}\n{text}") from error

    def twin(self, name: str) -> "LiveBot":
        """Return the same bot, for the same account, on a store of its own."""
        folder = self.folder.parent / name
        folder.mkdir()
        config = self.config.model_copy(
            update={
                "store_url": f"sqlite:///{folder / 'store.db'}",
                "http": HttpConfig(port=0, port_file=str(folder / "port")),
            }
        )
        twin = replace(self, name=name, folder=folder, config=config)
        twin.write()
        return twin

    def doubles(self, truth: PocketTruth | None = None) -> list[str]:
        """Return the decisions for which two orders rest, or were filled side by side."""
        found = []
        last: dict[str, Mapping[str, Any]] = {}
        for row in (truth or self.truth()).orders:
            slot, _, _ = row["identifier"].rpartition("-")
            before = last.get(slot)
            if before is not None and (
                before["state"] == "wait"
                or any(trade["created_at"] > row["created_at"] for trade in before["trades"])
            ):
                found.append(f"two orders at once: {before['identifier']}, {row['identifier']}")
            last[slot] = row
        return found


@dataclass(frozen=True, kw_only=True)
class DoomedDay:
    """The world: an exchange, central, and the bots that may be run."""

    exchange: ExchangeClient
    bots: Mapping[str, LiveBot]

    def freeze(self) -> None:
        """Let the prices stand and everything that goes wrong end."""
        self.exchange.clear_faults()
        now = self.exchange.truth().time
        self.exchange.set_clock(ClockConfig(mode="manual", market=now))


@contextmanager
def doomed_day(
    folder: Path, *, seed: int, strategies: Mapping[str, dict[str, Any]] = _STRATEGIES
) -> Iterator[DoomedDay]:
    """Run exchange and central for the length of a block; no bot runs yet."""
    candles = _write_market(folder / "candles", seed)
    options = ("--source", "replay", "--folder", str(candles), "--speed", str(_SPEED))
    with central(folder / "central", *options, "--from", START.isoformat()) as served:
        shown = datetime.fromisoformat(served.get("/health").json()["marketTime"])
        clock = ClockConfig(mode="replay", market=shown, wall=datetime.now(UTC), speed=_SPEED)
        keys = {
            name: KeyConfig(
                access=f"{name}-access", secret=f"{name}-secret-of-forty-characters-0123"
            )
            for name in strategies
        }
        config = ExchangeConfig(
            pockets=tuple(
                PocketConfig(name=name, keys=(key,), balances={"KRW": BUDGET})
                for name, key in keys.items()
            ),
            markets=(MarketConfig(code=SYMBOL, candles=str(candles / SYMBOL / "1m.csv.gz")),),
            rules=Rules(partial=0.3, seed=seed),
            clock=clock,
            limits=LimitConfig(enabled=False),
        )
        with running_exchange(folder / "exchange", config) as exchange:
            bots = {}
            for number, (name, strategy) in enumerate(strategies.items()):
                place = folder / name
                write_keys(place / "keys", access=keys[name].access, secret=keys[name].secret)
                bots[name] = LiveBot(
                    name=name,
                    pocket=name,
                    folder=place,
                    exchange=exchange,
                    config=_config(
                        place,
                        strategy,
                        uid=f"{number:08d}-0000-4000-8000-000000000000",
                        exchange=exchange,
                        clock=clock,
                        central={
                            "url": served.url,
                            "keyFile": str(served.key_file),
                        },
                    ),
                )
                bots[name].write()
            yield DoomedDay(exchange=exchange, bots=bots)


def _config(
    folder: Path,
    strategy: dict[str, Any],
    *,
    uid: str,
    exchange: ExchangeClient,
    clock: ClockConfig,
    central: dict[str, str],
) -> BotConfig:
    assert clock.wall is not None
    return make_config(
        strategy,
        mode="Live",
        exchange="upbit",
        uid=uid,
        budget=str(BUDGET),
        symbol=SYMBOL,
        central=central,
        storeUrl=f"sqlite:///{folder / 'store.db'}",
        http={"port": 0, "portFile": str(folder / "port")},
        venue={
            "keysFolder": str(folder / "keys"),
            "acknowledged": True,
            "baseUrl": exchange.root,
            "pollSeconds": 0.05,
            "clock": {
                "speed": clock.speed,
                "wall": clock.wall.isoformat(),
                "shown": clock.market.isoformat(),
            },
        },
    )


def _write_market(folder: Path, seed: int) -> Path:
    """Write minutes between 2,990 and 3,410, and quiet hours before them."""
    prices = [int(price) for price in wave(seed, _DAYS * 1440 + 1)]
    minutes = [
        make_candle(
            START + i * timedelta(minutes=1),
            closed,
            open_=opened,
            high=max(opened, closed) + 5,
            low=min(opened, closed) - 5,
            volume=1000,
        )
        for i, (opened, closed) in enumerate(pairwise(prices))
    ]
    hours = [
        make_candle(START - i * timedelta(hours=1), 3200, low=2900) for i in range(8 * 24, 0, -1)
    ]
    write_candles(folder, SYMBOL, Interval.M1, minutes)
    write_candles(folder, SYMBOL, Interval.M60, hours)
    return folder
