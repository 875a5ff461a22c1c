"""Whether this process is alive and ready, for probes."""

from dataclasses import dataclass, field

from dantaro_operator.core.bots import Key
from dantaro_operator.services.work_queue import WorkQueue

__all__ = ["HealthService"]


@dataclass(slots=True)
class HealthService:
    """What probes ask.

    A standby is ready: it does what it should. So a rollout of two operators goes on.

    Attributes:
        queue: Accounts that wait for work.
        stalled_after: Seconds that an account may wait for a worker.
        leading: Whether this process leads.
        synced: Whether every kind was listed once since it leads.
        stalled_watches: Kinds whose watch brings nothing though there is something.
    """

    queue: WorkQueue[Key]
    stalled_after: float
    leading: bool = False
    synced: bool = False
    stalled_watches: set[str] = field(default_factory=set)

    def find_stall(self) -> str:
        """Return why the process should be restarted; empty if it should not."""
        if self.stalled_watches:
            kinds = ", ".join(sorted(self.stalled_watches))
            return f"the watch of {kinds} brings nothing: it is behind a fresh list"
        if self.queue.lag > self.stalled_after:
            return f"accounts wait for {self.queue.lag:.0f} s: no worker takes them"
        return ""

    def find_delay(self) -> str:
        """Return why it is not ready; empty if it is."""
        if self.leading and not self.synced:
            return "the objects of the cluster are being read"
        return self.find_stall()
