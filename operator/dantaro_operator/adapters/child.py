"""Supervision of one child process: start, back-off after a crash, stop, and never two at a time.

A child inherits a lock on a file of its folder. The kernel holds that lock exactly as long as the
child lives, so a new `dantaro up` after a kill -9 waits for the children of the old one to be gone.
A child's standard input is a pipe that only we hold: when we die, it reads the end and exits.
"""

import asyncio
import fcntl
import json
import os
import signal
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import utc_text
from dantaro_operator.adapters.log_files import last_error
from dantaro_operator.core.observed import ProcessFacts

__all__ = ["EXIT_CONFIG_UNREADABLE", "Child"]

EXIT_CONFIG_UNREADABLE = 78
"""EX_CONFIG of sysexits.h: starting again can hardly help before something changes."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Pauses between two starts, seconds."""

GOOD_RUN = 30.0
"""After so many seconds of running, earlier crashes are forgotten."""

STOP_GRACE = 15.0
"""Seconds that a child has between SIGTERM and SIGKILL."""

LEFTOVER_GRACE = 10.0
"""Seconds that a child of an earlier, killed `dantaro up` has to notice that and go."""

MAX_LOG_BYTES = 10 * 1024 * 1024
"""A larger log is moved aside at the next start."""


class Child:
    """One process that should run until it is stopped."""

    def __init__(self, folder: Path, *, log_name: str, clock: Clock) -> None:
        self._folder = folder
        self._log = folder / log_name
        self._lock = folder / "lock"
        self._clock = clock
        self._backoff = Backoff(first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        self._process: asyncio.subprocess.Process | None = None
        self._started_at = 0.0
        self._started: datetime | None = None
        self._next_start = 0.0
        self._waiting_since: float | None = None
        self._exit_code: int | None = None
        self._words = ""
        self._blocked = ""

    @property
    def facts(self) -> ProcessFacts:
        """Return what is known of the process."""
        process = self._process
        running = process is not None and process.returncode is None
        return ProcessFacts(
            running=running,
            pid=process.pid if process is not None and running else None,
            failures=self._backoff.failures,
            exit_code=self._exit_code,
            words=self._words,
            retry_in=None if running else max(self._next_start - self._clock.monotonic(), 0.0),
            blocked="" if running else self._blocked,
            started=self._started,
        )

    def unblock(self) -> None:
        """Try again at once: what kept it from running has changed."""
        if self._blocked:
            self._blocked = ""
            self._next_start = 0.0

    async def keep_running(self, command: Sequence[str]) -> bool:
        """Start the process if it should run, does not, and its pause is over.

        Returns:
            Whether it was started now.
        """
        self._notice_end()
        now = self._clock.monotonic()
        if self._process is not None:
            if now - self._started_at > GOOD_RUN:
                self._backoff.reset()
            return False
        if now < self._next_start:
            return False
        return await self._start(command, now)

    def _notice_end(self) -> None:
        if self._process is None or self._process.returncode is None:
            return
        self._exit_code = self._process.returncode
        self._words = last_error(self._log)
        self._process = None
        self._next_start = self._clock.monotonic() + self._backoff.next()
        if self._exit_code == EXIT_CONFIG_UNREADABLE:
            self._blocked = "it cannot use its configuration"
            self._next_start = self._clock.monotonic() + LONGEST_PAUSE

    async def _start(self, command: Sequence[str], now: float) -> bool:
        self._folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not self._take(lock, now):
                return False
            # An old number in there could by now be the process of somebody else.
            os.ftruncate(lock, 0)
            self._rotate_log()
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
            os.pwrite(lock, str(self._process.pid).encode(), 0)
        finally:
            os.close(lock)
        self._started_at = self._clock.monotonic()
        self._started = self._clock.now()
        return True

    def _take(self, lock: int, now: float) -> bool:
        """Take the lock for the child; False while a leftover child holds it."""
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if self._waiting_since is None:
                self._waiting_since = now
            if now - self._waiting_since > LEFTOVER_GRACE:
                self._end_leftover(lock)
            self._next_start = now + 0.2
            return False
        self._waiting_since = None
        return True

    @staticmethod
    def _end_leftover(lock: int) -> None:
        """Kill the process that holds the lock: the lock proves that it is still the one named."""
        text = os.pread(lock, 32, 0).decode(errors="ignore").strip()
        if text.isdigit():
            try:
                os.kill(int(text), signal.SIGKILL)
            except ProcessLookupError:
                return

    def _rotate_log(self) -> None:
        if self._log.exists() and self._log.stat().st_size > MAX_LOG_BYTES:
            self._log.replace(self._log.with_suffix(".log.1"))

    async def stop(self) -> None:
        """Ask the process to end, wait, and kill it if it does not. Twice is the same as once."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(STOP_GRACE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def give_up_on(self, why: str) -> None:
        """End a process that is stuck and log why; `keep_running` starts it again after a pause."""
        line = {"ts": utc_text(self._clock.now()), "level": "error", "event": why}
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{json.dumps(line)}\n")
        self.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
