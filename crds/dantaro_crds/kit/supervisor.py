"""Owns every task of the process."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import structlog

__all__ = ["supervise"]

_log = structlog.get_logger()


async def supervise(
    loops: Sequence[Callable[[], Coroutine[Any, Any, None]]],
    *,
    until: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Run all loops until SIGTERM, SIGINT, the end of `until`, or the failure of one.

    Args:
        loops: Run until they are cancelled.
        until: Its end is a reason to stop; None: there is no such.

    Raises:
        Exception: What made a loop fail, after the others have stopped.
    """
    stop = asyncio.Event()
    running = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        running.add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(loop()) for loop in loops]
            if until is not None:
                tasks.append(group.create_task(_set_after(until, stop)))
            await stop.wait()
            _log.info("stopping")
            for task in tasks:
                task.cancel()
    except BaseExceptionGroup as group_error:
        raise _first_of(group_error) from group_error
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            running.remove_signal_handler(number)


async def _set_after(until: Callable[[], Coroutine[Any, Any, None]], stop: asyncio.Event) -> None:
    await until()
    stop.set()


def _first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
