"""Builds what a role needs and runs it. The only place that names concrete classes."""

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from dantaro_central.adapters.database.api_reader import SqlMarketReader
from dantaro_central.adapters.database.engine import open_engine, runner_of
from dantaro_central.adapters.database.faults import tell_faults
from dantaro_central.adapters.database.key_store import SqlHeartbeatStore, SqlKeyStore
from dantaro_central.adapters.database.lock import worker_lock
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.database.wish_store import SqlWishStore
from dantaro_central.adapters.key_file import load_key, load_or_make_key
from dantaro_central.core.analyst.budget import HOUR, Budget, Prices
from dantaro_central.core.market_clock import MaxPace, Pace, SteppedPace
from dantaro_central.loops.server import ApiServer, bind
from dantaro_central.loops.upkeep import KeyLoop, SharingLoop, StateLoop
from dantaro_central.metrics import Metrics
from dantaro_central.ports import CandleSource, KeyRecord
from dantaro_central.routes.app import build_app
from dantaro_central.services.keys import KEY_FILE_NAME, KeyService, hash_of
from dantaro_central.services.market_data import MarketDataService
from dantaro_central.services.page_cache import PageCache
from dantaro_central.services.rate_limit import RateLimiter
from dantaro_central.services.wishes import WishService
from dantaro_central.settings import AnalystName, CentralSettings, SourceName
from dantaro_crds import __version__
from dantaro_crds.errors import SpecError
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_crds.kit.lifeline import wait_for_parent_exit
from dantaro_crds.kit.supervisor import supervise
from dantaro_crds.values import utc_text

if TYPE_CHECKING:
    from dantaro_central.adapters.sources.fear_greed import PublicFearGreed
    from dantaro_central.adapters.sources.upbit import UpbitSource
    from dantaro_central.loops.live import LiveLoop
    from dantaro_central.loops.worker import WorkerLoop
    from dantaro_central.services.analyst import RulesService

__all__ = ["Role", "open_upbit", "run"]

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
            engine = await stack.enter_async_context(
                worker_lock(settings.database_url, clock, standby=settings.standby)
            )
            migrate(engine)
            if key_hash is not None:
                _save_key_file(SqlKeyStore(engine), key_hash, clock)
            if settings.source is SourceName.UPBIT:
                upbit = await open_upbit(settings, clock, stack)
                mood = await _open_mood(settings, stack)
                loops.append(_live_worker(engine, upbit, mood, settings, clock, metrics).run)
            else:
                source = _open_source(settings, clock)
                loops.append(_worker(engine, source, settings, clock, metrics).run)
            if settings.analyst is AnalystName.OPENAI:
                loops.append(await _analyst(engine, settings, clock, metrics, stack))
        if role is not Role.WORKER:
            if role is Role.API or engine.dialect.name != "sqlite":
                # On a server the worker has one session, which nobody shares.
                engine = open_engine(settings.database_url)
                stack.callback(engine.dispose)
                tell_faults(engine)
            loops += await _api(engine, settings, clock, metrics, key_hash, stack)
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


# What the worker alone needs is loaded where it is used: the API does without its 6 MB.


def _open_source(settings: CentralSettings, clock: Clock) -> CandleSource:
    from dantaro_central.adapters.sources.replay import ReplaySource  # noqa: PLC0415
    from dantaro_central.adapters.sources.simulated import SimulatedSource  # noqa: PLC0415

    symbols, start = settings.symbols, settings.start
    if settings.source is SourceName.SIMULATED:
        return SimulatedSource(seed=settings.seed, symbols=symbols, start=start, clock=clock)
    assert settings.folder is not None, "checked by the settings"
    return ReplaySource(folder=settings.folder, symbols=symbols, start=start, clock=clock)


async def open_upbit(
    settings: CentralSettings, clock: Clock, stack: AsyncExitStack
) -> "UpbitSource":
    """Open Upbit's public API."""
    import httpx  # noqa: PLC0415

    from dantaro_central.adapters.sources.upbit import UpbitSource  # noqa: PLC0415
    from dantaro_central.adapters.sources.upbit_client import UpbitClient  # noqa: PLC0415

    http = await stack.enter_async_context(httpx.AsyncClient(base_url=settings.upbit_url))
    client = UpbitClient(http, clock, calls_per_second=settings.upbit_calls_per_second)
    return UpbitSource(client, symbols=settings.symbols, traded=settings.traded)


async def _open_mood(settings: CentralSettings, stack: AsyncExitStack) -> "PublicFearGreed | None":
    if settings.fear_greed_url is None:
        return None
    import httpx  # noqa: PLC0415

    from dantaro_central.adapters.sources.fear_greed import PublicFearGreed  # noqa: PLC0415

    client = await stack.enter_async_context(httpx.AsyncClient())
    return PublicFearGreed(client, url=settings.fear_greed_url)


def _live_worker(
    engine: Engine,
    source: "UpbitSource",
    mood: "PublicFearGreed | None",
    settings: CentralSettings,
    clock: Clock,
    metrics: Metrics,
) -> "LiveLoop":
    # These load numpy, TA-Lib and APScheduler, which the API does without.
    from dantaro_central.adapters.database.live_store import (  # noqa: PLC0415
        SqlJobStore,
        SqlLiveStore,
    )
    from dantaro_central.loops.live import LiveLoop  # noqa: PLC0415
    from dantaro_central.services.candle_care import (  # noqa: PLC0415
        QualityService,
        RetentionService,
    )
    from dantaro_central.services.live_collection import LiveCollection  # noqa: PLC0415

    store = SqlLiveStore(engine)
    collection = LiveCollection(
        source, store, SqlWishStore(engine), rules=_rules(settings, metrics)
    )
    kept = timedelta(days=settings.minutes_kept_days)
    return LiveLoop(
        collection,
        source,
        QualityService(collection, source, store, clock),
        RetentionService(collection, store, clock, minutes_kept=kept),
        mood=mood,
        heartbeats=SqlHeartbeatStore(engine),
        jobs=SqlJobStore(engine),
        clock=clock,
        metrics=metrics,
    )


def _pace(settings: CentralSettings) -> Pace:
    return MaxPace() if settings.pace == "max" else SteppedPace(settings.pace)


def _worker(
    engine: Engine,
    source: CandleSource,
    settings: CentralSettings,
    clock: Clock,
    metrics: Metrics,
) -> "WorkerLoop":
    # These load numpy and TA-Lib, which the API does without.
    from dantaro_central.adapters.database.worker_store import SqlWorkerStore  # noqa: PLC0415
    from dantaro_central.loops.worker import WorkerLoop  # noqa: PLC0415
    from dantaro_central.services.collection import CollectionService  # noqa: PLC0415

    store = SqlWorkerStore(engine)
    return WorkerLoop(
        CollectionService(source, store, store, rules=_rules(settings, metrics)),
        SqlHeartbeatStore(engine),
        pace=_pace(settings),
        clock=clock,
        metrics=metrics,
    )


def _rules(settings: CentralSettings, metrics: Metrics) -> "RulesService | None":
    from dantaro_central.services.analyst import RulesService  # noqa: PLC0415

    if settings.analyst is not AnalystName.RULES:
        return None
    return RulesService(
        interval=settings.analyst_interval,
        symbols=settings.analyst_symbols,
        seen=metrics.count_decision,
    )


async def _analyst(
    engine: Engine,
    settings: CentralSettings,
    clock: Clock,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> _Loop:
    # The library takes a second to load, and nobody else needs it.
    from dantaro_central.adapters.analyst.openai import (  # noqa: PLC0415
        OpenAiAnalyst,
        open_client,
    )
    from dantaro_central.adapters.database.decision_store import (  # noqa: PLC0415
        SqlDecisionStore,
    )
    from dantaro_central.adapters.database.worker_store import SqlWorkerStore  # noqa: PLC0415
    from dantaro_central.loops.analyst import AnalystLoop  # noqa: PLC0415
    from dantaro_central.services.analyst import AnalystService  # noqa: PLC0415

    prompt = settings.analyst_usd_per_million_prompt
    answer = settings.analyst_usd_per_million_answer
    assert prompt is not None, "checked by the settings"
    assert answer is not None, "checked by the settings"
    key_file, timeout = settings.analyst_key_file, settings.analyst_timeout_seconds
    key = load_key(key_file, field="analystKeyFile") if key_file is not None else ""
    client = await stack.enter_async_context(
        open_client(url=settings.analyst_url, key=key, timeout=timeout)
    )
    store = SqlDecisionStore(engine)
    budget = Budget(calls=settings.analyst_calls_per_hour, dollars=settings.analyst_usd_per_hour)
    for time, cost in store.load_spent(since=clock.now() - HOUR):
        budget.pay(time, cost)
    analyst = AnalystService(
        store,
        SqlWorkerStore(engine),
        OpenAiAnalyst(
            client,
            model=settings.analyst_model,
            prices=Prices(prompt=prompt, answer=answer),
            budget=budget,
            timeout=timeout,
            clock=clock,
        ),
        clock,
        interval=settings.analyst_interval,
        symbols=settings.analyst_symbols,
        seen=metrics.count_decision,
    )
    return AnalystLoop(analyst, clock).run


def _save_key_file(store: SqlKeyStore, key_hash: str, clock: Clock) -> None:
    """Store the key of the key file, so that an API elsewhere knows it."""
    created = utc_text(clock.now())
    record = KeyRecord(name=KEY_FILE_NAME, sha256=key_hash, unlimited=True, created=created)
    if not store.save_key(record, replaces=True):
        store.save_key(record, replaces=False)


async def _api(
    engine: Engine,
    settings: CentralSettings,
    clock: Clock,
    metrics: Metrics,
    key_hash: str | None,
    stack: AsyncExitStack,
) -> list[_Loop]:
    market_data = MarketDataService(
        SqlMarketReader(engine),
        SqlHeartbeatStore(engine),
        clock,
        version=__version__,
        source=settings.source.value,
        wishes=WishService(SqlWishStore(engine), clock),
    )
    run_read = runner_of(engine)
    keys = KeyService(SqlKeyStore(engine), clock, own_hash=key_hash)
    pages = PageCache(market_data.state, clock, run=run_read)
    window = settings.limit_seconds
    limiter = RateLimiter(requests=settings.limit_requests, seconds=window, clock=clock)
    loops = [KeyLoop(keys, clock).run, StateLoop(pages, clock).run]
    if settings.redis_url is not None:
        # The packages cost 10 MB: only who shares limits pays for them.
        from dantaro_central.adapters.shared_counts import open_redis_counts  # noqa: PLC0415

        url = settings.redis_url.get_secret_value()
        counts = await stack.enter_async_context(open_redis_counts(url, seconds=window))
        loops.append(SharingLoop(limiter, counts, clock, metrics).run)
    app = build_app(
        market_data, pages, keys, limiter, metrics, clock, run=run_read, version=__version__
    )
    listener = bind(settings.host, settings.port)
    if settings.port_file is not None:
        # The port of an earlier run must not be taken for this one's.
        settings.port_file.unlink(missing_ok=True)
    server = ApiServer(app, listener, port_file=settings.port_file)
    return [*loops, server.run_until_cancelled]
