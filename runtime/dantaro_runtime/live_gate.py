"""The gate to real money: what a configuration must say before an exchange is opened."""

import contextlib
import random
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from dantaro_crds.kit.clock import Clock, ScaledClock, SystemClock
from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.wire.bot_config import BotConfig, VenueConfig
from dantaro_runtime.errors import ConfigError, RestartNeededError
from dantaro_runtime.ports import Venue

__all__ = ["clock_of", "open_venue", "require_same_places"]

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


@contextlib.asynccontextmanager
async def open_venue(config: BotConfig, clock: Clock) -> AsyncIterator[Callable[[str], Venue]]:
    """Open the exchange of a bot that trades live; gives a market of it by symbol.

    Raises:
        ConfigError: Somebody has not said that real money may be lost, or the exchange is not one
            that this version trades on.
    """
    # Paper bots are most bots: they do without what only a real exchange needs.
    from dantaro_runtime.adapters.exchanges.upbit.venue import (  # noqa: PLC0415
        UPBIT_URL,
        open_upbit,
    )

    venue = config.venue
    if venue is None or not venue.acknowledged:
        raise ConfigError(
            "expected spec.acknowledgeLiveTrading: true of the Allocation with mode Live: real "
            "money may be lost",
            code="LiveNotAcknowledged",
        )
    if config.exchange != "upbit":
        raise ConfigError(
            f"expected exchange upbit with mode Live, was {config.exchange}",
            code="VenueUnsupported",
        )
    _LOG.warning(
        "live trading with real money",
        exchange=config.exchange,
        url=venue.base_url or UPBIT_URL,
        symbol=config.symbol,
        strategy=config.strategy.name,
        budget=str(config.budget),
        currency=config.quote_currency,
        max_order_value=_text(config.risk.max_order_value),
        max_daily_loss=_text(config.risk.max_daily_loss),
        orders="limit orders, and market sells to leave a position",
    )
    async with open_upbit(
        config.symbol,
        key_folder=Path(venue.keys_folder),
        clock=clock,
        rng=random.Random(config.uid),
        base_url=venue.base_url or UPBIT_URL,
        orders_per_second=config.orders_per_second,
    ) as market:
        yield market.on


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
