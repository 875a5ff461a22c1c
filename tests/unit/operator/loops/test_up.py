import asyncio

import pytest

from dantaro_operator.core.local.screen import Screen
from dantaro_operator.loops.up import UpLoop
from tests.support.fake_world import FakeWorld, answer_all, healthy, make_service

pytestmark = pytest.mark.unit


class FakeDisplay:
    """Keeps pictures; sets an event after some of them."""

    def __init__(self, stop: asyncio.Event, after: int) -> None:
        self.shown: list[Screen] = []
        self._stop = stop
        self._after = after

    def show(self, screen: Screen) -> None:
        self.shown.append(screen)
        if len(self.shown) >= self._after:
            self._stop.set()

    def close(self, screen: Screen | None) -> None:
        pass


async def run(world: FakeWorld, *, keep: bool, after: int) -> tuple[FakeDisplay, bool | None]:
    stop = asyncio.Event()
    display = FakeDisplay(stop, after)
    last = await UpLoop(make_service(world), display, keep=keep).run(stop)
    return display, last.is_over if last else None


async def test_rounds_are_shown_until_it_is_told_to_stop() -> None:
    display, is_over = await run(FakeWorld(health=healthy()), keep=False, after=1)
    assert (len(display.shown), is_over) == (1, False)
    assert [table.plural for table in display.shown[0].tables] == [
        "allocations",
        "tradingbots",
        "gridbots",
    ]


@pytest.mark.parametrize(("keep", "want"), [(False, 1), (True, 2)])
async def test_the_end_of_a_replay_ends_it_unless_kept(keep: bool, want: int) -> None:
    world = FakeWorld(health=healthy(ended=True))
    await make_service(world).run_round()
    answer_all(world, caughtUp=True, sourceEnded=True)
    display, is_over = await run(world, keep=keep, after=2)
    assert (len(display.shown), is_over) == (want, True)


async def test_told_to_stop_before_the_start_it_does_nothing() -> None:
    world = FakeWorld()
    stop = asyncio.Event()
    stop.set()
    assert await UpLoop(make_service(world), FakeDisplay(stop, 1), keep=False).run(stop) is None
    assert world.log == []
