"""Which of several operators leads: a Lease, taken and renewed by compare-and-swap.

The holder stops by its own clock before another can begin: its time runs from the *start* of its
last renewal that succeeded, the candidate's from when it saw that renewal, which is later, and the
first is shorter. `is_leading` reads the clock at each call, so a process that was paused finds the
gate closed at its first instruction. Not covered: a hypervisor that stops a machine with all of its
clocks. A holder that leads too long by such a fault writes what any operator would write; that two
bots never trade the same account does not hang on this Lease.
"""

import asyncio
import secrets
import time
from dataclasses import dataclass

import structlog

from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    DantaroError,
    NotFoundError,
    TransientError,
)
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_operator.adapters.kubernetes.api import KubernetesApi, Object
from dantaro_operator.adapters.kubernetes.lease_record import (
    LeaseTimes,
    Observation,
    build_lease,
    holder_of,
    transitions_of,
)
from dantaro_operator.errors import NotLeadingError

__all__ = ["LeaseElection", "LeasePlace", "SuspendClock", "new_identity"]

_LOG = structlog.get_logger()

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"


class SuspendClock(SystemClock):
    """A clock that also counts while the machine sleeps, where the system has one (Linux)."""

    def monotonic(self) -> float:
        """Return seconds since the machine started."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return super().monotonic()


def new_identity(pod: str) -> str:
    """Return a holder's name that no other process ever has: not even the same pod restarted."""
    return f"{pod}_{secrets.token_hex(8)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeasePlace:
    """Where the Lease is."""

    namespace: str
    name: str = "dantaro-operator"


class LeaseElection:
    """One candidate: `acquire`, then `hold` beside the work, then `release`."""

    def __init__(
        self,
        api: KubernetesApi,
        place: LeasePlace,
        *,
        identity: str,
        times: LeaseTimes | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Keep what an election needs.

        Args:
            api: Its own, so that a renewal waits behind nothing; no gate, no retries.
            place: Where the Lease is.
            identity: As from `new_identity`.
            times: How long everything takes.
            clock: Counts through pauses and sleep.
        """
        self._api = api
        self._place = place
        self._collection = _LEASES.format(place.namespace)
        self._path = f"{self._collection}/{place.name}"
        self._identity = identity
        self._times = times or LeaseTimes()
        self._clock = clock or SuspendClock()
        self._lease: Object | None = None
        self._transitions = 0
        self._renewed: float | None = None

    @property
    def identity(self) -> str:
        """Return our name as the Lease has it."""
        return self._identity

    @property
    def transitions(self) -> int:
        """Return how often the Lease had changed hands when we got it."""
        return self._transitions

    def is_leading(self) -> bool:
        """Return whether nobody else can lead now."""
        renewed = self._renewed
        return (
            renewed is not None and self._clock.monotonic() - renewed < self._times.renew_deadline
        )

    async def acquire(self) -> None:
        """Wait until we lead.

        Raises:
            AuthenticationError: The server refused us for a whole lease duration.
        """
        observation = Observation(identity=self._identity, duration=self._times.duration)
        pauses = Backoff(first=self._times.retry, longest=self._times.retry)
        refused_since: float | None = None
        while True:
            asked = self._clock.monotonic()
            try:
                async with asyncio.timeout(self._patience):
                    await self._try_to_take(observation, asked)
                refused_since = None
            except (TransientError, NotFoundError, TimeoutError) as error:
                _LOG.warning("lease not reached", lease=self._path, reason=_words(error))
            except AuthenticationError as error:
                # A server that has just started refuses everybody for a moment.
                refused_since = asked if refused_since is None else refused_since
                _LOG.warning("lease not reached", lease=self._path, reason=_words(error))
                if asked - refused_since > self._times.duration:
                    raise
            if self.is_leading():
                _LOG.info("lease acquired", lease=self._path, identity=self._identity)
                return
            await self._clock.sleep(pauses.next())

    async def hold(self) -> None:
        """Renew until that fails for too long or another leads; never returns.

        Raises:
            NotLeadingError: We lead no more; the process should end.
        """
        while True:
            await self._clock.sleep(min(self._times.retry, max(self._left(), 0.0)))
            reason = f"no renewal within {self._times.renew_deadline:g} s"
            try:
                async with asyncio.timeout(min(self._patience, self._left())):
                    await self._renew()
            except NotLeadingError as error:
                self._renewed = None
                reason = error.message
            except (TransientError, AuthenticationError, NotFoundError, TimeoutError) as error:
                _LOG.warning("lease not renewed", lease=self._path, reason=_words(error))
            if not self.is_leading():
                self._renewed = None
                _LOG.error("lease lost", lease=self._path, identity=self._identity, reason=reason)
                raise NotLeadingError(f"lease {self._place.name} was lost: {reason}")

    async def release(self) -> None:
        """Close the gate and let the next candidate lead at once; end all writes before.

        What fails here is logged only: the Lease then runs out by itself.
        """
        self._renewed = None
        try:
            async with asyncio.timeout(self._patience):
                lease = await self._api.get(self._path)
                if lease is not None and holder_of(lease) == self._identity:
                    await self._api.replace(self._path, self._written(lease, holder=""))
                    _LOG.info("lease released", lease=self._path, identity=self._identity)
        except (DantaroError, TimeoutError) as error:
            _LOG.warning("lease not released", lease=self._path, reason=_words(error))

    @property
    def _patience(self) -> float:
        """Seconds for one try, so that a second one fits in before the deadline."""
        return self._times.renew_deadline / 2

    def _left(self) -> float:
        """Return the seconds until the gate closes by itself."""
        assert self._renewed is not None, "acquire it first"
        return self._renewed + self._times.renew_deadline - self._clock.monotonic()

    async def _try_to_take(self, observation: Observation, asked: float) -> None:
        lease = await self._api.get(self._path)
        if observation.may_take(lease, asked=asked, answered=self._clock.monotonic()):
            await self._write(lease)

    async def _renew(self) -> None:
        """Renew the version that we wrote last; when that is not sure, the one that is there."""
        renewed = False
        while not renewed:
            # When an answer gets lost, what we remember may be old.
            lease, self._lease = self._lease, None
            lease = lease or await self._api.get(self._path)
            if lease is not None and holder_of(lease) != self._identity:
                raise NotLeadingError(f"{holder_of(lease) or 'nobody'} holds it")
            renewed = await self._write(lease)

    async def _write(self, lease: Object | None) -> bool:
        """Take or renew the Lease, if nobody changed it since; return whether that was so."""
        started = self._clock.monotonic()
        written = self._written(lease, holder=self._identity)
        try:
            if lease is None:
                self._lease = await self._api.create(self._collection, written)
            else:
                self._lease = await self._api.replace(self._path, written)
        except ConflictError:
            return False
        self._transitions = transitions_of(self._lease)
        self._renewed = started
        return True

    def _written(self, lease: Object | None, *, holder: str) -> Object:
        return build_lease(
            lease,
            namespace=self._place.namespace,
            name=self._place.name,
            identity=holder,
            duration=self._times.duration,
            now=self._clock.now(),
        )


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
