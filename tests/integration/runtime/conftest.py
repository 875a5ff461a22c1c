"""Rigs on stores that are migrated once, on paper and on the exchange emulator."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_runtime.adapters.store.migrate import upgrade
from tests.support.bot_rig import BotRig, CandleCentral
from tests.support.exchange.client import ExchangeClient
from tests.support.live_rig import BUDGET, EXCHANGE, GRID, KEY, LiveRig, StepClock, live_config
from tests.support.postgres import Postgres

NewStore = Callable[[Path], str]

MakeRig = Callable[..., BotRig]

MakeLiveRig = Callable[..., Awaitable[LiveRig]]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "store.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def store_kind() -> str:
    """Return where stores are: sqlite, unless a test is given another one."""
    return "sqlite"


@pytest.fixture
def new_store(store_kind: str, empty_store: Path, request: pytest.FixtureRequest) -> NewStore:
    """Return what makes a migrated store for the bot of a folder, and returns its URL."""

    def copy(folder: Path) -> str:
        shutil.copy(empty_store, folder / "store.db")
        return f"sqlite:///{folder / 'store.db'}"

    if store_kind == "sqlite":
        return copy
    server: Postgres = request.getfixturevalue("postgres")
    return lambda _: server.new_store()


@pytest.fixture
def make_rig(tmp_path: Path, new_store: NewStore) -> Iterator[MakeRig]:
    made: list[BotRig] = []

    def make(config: BotConfig, candles: list[Any], **central: Any) -> BotRig:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        rig = BotRig(
            folder=folder,
            config=config,
            central=CandleCentral(candles=candles, **central),
            store_url=new_store(folder),
        )
        made.append(rig)
        return rig

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def exchange(exchange_process: ExchangeClient) -> ExchangeClient:
    """Return a fresh exchange whose pocket holds just the bot's budget."""
    exchange_process.restart(EXCHANGE)
    return exchange_process


@pytest_asyncio.fixture
async def make_live_rig(
    exchange: ExchangeClient, tmp_path: Path, new_store: NewStore
) -> AsyncIterator[MakeLiveRig]:
    made: list[LiveRig] = []

    async def make(strategy: dict[str, Any] = GRID, **fields: Any) -> LiveRig:
        folder = tmp_path / f"live{len(made)}"
        folder.mkdir()
        rig = LiveRig(
            folder=folder,
            store_url=new_store(folder),
            config=live_config(strategy, folder, **{"budget": str(BUDGET), **fields}),
            exchange=exchange,
            clock=StepClock(datetime(2025, 9, 2, tzinfo=UTC)),
            key=KEY,
        )
        made.append(rig)
        await rig.start()
        return rig

    yield make
    for rig in made:
        await rig.close()


@pytest_asyncio.fixture
async def live_rig(make_live_rig: MakeLiveRig) -> LiveRig:
    """Return a grid that trades live."""
    return await make_live_rig()
