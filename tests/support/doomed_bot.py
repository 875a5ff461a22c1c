"""A bot's process that kills itself at a chosen step of its order path.

`python -m tests.support.doomed_bot` has imported the whole bot and forks one process for each line
of its input, which is a `Doom`: the life of a bot, without the second that its imports take. It
answers each line with how that process ended. What the process runs is `dantaro-bot` itself; only
its store and its connection to the exchange count their steps.
"""

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, NoReturn

from dantaro_runtime.left_out import leave_out

leave_out()  # as the bot does, before anything loads what it does without

import httpx  # noqa: E402
import sqlalchemy as sa  # noqa: E402

from dantaro_runtime import bootstrap, cli  # noqa: E402
from dantaro_runtime.adapters import transport  # noqa: E402
from dantaro_runtime.adapters.exchanges.upbit import venue  # noqa: E402
from dantaro_runtime.adapters.store.database import Database  # noqa: E402
from tests.support.doom import Doom, Point  # noqa: E402

__all__ = ["main"]


@dataclass(kw_only=True)
class _Fate:
    doom: Doom
    steps: int = 0

    def step(self, point: Point, method: str = "", what: str = "") -> None:
        """Count a step; die or stop if it is the one."""
        if (point, method) != (self.doom.point, self.doom.method):
            return
        self.steps += 1
        if self.steps == self.doom.at:
            os.write(2, f"its step: {point} {method} {what}, number {self.steps}\n".encode())
            os.kill(os.getpid(), signal.SIGSTOP if self.doom.stops else signal.SIGKILL)


def _doom(fate: _Fate) -> None:
    """Let store and connection of this process count their steps."""
    asked: ContextVar[httpx.Request | None] = ContextVar("asked", default=None)
    receive = transport._receive

    class DoomedDatabase(Database):
        @contextmanager
        def write(self) -> Iterator[sa.Connection]:
            with super().write() as connection:
                yield connection
                fate.step(Point.BEFORE_COMMIT)
            fate.step(Point.AFTER_COMMIT)

        def _take_over(self) -> None:
            super()._take_over()
            fate.step(Point.AFTER_COMMIT)

    class DoomedTransport(transport.LeanTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            what = _name(request)
            fate.step(Point.BEFORE_SEND, request.method, what)
            token = asked.set(request)
            try:
                answer = await super().handle_async_request(request)
            finally:
                asked.reset(token)
            fate.step(Point.AFTER_ANSWER, request.method, f"{what} -> {answer.status_code}")
            return answer

    async def doomed_receive(link: Any) -> httpx.Response:
        request = asked.get()
        if request is not None:
            fate.step(Point.AFTER_SEND, request.method, _name(request))
        return await receive(link)

    for module, name, value in (
        (bootstrap, "Database", DoomedDatabase),
        (venue, "LeanTransport", DoomedTransport),
        (transport, "_receive", doomed_receive),
    ):
        setattr(module, name, value)


def _name(request: httpx.Request) -> str:
    return f"{request.url.raw_path.decode()} {request.content.decode()}".strip()


def _live(doom: Doom) -> NoReturn:
    """Be the bot until the end."""
    code: object = 70
    try:
        _doom(_Fate(doom=doom))
        sys.argv = ["dantaro-bot", "--config", doom.config, "--log-level", "DEBUG"]
        cli.main()
    except SystemExit as end:
        code = end.code
    finally:
        os._exit(code if isinstance(code, int) else 70)


def _spend(doom: Doom) -> str:
    """Fork one life, and return how it ended."""
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
        _live(doom)
    status = _wait(pid, doom.patience)
    if status is not None and os.WIFSTOPPED(status):
        print("stopped", flush=True)
        sys.stdin.readline()
        os.kill(pid, signal.SIGCONT)
        status = _wait(pid, doom.patience)
    is_late = status is None
    if status is None:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != -signal.SIGKILL:
        return f"exit {code}"
    return Point.ANYWHERE if is_late else doom.point


def _wait(pid: int, seconds: float) -> int | None:
    """Return the status with which a child stopped or ended; None while it runs."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
        if found:
            return status
        signal.sigtimedwait({signal.SIGCHLD}, left)
    return None


def main() -> None:
    """Spend lives until the input ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    for line in sys.stdin:
        print(_spend(Doom.model_validate_json(line)), flush=True)


if __name__ == "__main__":
    main()
