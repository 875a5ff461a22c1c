"""Builds one bot: the only place that names concrete classes."""

import contextlib
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from dantaro_crds import __version__
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_crds.kit.lifeline import wait_for_parent_exit
from dantaro_crds.kit.supervisor import supervise
from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.venues import TickTable, VenueRules, rules_for
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_runtime.adapters.central import HttpCentral
from dantaro_runtime.adapters.exchanges.paper import PaperExchange
from dantaro_runtime.adapters.store.bot_store import BotStore, holds_paper, ordered_market
from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.adapters.transport import LeanTransport
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.live_orders import LiveOrders
from dantaro_runtime.core.strategies.protocol import Strategy
from dantaro_runtime.core.strategies.registry import find_strategy
from dantaro_runtime.errors import ConfigError
from dantaro_runtime.live_gate import (
    clock_of,
    first_pause_of,
    open_venue,
    require_same_places,
)
from dantaro_runtime.loops.config_file import watch_config
from dantaro_runtime.loops.trading import TradingLoop
from dantaro_runtime.metrics import BotMetrics
from dantaro_runtime.ports import Central, Venue
from dantaro_runtime.routes.server import HttpServer
from dantaro_runtime.routes.status import build_routes
from dantaro_runtime.services.bot import BotService, Session
from dantaro_runtime.services.candles import CandleTrading
from dantaro_runtime.services.live import LiveTrading
from dantaro_runtime.services.live_exchange import LiveExchange
from dantaro_runtime.services.trading import Trading
from dantaro_runtime.settings import ConfigFile

__all__ = ["BotParts", "build_bot", "run_bot"]

_TIMEOUT = httpx.Timeout(10.0, connect=3.0)
"""Patience with central; a page of candles takes milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotParts:
    """One bot and what the edges need of it."""

    bot: BotService[Any]
    metrics: BotMetrics

    @property
    def desk(self) -> Desk[Any]:
        """Decisions and books of the market that is traded."""
        return self.bot.desk


async def run_bot(path: Path, *, exit_with_parent: bool) -> None:
    """Run one bot until it is told to stop.

    Args:
        path: The configuration file.
        exit_with_parent: Whether to stop when standard input ends.

    Raises:
        ConfigError: The configuration cannot be read or is wrong.
        StoreError: The store cannot be opened.
        FencedOffError: Another process has taken over.
        RestartNeededError: The configuration names another store or exchange by now.
    """
    source = ConfigFile(path)
    config = source.read()
    assert config is not None
    clock = clock_of(config)
    async with _open(config, clock) as (parts, central):
        loop = TradingLoop(
            parts.bot, clock=clock, metrics=parts.metrics, first_pause=first_pause_of(config)
        )
        server = HttpServer(
            build_routes(parts.bot, turned=lambda: loop.turned, metrics=parts.metrics, clock=clock),
            clock=clock,
            observe=parts.metrics.observe_request,
        )

        def moved(new: BotConfig) -> None:
            require_same_places(config, new)
            central.move(url=new.central.url, key_file=Path(new.central.key_file))

        watch = partial(
            watch_config, source.read, take=loop.configure, moved=moved, clock=SystemClock()
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
async def _open(config: BotConfig, clock: Clock) -> AsyncIterator[tuple[BotParts, HttpCentral]]:
    if config.leverage != 1:
        raise ConfigError(f"expected leverage 1, was {config.leverage}: only spot is traded")
    is_live = config.mode is Mode.LIVE
    async with contextlib.AsyncExitStack() as stack:
        # Opening blocks the loop, which has nothing else to do yet; a thread would cost memory.
        database = Database(
            config.store_url, token=secrets.token_hex(16), survives_power_loss=is_live
        )
        stack.callback(database.close)
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=_TIMEOUT, transport=LeanTransport())
        )
        central = HttpCentral(
            client, url=config.central.url, key_file=Path(config.central.key_file)
        )
        venue_on = await stack.enter_async_context(open_venue(config, clock)) if is_live else None
        yield (
            build_bot(config, database, central=central, clock=clock, venue_on=venue_on),
            central,
        )


def build_bot(
    config: BotConfig,
    database: Database,
    *,
    central: Central,
    clock: Clock | None = None,
    venue_on: Callable[[str], Venue] | None = None,
) -> BotParts:
    """Return the bot of a configuration, as its store left it.

    Args:
        config: The configuration.
        database: The bot's store.
        central: Where analyses, and on paper candles, come from.
        clock: Wall time; the machine's unless given.
        venue_on: Gives a market of the real exchange; None trades on paper.

    Raises:
        SpecError: This version does not trade the market.
        StoreError: The store cannot be read.
    """
    metrics = BotMetrics(config)
    world = _World(
        database=database,
        central=central,
        metrics=metrics,
        clock=clock or SystemClock(),
        venue_on=venue_on,
    )
    bot = BotService(
        config=config,
        open_session=world.open_session,
        clock=world.clock,
        version=__version__,
        build_strategy=_build_strategy,
    )
    return BotParts(bot=bot, metrics=metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What every session of a process shares."""

    database: Database
    central: Central
    metrics: BotMetrics
    clock: Clock
    venue_on: Callable[[str], Venue] | None

    def open_session(self, config: BotConfig) -> Session[Any]:
        """Build what belongs to a market, from the store."""
        entry, parameters = find_strategy(config.strategy)
        strategy = entry.build(parameters)
        store = BotStore(self.database, state_type=entry.state_type)
        stored = store.load()
        # Orders, coin and last price are of the stored market, whatever the file says by now.
        market = stored.desk.market or ordered_market(self.database) or config.symbol
        self.metrics.take_up(market)
        desk = Desk(
            strategy=strategy,
            state=stored.strategy if stored.strategy is not None else strategy.initial(),
            desk=replace(stored.desk, market=market),
            orders=LiveOrders(
                orders=stored.live,
                attempts=stored.attempts,
                placed=stored.placed,
                bot_uid=config.uid,
            ),
            bot_uid=config.uid,
            rules=_rules_before_asking(config.exchange, market),
            limits=config.risk,
            slippage_ticks=config.slippage_ticks,
        )
        if self.venue_on is None:
            return self._on_paper(config, market, desk, store)
        return self._on_venue(config, market, desk, store, self.venue_on(market), stored.trades)

    def _on_paper(
        self, config: BotConfig, market: str, desk: Desk[Any], store: BotStore[Any]
    ) -> Session[Any]:
        exchange = PaperExchange(
            self.database, rules=desk.rules, slippage_ticks=config.slippage_ticks
        )
        trading = Trading(
            desk=desk,
            exchange=exchange,
            store=store,
            before_store=exchange.save,
            observe=self.metrics.observe_changes,
        )
        looks = CandleTrading(
            desk=desk,
            trading=trading,
            feed=exchange,
            central=self.central,
            store=store,
            clock=self.clock,
            symbol=market,
            interval=config.interval,
            start_time=config.start_time,
        )
        return Session(
            market=market, desk=desk, feed=exchange, store=store, trading=trading, looks=looks
        )

    def _on_venue(
        self,
        config: BotConfig,
        market: str,
        desk: Desk[Any],
        store: BotStore[Any],
        venue: Venue,
        trades: Mapping[str, frozenset[str]],
    ) -> Session[Any]:
        if holds_paper(self.database):
            raise ConfigError(
                "expected a store of its own for mode Live, found one with a paper account: its "
                "coin and money do not exist on the exchange",
                code="PaperStore",
            )
        orders = LiveExchange(venue, clock=self.clock, known=desk.orders.get, trades=trades)
        trading = Trading(
            desk=desk,
            exchange=orders,
            store=store,
            before_store=lambda: None,
            observe=self.metrics.observe_changes,
        )
        looks = LiveTrading(
            desk=desk,
            trading=trading,
            venue=venue,
            exchange=orders,
            central=self.central,
            store=store,
            clock=self.clock,
            symbol=market,
            interval=config.interval,
            bot_uid=config.uid,
        )
        return Session(
            market=market, desk=desk, feed=looks, store=store, trading=trading, looks=looks
        )


def _rules_before_asking(exchange: str, market: str) -> VenueRules:
    """Return the rules of a market; of an exchange that is not known here those that refuse least.

    Nothing is decided by these: a live bot asks its exchange before it looks at anything else.
    """
    if exchange in {"paper", "upbit"}:
        return rules_for("upbit", market)
    finest = TickTable(bands=((Decimal(0), Decimal("1e-8")),))
    return VenueRules(ticks=finest, min_total=Decimal(0), fee_rate=Decimal(0), quote_places=8)


def _build_strategy(config: BotConfig) -> Strategy[Any]:
    entry, parameters = find_strategy(config.strategy)
    return entry.build(parameters)


def _write_port(path: Path, port: int) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(f"{port}\n")
    draft.replace(path)
