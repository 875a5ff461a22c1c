"""Asks the analyst until it is stopped."""

import structlog

from dantaro_central.services.analyst import AnalystService
from dantaro_crds.errors import TransientError
from dantaro_crds.kit.clock import Clock

__all__ = ["AnalystLoop"]

_PAUSE_SECONDS = 5.0

_log = structlog.get_logger()


class AnalystLoop:
    """Runs beside the worker's loop, which it never keeps waiting."""

    def __init__(self, analyst: AnalystService, clock: Clock) -> None:
        self._analyst = analyst
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            try:
                await self._analyst.run_once()
            except TransientError as error:
                _log.warning("analyst waits", reason=error.code, error=error.message)
            await self._clock.sleep(_PAUSE_SECONDS)
