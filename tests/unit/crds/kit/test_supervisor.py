"""One owner of all tasks."""

import asyncio

import pytest

from dantaro_crds.errors import SpecError
from dantaro_crds.kit.supervisor import supervise

pytestmark = pytest.mark.unit


class Loop:
    """Runs until it is cancelled, and remembers that."""

    def __init__(self) -> None:
        self.was_cancelled = False

    async def run(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


async def test_the_end_of_the_parent_stops_all() -> None:
    loops = [Loop(), Loop()]

    async def parent_gone() -> None:
        return

    await supervise([loop.run for loop in loops], until=parent_gone)
    assert all(loop.was_cancelled for loop in loops)


async def test_a_failure_stops_the_others_and_is_raised() -> None:
    other = Loop()

    async def failing() -> None:
        raise SpecError("wrong")

    with pytest.raises(SpecError, match="wrong"):
        await supervise([other.run, failing])
    assert other.was_cancelled
