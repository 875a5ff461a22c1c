"""The folder of one cluster, and all names that follow from it.

They follow from the path alone, so that what a cluster left can be found after any crash, and two
clusters of different folders do not touch one another.
"""

import hashlib
import json
import os
import signal
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from tests.cluster.tether import exited_within

__all__ = ["Place", "Record", "write_at_once"]

_END_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class Record:
    """A process, told from a later one of the same number by when it began."""

    pid: int
    started: int
    """Clock ticks after boot."""
    boot: str
    """The kernel's id of this boot."""

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return the record of a running process.

        Raises:
            OSError: There is none.
        """
        # The name of the program, in parentheses, may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return cls(pid=pid, started=int(fields[19]), boot=boot)

    def is_running(self) -> bool:
        """Return whether that very process runs."""
        try:
            same = Record.of(self.pid) == self
        except OSError:
            return False
        return same and not exited_within(self.pid, 0)

    def end(self) -> None:
        """Kill it and wait until it is gone; harmless when it is gone.

        Raises:
            RuntimeError: It is still there.
        """
        if self.is_running():
            os.kill(self.pid, signal.SIGKILL)
            if not exited_within(self.pid, _END_SECONDS):
                raise RuntimeError(f"process {self.pid} did not end within {_END_SECONDS:.0f} s")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a cluster lives."""

    folder: Path
    """Everything of it; removed with it."""

    @classmethod
    def named(cls, name: str = "node") -> Self:
        """Return a place of this user: `node` is the one that `make cluster-up` uses."""
        base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        return cls(folder=Path(base) / "dantaro" / name)

    @property
    def mark(self) -> str:
        """Name of its control groups and of the machine's end of its cable: 14 signs."""
        return f"dantaro-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:6]}"

    @property
    def ready(self) -> Path:
        """There when the cluster is ready."""
        return self.folder / "ready"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of the administrator."""
        return self.folder / "kubeconfig"

    @property
    def log(self) -> Path:
        """What the cluster says."""
        return self.folder / "cluster.log"

    @property
    def lock(self) -> Path:
        """Held while the cluster is made or removed; lies beside the folder."""
        return self.folder.with_suffix(".lock")

    def read_record(self) -> Record | None:
        """Return the process that owns the cluster, None where none was noted."""
        try:
            return Record(**json.loads((self.folder / "process.json").read_text()))
        except FileNotFoundError:
            return None

    def write_record(self, record: Record) -> None:
        """Note the process that owns the cluster."""
        write_at_once(self.folder / "process.json", json.dumps(asdict(record)).encode())

    def running(self) -> Record | None:
        """Return the process that owns the cluster if it runs."""
        record = self.read_record()
        return record if record is not None and record.is_running() else None

    def tail(self) -> str:
        """Return the end of what the cluster said, empty where it said nothing."""
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else ""


def write_at_once(path: Path, content: bytes) -> None:
    """Write a file that its readers see whole or not at all; only its owner can read it."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(content)
    unfinished.replace(path)
