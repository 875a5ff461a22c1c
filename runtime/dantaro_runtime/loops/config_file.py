"""Watches the configuration file; a file that cannot be read keeps the last good configuration."""

from collections.abc import Callable

import structlog

from dantaro_crds.kit.clock import Clock
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_runtime.errors import ConfigError

__all__ = ["watch_config"]

_LOG = structlog.get_logger()

_PERIOD_SECONDS = 0.5
"""How often the file is looked at; its stat costs microseconds."""


async def watch_config(
    read: Callable[[], BotConfig | None],
    *,
    take: Callable[[BotConfig], None],
    moved: Callable[[BotConfig], None],
    clock: Clock,
) -> None:
    """Hand on each new configuration until cancelled.

    Args:
        read: Returns the configuration when the file has changed, else None.
        take: Brings a configuration into force.
        moved: Told of a configuration first: where central is may have changed.
        clock: Waiting.
    """
    while True:
        await clock.sleep(_PERIOD_SECONDS)
        try:
            config = read()
        except ConfigError as error:
            _LOG.error("configuration refused, the last one stays", message=error.message)
            continue
        if config is not None:
            moved(config)
            take(config)
