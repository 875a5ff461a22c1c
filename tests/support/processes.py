"""Starts and stops our own commands as real processes; their log is shown when a test fails."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Running", "command_path", "cpu_seconds", "memory_mib", "running"]

_STOP_SECONDS = 40
_TAIL = 4000


@dataclass(frozen=True, kw_only=True)
class Running:
    """A process of ours and its log (standard output and error)."""

    process: subprocess.Popen[bytes]
    log: Path

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-_TAIL:]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait for the end and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(_STOP_SECONDS)

    def kill(self) -> None:
        """End it at once, as kill -9 does."""
        self.stop(signal.SIGKILL)

    def rss_mib(self) -> float:
        """Return the memory that is resident, MiB."""
        return memory_mib(self.process.pid)


def memory_mib(pid: int, figure: str = "VmRSS") -> float:
    """Return a memory figure of a process, MiB: `VmRSS` is resident now, `VmHWM` at most so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(figure))
    return int(line.split()[1]) / 1024


def cpu_seconds(pid: int) -> float:
    """Return the time of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def command_path(name: str) -> str:
    """Return the path of a command of this environment, such as `dantaro-central`."""
    return str(Path(sys.executable).parent / name)


@contextmanager
def running(command: Sequence[str], *, log: Path) -> Iterator[Running]:
    """Run a command for the length of a block; afterwards it is gone, whatever happened.

    Its standard input is a pipe that stays open, so `--exit-with-parent` works. On a failure of the
    block the end of the log is printed.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT
        )
    run = Running(process=process, log=log)
    try:
        yield run
    except BaseException:
        print(f"--- log of {Path(command[0]).name} ---\n{run.tail()}")
        raise
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(_STOP_SECONDS)
        if process.stdin is not None:
            process.stdin.close()
