"""Builds one bot: the only place that names concrete classes."""

import contextlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from dantaro_crds import __version__
from dantaro_crds.kit.clock import SystemClock
from dantaro_crds.kit.lifeline import wait_for_parent_exit
from dantaro_crds.kit.supervisor import supervise
from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_runtime.adapters.central import HttpCentral
from dantaro_runtime.adapters.exchanges.paper import PaperExchange
from dantaro_runtime.adapters.store.bot_store import BotStore, traded_market
from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.adapters.transport import LeanTransport
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.live_orders import LiveOrders
from dantaro_runtime.core.strategies.protocol import Strategy
from dantaro_runtime.core.strategies.registry import find_strategy
from dantaro_runtime.errors import ConfigError
from dantaro_runtime.loops.config_file import watch_config
from dantaro_runtime.loops.trading import TradingLoop
from dantaro_runtime.metrics import BotMetrics
from dantaro_runtime.ports import Central
from dantaro_runtime.routes.server import HttpServer
from dantaro_runtime.routes.status import build_routes
from dantaro_runtime.services.bot import BotService
from dantaro_runtime.services.candles import CandleTrading
from dantaro_runtime.services.trading import Trading
from dantaro_runtime.settings import ConfigFile

__all__ = ["BotParts", "build_bot", "run_bot"]

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
"""Patience with central; a page of candles takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotParts:
    """One bot and what the edges need of it."""

    bot: BotService[Any]
    desk: Desk[Any]
    metrics: BotMetrics


async def run_bot(path: Path, *, exit_with_parent: bool) -> None:
    """Run one bot until it is told to stop.

    Args:
        path: The configuration file.
        exit_with_parent: Whether to stop when standard input ends.

    Raises:
        ConfigError: The configuration cannot be read or is wrong.
        StoreError: The store cannot be opened.
        FencedOffError: Another process has taken over.
    """
    source = ConfigFile(path)
    config = source.read()
    assert config is not None
    clock = SystemClock()
    async with _open(config) as (parts, central):
        loop = TradingLoop(parts.bot, clock=clock, metrics=parts.metrics)
        server = HttpServer(
            build_routes(parts.bot, turned=lambda: loop.turned, metrics=parts.metrics, clock=clock),
            clock=clock,
            observe=parts.metrics.observe_request,
        )
        watch = partial(
            watch_config,
            source.read,
            take=loop.configure,
            moved=lambda new: central.move(
                url=new.central.url, key_file=Path(new.central.key_file)
            ),
            clock=clock,
        )
        listener, port = await server.start(host=config.http.host, port=config.http.port)
        if config.http.port_file is not None:
            _write_port(Path(config.http.port_file), port)
        async with listener:
            await supervise(
                (loop.run, watch),
                until=wait_for_parent_exit if exit_with_parent else None,
            )


@contextlib.asynccontextmanager
async def _open(config: BotConfig) -> AsyncIterator[tuple[BotParts, HttpCentral]]:
    if config.mode is Mode.LIVE:
        raise ConfigError("this version trades on paper, mode was Live", code="LiveUnavailable")
    if config.leverage != 1:
        raise ConfigError(f"paper trades without leverage, was {config.leverage}")
    async with contextlib.AsyncExitStack() as stack:
        # Opening blocks the loop, which has nothing else to do yet; a thread would cost memory.
        database = Database(config.store_url, token=secrets.token_hex(16))
        stack.callback(database.close)
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=_TIMEOUT, transport=LeanTransport())
        )
        central = HttpCentral(
            client, url=config.central.url, key_file=Path(config.central.key_file)
        )
        yield build_bot(config, database, central=central), central


def build_bot(config: BotConfig, database: Database, *, central: Central) -> BotParts:
    """Return the bot of a configuration, as its store left it.

    Raises:
        SpecError: This version does not trade the strategy or the market.
        StoreError: The store cannot be read.
    """
    asked = config
    if (market := traded_market(database)) is not None:
        # Orders, coin and last price are of this market, whatever the file says by now.
        config = config.model_copy(update={"symbol": market})
    entry, parameters = find_strategy(config.strategy)
    rules = rules_for("upbit" if config.exchange == "paper" else config.exchange, config.symbol)
    strategy = entry.build(parameters)
    store = BotStore(database, market=config.symbol, state_type=entry.state_type)
    stored = store.load()
    exchange = PaperExchange(database, rules=rules, slippage_ticks=config.slippage_ticks)
    metrics = BotMetrics(config)
    desk = Desk(
        strategy=strategy,
        state=stored.strategy if stored.strategy is not None else strategy.initial(),
        desk=stored.desk,
        orders=LiveOrders(
            orders=stored.live,
            attempts=stored.attempts,
            placed=stored.placed,
            bot_uid=config.uid,
        ),
        bot_uid=config.uid,
        rules=rules,
        limits=config.risk,
        slippage_ticks=config.slippage_ticks,
    )
    trading = Trading(
        desk=desk,
        exchange=exchange,
        store=store,
        before_store=exchange.save,
        observe=metrics.observe_changes,
    )
    clock = SystemClock()
    candles = CandleTrading(
        desk=desk,
        trading=trading,
        feed=exchange,
        central=central,
        store=store,
        clock=clock,
        symbol=config.symbol,
        interval=config.interval,
        start_time=config.start_time,
    )
    bot = BotService(
        config=config,
        desk=desk,
        feed=exchange,
        trading=trading,
        candles=candles,
        clock=clock,
        version=__version__,
        build_strategy=_build_strategy,
    )
    bot.configure(asked)
    return BotParts(bot=bot, desk=desk, metrics=metrics)


def _build_strategy(config: BotConfig) -> Strategy[Any]:
    entry, parameters = find_strategy(config.strategy)
    return entry.build(parameters)


def _write_port(path: Path, port: int) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(f"{port}\n")
    draft.replace(path)
