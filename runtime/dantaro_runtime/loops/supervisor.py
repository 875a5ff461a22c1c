"""Owns every task of the process; the first one that fails, or a signal, ends them all."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

from dantaro_crds.kit.lifeline import wait_for_parent_exit

__all__ = ["supervise"]


class _Stop(Exception):  # noqa: N818  # a wish, not an error
    """Ends the group."""


async def supervise(*tasks: Coroutine[Any, Any, None], exit_with_parent: bool) -> None:
    """Run tasks until a signal, the parent's end, or the failure of one.

    Args:
        tasks: What to run.
        exit_with_parent: Whether to stop when standard input ends.

    Raises:
        Exception: What a task failed with.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with asyncio.TaskGroup() as group:
            for task in tasks:
                group.create_task(task)
            if exit_with_parent:
                group.create_task(_set_when_parent_is_gone(stop))
            await stop.wait()
            raise _Stop  # noqa: TRY301  # ends the group from inside
    except* _Stop:
        pass
    except* Exception as failures:  # noqa: BLE001  # handed on: the first is what ended the group
        raise failures.exceptions[0] from None
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


async def _set_when_parent_is_gone(stop: asyncio.Event) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await wait_for_parent_exit()
    stop.set()
