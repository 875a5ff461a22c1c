"""One real bot in this process that trades on the exchange emulator, and dies where it is told to.

It can be killed at the n-th commit, before or after it took effect, and at the n-th call to the
exchange, before it is sent or before its answer is read: what kill -9 does, at every point where it
can make a difference. A step of its clock costs no time.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from dantaro_crds.errors import DantaroError
from dantaro_crds.values import Interval
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bundle import Analysis, Bundle, Candle, Source, SupportLevel, SupportLevels
from dantaro_runtime.adapters.exchanges.keys import KeyFolder
from dantaro_runtime.adapters.exchanges.limits import Limits
from dantaro_runtime.adapters.exchanges.upbit.client import UpbitClient
from dantaro_runtime.adapters.exchanges.upbit.venue import UpbitVenue
from dantaro_runtime.adapters.transport import LeanTransport
from dantaro_runtime.bootstrap import BotParts, build_bot
from dantaro_runtime.core.orders import OrderState
from dantaro_runtime.errors import FencedOffError
from dantaro_runtime.ports import Central
from tests.support.bot_rig import DyingDatabase, Killed, make_config
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import (
    ExchangeConfig,
    KeyConfig,
    LimitConfig,
    MarketConfig,
    PocketConfig,
)
from tests.support.key_files import write_keys

__all__ = [
    "BUDGET",
    "EXCHANGE",
    "GRID",
    "KEY",
    "STAGED",
    "Analyst",
    "LiveRig",
    "StepClock",
    "assert_true",
    "live_config",
    "wave",
]

KEY = PocketConfig().keys[0]
BUDGET = Decimal(1_000_000)
GRID: dict[str, Any] = {"grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8}}
STAGED: dict[str, Any] = {"staged": {"stages": 4, "takeProfitPercent": "2", "jitterPercent": "0"}}
EXCHANGE = ExchangeConfig(
    pockets=(PocketConfig(keys=(KEY,), balances={"KRW": BUDGET}),),
    markets=(MarketConfig(code="KRW-XRP", price=Decimal(3200)),),
    limits=LimitConfig(enabled=False),
)
"""A pocket that holds just the bot's budget."""


Listener = Callable[[Any], Awaitable[None]]


class StepClock:
    """A clock that only moves when somebody waits.

    Args:
        start: What it shows at first.
        speed: Seconds of it in one of the machine's while somebody waits.
    """

    def __init__(self, start: datetime, *, speed: float = 1000) -> None:
        self._start = start
        self._now = start
        self._speed = speed

    def now(self) -> datetime:
        """Return its time."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds since it was made."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float) -> None:
        """Be so much later."""
        self.step(max(seconds, 1e-6))  # less than that would be no time at all
        await asyncio.sleep(seconds / self._speed)

    def step(self, seconds: float) -> None:
        """Be so much later at once."""
        self._now += timedelta(seconds=seconds)

    def set_back(self, seconds: float) -> None:
        """Show a wall time so much earlier; monotonic seconds go on."""
        self._start -= timedelta(seconds=seconds)
        self._now -= timedelta(seconds=seconds)


@dataclass(frozen=True, kw_only=True)
class Analyst:
    """A central whose analysis is always fresh."""

    clock: StepClock
    support: Decimal
    candles: tuple[Candle, ...] = ()

    async def fetch_bundle(
        self, symbol: str, interval: Interval, *, since: datetime | None
    ) -> Bundle | None:
        """Return an analysis of now."""
        now = self.clock.now()
        level = SupportLevel(window_days=30, price=self.support)
        levels = SupportLevels(aggressive=level, moderate=level, conservative=level)
        return Bundle(
            market_time=now,
            data_until=now,
            source=Source(name="test", live=True),
            symbol=symbol,
            interval=interval,
            candles=[c for c in self.candles if since is None or c.time > since],
            analyses=[Analysis(data_until=now, support_levels=levels)],
        )


class _DyingTransport(httpx.AsyncBaseTransport):
    """Sends calls; the process dies at the n-th, before it is sent or before its answer is read."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self.calls = 0
        self.dies_at: int | None = None
        self.is_sent = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        dies = self.calls == self.dies_at
        if dies and not self.is_sent:
            raise Killed
        try:
            return await self._inner.handle_async_request(request)
        finally:
            if dies:  # also where the answer was lost anyway
                raise Killed

    async def aclose(self) -> None:
        await self._inner.aclose()


def wave(seed: int, count: int) -> list[Decimal]:
    """Return prices that wander between 2,990 and 3,410."""
    rng, price = random.Random(seed), 3200
    prices = []
    for _ in range(count):
        price = max(2990, min(3410, price + rng.randrange(-60, 61)))
        prices.append(Decimal(price))
    return prices


def live_config(strategy: dict[str, Any], folder: Path, **fields: Any) -> BotConfig:
    """Return the configuration of a bot that trades KRW-XRP live."""
    venue = {"keysFolder": str(folder / "keys"), "acknowledged": True}
    return make_config(strategy, mode="Live", exchange="upbit", venue=venue, **fields)


@dataclass(kw_only=True)
class LiveRig:
    """A bot on a store and an exchange that outlive it.

    Attributes:
        store_url: Its store; empty: `store.db` in the folder.
        central: Answers in place of a central whose analysis is always fresh.
        deaths: How often it was killed.
        failures: How often a turn failed.
        fenced_off: Whether another process took over.
    """

    folder: Path
    config: BotConfig
    exchange: ExchangeClient
    clock: StepClock
    key: KeyConfig
    support: Decimal = Decimal(2900)
    store_url: str = ""
    central: Central | None = None
    deaths: int = 0
    failures: int = 0
    fenced_off: bool = False
    parts: BotParts | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _client: httpx.AsyncClient | None = None
    _transport: _DyingTransport | None = None
    _database: DyingDatabase | None = None

    async def start(self, *, seed: int = 0) -> BotParts:
        """Start the bot from its store, as a new process would."""
        await self.close()
        keys = self.folder / "keys"
        write_keys(keys, access=self.key.access, secret=self.key.secret)
        self._database = DyingDatabase(
            self.store_url or f"sqlite:///{self.folder / 'store.db'}",
            token=f"process-{self.deaths}-{seed}",
            survives_power_loss=True,
        )
        self._transport = _DyingTransport(LeanTransport())
        client = await self._stack.enter_async_context(
            httpx.AsyncClient(timeout=5, transport=self._transport, trust_env=False)
        )
        self._client = client
        rng = random.Random(seed)
        venue = UpbitVenue(
            UpbitClient(
                client,
                base_url=self.exchange.root,
                keys=KeyFolder(keys),
                limits=Limits(clock=self.clock, rng=rng),
                clock=self.clock,
                rng=rng,
            ),
            symbol=self.config.symbol,
            clock=self.clock,
        )
        self.parts = build_bot(
            self.config,
            self._database,
            central=self.central or Analyst(clock=self.clock, support=self.support),
            clock=self.clock,
            venue_on=venue.on,
        )
        return self.parts

    def listen(self, response: Listener, request: Listener) -> None:
        """Tell of every request as it is sent, and of every answer as it comes."""
        assert self._client is not None
        self._client.event_hooks = {"request": [request], "response": [response]}

    def die_at_commit(self, number: int, *, after: bool) -> None:
        """Die at the n-th commit from now, before or after it took effect."""
        assert self._database is not None
        self._database.dies_at, self._database.after = self._database.commits + number, after

    def fill_disk(self, *, is_full: bool) -> None:
        """Let no commit succeed, or let them succeed again."""
        assert self._database is not None
        self._database.is_full = is_full

    def die_at_call(self, number: int, *, is_sent: bool) -> None:
        """Die at the n-th call to the exchange from now."""
        assert self._transport is not None
        self._transport.dies_at, self._transport.is_sent = self._transport.calls + number, is_sent

    def die_soon(self, rng: random.Random) -> None:
        """Die at one of the next commits or calls."""
        if rng.random() < 0.5:
            self.die_at_commit(rng.randrange(1, 9), after=rng.random() < 0.5)
        else:
            self.die_at_call(rng.randrange(1, 25), is_sent=rng.random() < 0.5)

    def configure(self, **fields: Any) -> None:
        """Hand the bot its first configuration with some fields changed."""
        assert self.parts is not None
        document = self.config.model_dump(by_alias=True, mode="json") | fields
        self.parts.bot.configure(BotConfig.model_validate(document))

    def twin(self) -> "LiveRig":
        """Return another process for the same bot on the same store."""
        return replace(self, parts=None, _stack=AsyncExitStack(), _transport=None, _database=None)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return what a query gives, as the store has it."""
        assert self._database is not None
        with self._database.read() as link:
            return [tuple(row) for row in link.execute(sa.text(query))]

    async def turn(self) -> None:
        """Let the bot have one turn; what fails is tried again at the next one."""
        assert self.parts is not None
        self.clock.step(2)
        if self.exchange.moved is None or self.clock.now() > self.exchange.moved:
            self.exchange.move_time(self.clock.now())
        try:
            await self.parts.bot.turn()
        except FencedOffError:
            self.fenced_off = True
        except DantaroError:
            self.failures += 1

    async def walk(
        self, prices: Sequence[Decimal | int], *, rearm: Callable[[], None] = lambda: None
    ) -> None:
        """Move the price along, three turns at each; start again after each death."""
        for price in prices:
            self.exchange.move_price(price, market=self.config.symbol)
            for _ in range(3):
                try:
                    await self.turn()
                except Killed:
                    self.deaths += 1
                    await self.start(seed=self.deaths)
                    rearm()

    async def settle(self, turns: int = 8) -> None:
        """Let an undisturbed bot come to rest."""
        for _ in range(turns):
            await self.turn()

    async def close(self) -> None:
        """Let go of store and connection, as the end of a process does."""
        await self._stack.aclose()
        self._stack = AsyncExitStack()
        if self._database is not None:
            self._database.close()
            self._database = None


def assert_true(rig: LiveRig) -> None:
    """The books say what the exchange says, to the last unit."""
    assert rig.parts is not None
    desk, pocket = rig.parts.desk, rig.exchange.pocket()
    assert desk.desk.error == ""
    ledger = desk.desk.ledger
    assert (ledger.quote, ledger.base) == (pocket.total("KRW"), pocket.total("XRP"))
    resting = {row["identifier"] for row in pocket.resting}
    assert {order.client_id for order in desk.orders} == resting
    assert all(order.state is OrderState.OPEN for order in desk.orders)
    slots = [(order.cycle, order.slot) for order in desk.orders]
    assert len(set(slots)) == len(slots)
