"""The loop of `dantaro up`: one round, one picture, a pause."""

import asyncio
from contextlib import suppress

from dantaro_operator.core.local.screen import Screen, build_screen
from dantaro_operator.loops.displays import Display
from dantaro_operator.services.local import LocalRound, LocalService

__all__ = ["UpLoop"]

PAUSE = 1.0
"""Seconds between two rounds."""

FIRST_PAUSE = 0.25
"""Seconds between the rounds of the start, when everything is on its way."""

FIRST_ROUNDS = 40
"""How many rounds count as the start."""


class UpLoop:
    """Runs rounds until it is told to stop, or the replay is over."""

    def __init__(self, service: LocalService, display: Display, *, keep: bool) -> None:
        self._service = service
        self._display = display
        self._keep = keep

    async def run(self, stop: asyncio.Event) -> LocalRound | None:
        """Run until `stop` is set or everything is over.

        Returns:
            The last round; None if there was none.
        """
        last: LocalRound | None = None
        rounds = 0
        while not stop.is_set():
            last = await self._service.run_round()
            self._display.show(picture(last))
            if last.failure or (last.is_over and not self._keep):
                break
            rounds += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(FIRST_PAUSE if rounds < FIRST_ROUNDS else PAUSE):
                    await stop.wait()
        return last


def picture(done: LocalRound) -> Screen:
    """Return the picture of a round."""
    return build_screen(
        done.objects,
        market=done.market,
        health=done.health,
        reports=done.reports,
        findings=done.findings,
        trouble=done.trouble,
        now=done.time,
    )
