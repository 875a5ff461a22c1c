"""Builds what a role needs and runs it. The only place that names concrete classes."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Any

import httpx
from sqlalchemy import Engine

from dantaro_central.adapters.database.api_reader import SqlMarketReader
from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.key_store import SqlHeartbeatStore, SqlKeyStore
from dantaro_central.adapters.database.lock import worker_lock
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.database.worker_store import SqlWorkerStore
from dantaro_central.adapters.key_file import load_or_make_key
from dantaro_central.adapters.sources.replay import ReplaySource
from dantaro_central.adapters.sources.simulated import SimulatedSource
from dantaro_central.adapters.sources.upbit import UpbitSource
from dantaro_central.core.market_clock import LivePace, MaxPace, Pace, SteppedPace
from dantaro_central.loops.server import ApiServer, bind
from dantaro_central.loops.worker import WorkerLoop
from dantaro_central.metrics import Metrics
from dantaro_central.ports import CandleSource
from dantaro_central.routes.app import build_app
from dantaro_central.services.collection import CollectionService
from dantaro_central.services.keys import KeyService, hash_of
from dantaro_central.services.market_data import MarketDataService
from dantaro_central.settings import CentralSettings, SourceName
from dantaro_crds import __version__
from dantaro_crds.errors import SpecError
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_crds.kit.lifeline import wait_for_parent_exit
from dantaro_crds.kit.supervisor import supervise

__all__ = ["Role", "run"]

_KEY_NAME = "key-file"

_Loop = Callable[[], Coroutine[Any, Any, None]]


class Role(StrEnum):
    """What this process does."""

    ALL = "all"
    WORKER = "worker"
    API = "api"


async def run(role: Role, settings: CentralSettings) -> None:
    """Run a role until it is stopped.

    Raises:
        SpecError: A setting or the source is wrong.
        ConflictError: Another worker runs, or the database holds another market.
    """
    clock = SystemClock()
    metrics = Metrics()
    key_hash = _key_hash(role, settings)
    async with AsyncExitStack() as stack:
        loops: list[_Loop] = []
        if role is not Role.API:
            await stack.enter_async_context(worker_lock(settings.database_url, clock))
        engine = open_engine(settings.database_url)
        stack.callback(engine.dispose)
        if role is not Role.API:
            migrate(engine)
            if key_hash is not None:
                SqlKeyStore(engine).save_hash(_KEY_NAME, key_hash)
            source = await _open_source(settings, clock, stack)
            loops.append(_worker(engine, source, settings, clock, metrics).run)
        if role is not Role.WORKER:
            loops.append(_server(engine, settings, clock, metrics, key_hash).run_until_cancelled)
        await supervise(loops, until=wait_for_parent_exit if settings.exit_with_parent else None)


def _key_hash(role: Role, settings: CentralSettings) -> str | None:
    if settings.key_file is not None:
        return hash_of(load_or_make_key(settings.key_file))
    if role is Role.ALL:
        raise SpecError(
            "all needs --key-file FILE; it is made with a random key when it does not exist",
            field="keyFile",
        )
    return None


async def _open_source(
    settings: CentralSettings, clock: Clock, stack: AsyncExitStack
) -> CandleSource:
    match settings.source:
        case SourceName.SIMULATED:
            return SimulatedSource(
                seed=settings.seed, symbols=settings.symbols, start=settings.start, clock=clock
            )
        case SourceName.REPLAY:
            assert settings.folder is not None, "checked by the settings"
            return ReplaySource(
                folder=settings.folder, symbols=settings.symbols, start=settings.start, clock=clock
            )
        case SourceName.UPBIT:
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=settings.upbit_url))
            return UpbitSource(client=client, symbols=settings.symbols, clock=clock)


def _pace(settings: CentralSettings) -> Pace:
    if settings.source is SourceName.UPBIT:
        return LivePace()
    return MaxPace() if settings.pace == "max" else SteppedPace(settings.pace)


def _worker(
    engine: Engine,
    source: CandleSource,
    settings: CentralSettings,
    clock: Clock,
    metrics: Metrics,
) -> WorkerLoop:
    store = SqlWorkerStore(engine)
    return WorkerLoop(
        CollectionService(source, store, store),
        SqlHeartbeatStore(engine),
        pace=_pace(settings),
        clock=clock,
        metrics=metrics,
    )


def _server(
    engine: Engine,
    settings: CentralSettings,
    clock: Clock,
    metrics: Metrics,
    key_hash: str | None,
) -> ApiServer:
    market_data = MarketDataService(
        SqlMarketReader(engine),
        SqlHeartbeatStore(engine),
        clock,
        version=__version__,
        source=settings.source.value,
    )
    keys = KeyService(SqlKeyStore(engine), clock, own_hash=key_hash)
    app = build_app(market_data, keys, metrics, version=__version__)
    listener = bind(settings.host, settings.port)
    if settings.port_file is not None:
        # The port of an earlier run must not be taken for this one's.
        settings.port_file.unlink(missing_ok=True)
    return ApiServer(app, listener, port_file=settings.port_file)
