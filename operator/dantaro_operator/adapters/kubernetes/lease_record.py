"""A Lease object: what is written into it, and when another may take it. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from dantaro_crds.errors import SpecError

__all__ = ["LeaseTimes", "Observation", "build_lease", "holder_of", "transitions_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTimes:
    """Times of an election, seconds; those of Kubernetes' own components unless given.

    Attributes:
        duration: Another takes over when the Lease has not changed for so long.
        renew_deadline: The holder stops when its last renewal began so long ago.
        retry: Between two renewals, and between two looks of a candidate.
    """

    duration: float = 15.0
    renew_deadline: float = 10.0
    retry: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.retry < self.renew_deadline < self.duration:
            raise SpecError(
                "lease times must be 0 < retry < renew deadline < duration, were "
                f"{self.retry:g}, {self.renew_deadline:g}, {self.duration:g} s"
            )


class Observation:
    """What a candidate has seen of a Lease, timed by its own clock.

    No wall clocks are compared: a Lease has run out when it did not change between the moment we
    had first seen its content and the moment we asked for it again.
    """

    def __init__(self, *, identity: str, duration: float) -> None:
        self._identity = identity
        self._duration = duration
        self._spec: Mapping[str, Any] | None = None
        self._since: float | None = None
        self._existed = False

    def may_take(self, lease: Mapping[str, Any] | None, *, asked: float, answered: float) -> bool:
        """Note what is there now; return whether we may take it.

        Args:
            lease: None if there is none.
            asked: When we asked for it, seconds of our clock.
            answered: When the answer was there.
        """
        spec = None if lease is None else lease.get("spec") or {}
        if self._since is None or spec != self._spec:
            self._spec, self._since = spec, answered
        unchanged = asked - self._since
        if spec is None:
            # When somebody deleted it, its holder may lead on for a while.
            return not self._existed or unchanged >= self._duration
        self._existed = True
        if spec.get("holderIdentity") in {None, "", self._identity}:
            return True
        return unchanged >= max(self._duration, float(spec.get("leaseDurationSeconds") or 0))


def build_lease(
    before: Mapping[str, Any] | None,
    *,
    namespace: str,
    name: str,
    identity: str,
    duration: float,
    now: datetime,
) -> dict[str, Any]:
    """Return the Lease as its holder writes it.

    Args:
        before: The version that it replaces; None if there is none.
        namespace: Where it lives.
        name: Its name.
        identity: Who holds it from now on; empty: nobody.
        duration: How long it holds, seconds.
        now: Wall time, for people only.
    """
    time = now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # MicroTime: six decimals, no more, no less
    old: Mapping[str, Any] = (before or {}).get("spec") or {}
    spec = {**old, "leaseDurationSeconds": ceil(duration), "renewTime": time}
    spec["holderIdentity"] = identity
    if identity and old.get("holderIdentity") != identity:
        spec["acquireTime"] = time
        spec["leaseTransitions"] = 0 if before is None else transitions_of(before) + 1
    if before is not None:
        return {**before, "spec": spec}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"namespace": namespace, "name": name},
        "spec": spec,
    }


def holder_of(lease: Mapping[str, Any]) -> str:
    """Return who holds it; empty if nobody does."""
    return str((lease.get("spec") or {}).get("holderIdentity") or "")


def transitions_of(lease: Mapping[str, Any]) -> int:
    """Return how often it changed hands."""
    return int((lease.get("spec") or {}).get("leaseTransitions") or 0)
