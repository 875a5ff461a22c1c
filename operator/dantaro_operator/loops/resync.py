"""Looks at everything again now and then."""

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.clock import Clock
from dantaro_operator.errors import NotLeadingError
from dantaro_operator.services.resync import ResyncService

__all__ = ["resync_forever"]

_LOG = structlog.get_logger()


async def resync_forever(service: ResyncService, *, every: float, clock: Clock) -> None:
    """Compare and heal until cancelled; the first time after a full pause.

    Raises:
        NotLeadingError: Another operator leads; this process must end.
    """
    while True:
        await clock.sleep(every)
        try:
            await service.resync()
        except NotLeadingError:
            raise
        except DantaroError as error:
            _LOG.warning("not resynced, the next time is soon enough", error=error.message)
