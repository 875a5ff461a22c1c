"""The gate to real money: what a configuration must say before an exchange is opened."""

import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Protocol, TypedDict
from urllib.parse import urlsplit

import structlog

from dantaro_crds.kit.clock import Clock, ScaledClock, SystemClock
from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.wire.bot_config import BotConfig, VenueConfig
from dantaro_runtime.errors import ConfigError, RestartNeededError
from dantaro_runtime.ports import Venue

__all__ = ["clock_of", "first_pause_of", "open_venue", "require_same_places"]

_LONGEST_FIRST_PAUSE = 30.0
"""Bots that start at once spread their first calls over this many seconds.

Source: OctoBot issue 2108 tells of many bots that were refused by an exchange after a restart.
"""

_LOG = structlog.get_logger()


def clock_of(config: BotConfig) -> Clock:
    """Return the clock of a bot: the machine's, but for a rehearsal on loopback.

    Raises:
        ConfigError: A rehearsal clock was asked for with a real exchange, or on paper.
    """
    rehearsal = config.venue.clock if config.venue is not None else None
    if rehearsal is None:
        return SystemClock()
    if config.mode is not Mode.LIVE or not _is_loopback(config.venue):
        raise ConfigError("venue.clock: expected only with an exchange on loopback (baseUrl)")
    return ScaledClock(speed=rehearsal.speed, wall=rehearsal.wall, shown=rehearsal.shown)


def first_pause_of(config: BotConfig) -> float:
    """Return the seconds that a bot waits before its first call; each bot has its own."""
    if config.mode is not Mode.LIVE or _is_loopback(config.venue):
        return 0.0
    return random.Random(config.uid).uniform(0.0, _LONGEST_FIRST_PAUSE)


@contextlib.asynccontextmanager
async def open_venue(config: BotConfig, clock: Clock) -> AsyncIterator[Callable[[str], Venue]]:
    """Open the exchange of a bot that trades live; gives a market of it by symbol.

    Raises:
        ConfigError: Somebody has not said that real money may be lost, or the exchange is not one
            that this version trades on.
    """
    venue = config.venue
    if venue is None or not venue.acknowledged:
        raise ConfigError(
            "expected spec.acknowledgeLiveTrading: true of the Allocation with mode Live: real "
            "money may be lost",
            code="LiveNotAcknowledged",
        )
    opened, address, caveat = _opener(config, venue, clock)
    _LOG.warning(
        "live trading with real money",
        exchange=config.exchange,
        url=address,
        not_guaranteed=caveat or "nothing",
        symbol=config.symbol,
        strategy=config.strategy.name,
        budget=str(config.budget),
        currency=config.quote_currency,
        max_order_value=_text(config.risk.max_order_value),
        max_daily_loss=_text(config.risk.max_daily_loss),
        orders="limit orders, and market sells to leave a position",
    )
    async with opened as market:
        yield market.on


class _Market(Protocol):
    def on(self, symbol: str) -> Venue: ...


def _opener(
    config: BotConfig, venue: VenueConfig, clock: Clock
) -> tuple[AbstractAsyncContextManager[_Market], str, str]:
    """Return the exchange to open, its address, and what it does not guarantee.

    Paper bots are most bots: they do without what only a real exchange needs.
    """
    common: _Common = {
        "key_folder": Path(venue.keys_folder),
        "clock": clock,
        "rng": random.Random(config.uid),
        "orders_per_second": config.orders_per_second,
    }
    if config.exchange == "upbit":
        from dantaro_runtime.adapters.exchanges.upbit.venue import (  # noqa: PLC0415
            UPBIT_URL,
            open_upbit,
        )

        url = venue.base_url or UPBIT_URL
        return open_upbit(config.symbol, base_url=url, **common), url, ""
    from dantaro_runtime.adapters.exchanges.ccxt.venue import (  # noqa: PLC0415
        find_profile,
        open_ccxt,
    )

    profile = find_profile(config.exchange)
    market = open_ccxt(config.exchange, config.symbol, base_url=venue.base_url, **common)
    return market, venue.base_url or f"ccxt: {config.exchange}", profile.caveat


class _Common(TypedDict):
    key_folder: Path
    clock: Clock
    rng: random.Random
    orders_per_second: Decimal | None


def require_same_places(old: BotConfig, new: BotConfig) -> None:
    """Check that a process may take a new configuration.

    Raises:
        RestartNeededError: It names another store or another exchange.
    """
    if _places(old) != _places(new):
        raise RestartNeededError("the configuration names another store or exchange")


def _places(config: BotConfig) -> tuple[object, ...]:
    venue = config.venue.model_dump(exclude={"poll_seconds"}) if config.venue is not None else None
    return (config.uid, config.mode, config.exchange, config.store_url, venue)


def _is_loopback(venue: VenueConfig | None) -> bool:
    host = urlsplit(venue.base_url or "").hostname if venue is not None else None
    try:
        return host is not None and ip_address(host).is_loopback
    except ValueError:
        return False


def _text(limit: object) -> str:
    return "none" if limit is None else str(limit)
