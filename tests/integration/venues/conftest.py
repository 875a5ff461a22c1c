"""An exchange on loopback, and every venue that the contract holds for, on it.

A venue that joins adds a way to open it to `VENUES`; the suite is the same for all.
"""

import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path

import pytest

from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_runtime.adapters.exchanges.ccxt.venue import open_ccxt
from dantaro_runtime.adapters.exchanges.upbit.venue import open_upbit
from dantaro_runtime.ports import Venue
from tests.support.clock import StepClock
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import ExchangeConfig, MarketConfig, PocketConfig
from tests.support.key_files import write_keys
from tests.support.tls_front import secured

Opener = Callable[[ExchangeClient, Path, Clock, str], AbstractAsyncContextManager[Venue]]
"""Opens a market of the exchange with the keys of a folder."""

MARKET = "KRW-BTC"

CONFIG = ExchangeConfig(
    pockets=(PocketConfig(balances={"KRW": Decimal(10_000_000), "BTC": Decimal("0.5")}),),
    markets=(
        MarketConfig(code=MARKET, price=Decimal(100_000_000)),
        MarketConfig(code="KRW-ETH", price=Decimal(4_000_000)),
    ),
)


@contextlib.asynccontextmanager
async def upbit(
    exchange: ExchangeClient, keys: Path, clock: Clock, symbol: str
) -> AsyncIterator[Venue]:
    async with open_upbit(
        symbol, key_folder=keys, clock=clock, rng=random.Random(1), base_url=exchange.root
    ) as venue:
        yield venue


@contextlib.asynccontextmanager
async def ccxt_upbit(
    exchange: ExchangeClient, keys: Path, clock: Clock, symbol: str
) -> AsyncIterator[Venue]:
    async with open_ccxt(
        "upbit",
        symbol,
        key_folder=keys,
        clock=clock,
        rng=random.Random(1),
        base_url=exchange.root,
    ) as venue:
        yield venue


@contextlib.asynccontextmanager
async def upbit_tls(
    exchange: ExchangeClient, keys: Path, clock: Clock, symbol: str
) -> AsyncIterator[Venue]:
    with secured(exchange, keys) as front:
        async with open_upbit(
            symbol, key_folder=keys, clock=clock, rng=random.Random(1), base_url=front.url
        ) as venue:
            yield venue


VENUES: dict[str, Opener] = {"ccxt-upbit": ccxt_upbit, "upbit": upbit}

WITH_TLS: dict[str, Opener] = VENUES | {"upbit-tls": upbit_tls}
"""For what an encrypted connection may change: `parametrize("opener", ..., indirect=True)`."""


@pytest.fixture
def exchange(exchange_process: ExchangeClient) -> ExchangeClient:
    exchange_process.restart(CONFIG)
    return exchange_process


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    key = CONFIG.pockets[0].keys[0]
    write_keys(tmp_path, access=key.access, secret=key.secret)
    return tmp_path


@pytest.fixture(params=sorted(VENUES))
def opener(request: pytest.FixtureRequest) -> Opener:
    return WITH_TLS[str(request.param)]


@pytest.fixture
async def venue(opener: Opener, exchange: ExchangeClient, keys: Path) -> AsyncIterator[Venue]:
    async with opener(exchange, keys, SystemClock(), MARKET) as opened:
        yield opened


@pytest.fixture
async def hasty_venue(opener: Opener, exchange: ExchangeClient, keys: Path) -> AsyncIterator[Venue]:
    """A venue whose pauses pass at once."""
    async with opener(exchange, keys, StepClock(), MARKET) as opened:
        yield opened
