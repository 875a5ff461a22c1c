"""Asks bots for their status, each in its own time."""

import asyncio

from dantaro_crds.kit.clock import Clock
from dantaro_operator.services.collection import CollectService

__all__ = ["collect_forever"]

TICK_SECONDS = 0.5
"""Pause between two looks at whose turn it is."""


async def collect_forever(collection: CollectService, *, clock: Clock) -> None:
    """Ask until cancelled. A slow bot holds up no other."""
    async with asyncio.TaskGroup() as group:
        while True:
            for bot in collection.take_due():
                group.create_task(collection.ask(bot))
            await clock.sleep(TICK_SECONDS)
