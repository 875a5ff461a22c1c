"""kopf's log-in: the same credentials, connection limit and write gate as our own client."""

from collections.abc import Callable
from typing import Any

import kopf

from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_operator.adapters.kubernetes.credentials import Credentials
from dantaro_operator.adapters.kubernetes.session import DELIVERY_SECONDS, open_session

__all__ = ["KopfLogin"]

GOOD_LOGIN = 60.0
"""After so many seconds a log-in counts as taken, and the next one does not wait."""


class KopfLogin:
    """Opens the session that kopf works with: `kopf.on.login(registry=...)(KopfLogin(...).login)`.

    The session reads the token for every request, so nothing expires: kopf closes all its streams
    when something does. After a 401 kopf closes the session and asks for another at once, for ever;
    so a log-in soon after another waits, longer each time.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        may_write: Callable[[], bool],
        connections: int = 20,
        delivery: float = DELIVERY_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        """Keep what a log-in needs.

        Args:
            credentials: Whom we talk to, and as whom.
            may_write: Whether kopf's own patches may go out now.
            connections: More than the number of watches: each holds one.
            delivery: Seconds that data may be on its way, as for `open_session`.
            clock: Where the waits come from.
        """
        self._credentials = credentials
        self._may_write = may_write
        self._connections = connections
        self._delivery = delivery
        self._clock = clock or SystemClock()
        self._backoff = Backoff(first=1.0, longest=30.0)
        self._last: float | None = None

    async def login(self, **_: Any) -> kopf.AiohttpSession:
        """Return a new session; kopf closes it."""
        if self._last is not None:
            if self._clock.monotonic() - self._last > GOOD_LOGIN:
                self._backoff.reset()
            await self._clock.sleep(self._backoff.next())
        self._last = self._clock.monotonic()
        return kopf.AiohttpSession(
            server=self._credentials.server,
            default_namespace=self._credentials.namespace,
            aiohttp_session=open_session(
                self._credentials,
                connections=self._connections,
                may_write=self._may_write,
                delivery=self._delivery,
            ),
        )
