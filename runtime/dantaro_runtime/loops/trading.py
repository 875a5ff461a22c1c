"""The trading loop: one turn after the other, and what to do when a turn fails."""

import asyncio
from typing import Any

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_runtime.errors import FencedOffError
from dantaro_runtime.metrics import BotMetrics
from dantaro_runtime.services.bot import BotService

__all__ = ["TradingLoop"]

_LOG = structlog.get_logger()


class TradingLoop:
    """Turns of one bot.

    Args:
        bot: The bot.
        clock: Waiting.
        metrics: Counts failed turns.
        first_pause: Seconds before the first turn.
    """

    def __init__(
        self,
        bot: BotService[Any],
        *,
        clock: Clock,
        metrics: BotMetrics,
        first_pause: float = 0.0,
    ) -> None:
        self._bot = bot
        self._clock = clock
        self._metrics = metrics
        self._first_pause = first_pause
        self._next: BotConfig | None = None
        self._wake = asyncio.Event()
        self.turned = clock.monotonic() + first_pause
        """When the last turn ended and the pause after it is over, monotonic seconds."""

    def configure(self, config: BotConfig) -> None:
        """Take a configuration into force before the next turn, which starts now."""
        self._next = config
        self._wake.set()

    async def run(self) -> None:
        """Turn until cancelled, or until another process takes over.

        Raises:
            FencedOffError: Another process works for this bot.
        """
        backoff = Backoff(first=0.2, longest=10.0)
        if self._first_pause:
            await self._clock.sleep(self._first_pause)
        while True:
            if self._next is not None:
                self._bot.configure(self._next)
                self._next = None
            self._wake.clear()
            pause = await self._turn(backoff)
            self.turned = self._clock.monotonic() + pause
            if pause > 0:
                await self._wait(pause)

    async def _turn(self, backoff: Backoff) -> float:
        try:
            more = await self._bot.turn()
        except FencedOffError:
            raise
        except DantaroError as error:
            self._metrics.count_error(error.code)
            pause = backoff.next()
            log = _LOG.warning if backoff.failures in {3, 30} else _LOG.debug
            log("turn failed", reason=error.code, message=error.message, pause=round(pause, 2))
            return pause
        backoff.reset()
        return 0.0 if more else self._bot.pause

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass
