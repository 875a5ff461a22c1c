"""Asks bots for their status, each in its own time."""

import asyncio

from dantaro_crds.kit.clock import Clock
from dantaro_operator.services.collection import CollectService

__all__ = ["collect_forever"]

TICK_SECONDS = 0.5
"""Pause between two looks at whose turn it is."""


async def collect_forever(collection: CollectService, *, concurrency: int, clock: Clock) -> None:
    """Ask until cancelled, so many at a time. A slow bot holds up no other."""
    free = asyncio.Semaphore(concurrency)
    async with asyncio.TaskGroup() as group:
        while True:
            for bot in collection.take_due():
                await free.acquire()
                asking = group.create_task(collection.ask(bot))
                asking.add_done_callback(lambda _: free.release())
            await clock.sleep(TICK_SECONDS)
