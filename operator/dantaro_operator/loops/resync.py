"""Looks at everything again now and then, and after a gap in what the watches told."""

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.clock import Clock
from dantaro_operator.errors import NotLeadingError
from dantaro_operator.services.resync import ResyncService

__all__ = ["resync_forever"]

_TICK_SECONDS = 5.0
"""Pause between two looks at whether there was a gap."""

_LOG = structlog.get_logger()


async def resync_forever(service: ResyncService, *, every: float, clock: Clock) -> None:
    """Compare and heal until cancelled; the first time after a full pause.

    Raises:
        NotLeadingError: Another operator leads; this process must end.
    """
    due = clock.monotonic() + every
    while True:
        await clock.sleep(min(every, _TICK_SECONDS))
        try:
            if clock.monotonic() < due:
                await service.close_gap()
            else:
                due = clock.monotonic() + every
                await service.resync()
        except NotLeadingError:
            raise
        except DantaroError as error:
            _LOG.warning("not resynced, the next time is soon enough", error=error.message)
