"""Work on keys: each once, never two workers on one, again later after a failure."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.kit.backoff import Backoff
from dantaro_operator.services.work_queue import WorkQueue

pytestmark = pytest.mark.unit


def queue(*, first: float = 0.001) -> WorkQueue[str]:
    return WorkQueue(
        monotonic=lambda: asyncio.get_running_loop().time(),
        new_backoff=lambda: Backoff(first=first, longest=1, jitter=0, rng=random.Random(1)),
    )


async def test_a_key_that_was_asked_for_twice_is_worked_on_once() -> None:
    work = queue()
    work.add("a")
    work.add("a")
    work.add("b")
    assert len(work) == 2
    assert [await work.take(), await work.take()] == ["a", "b"]
    work.done("a")
    work.done("b")
    assert work.is_idle


async def test_an_event_during_the_work_is_one_more_piece_afterwards_and_never_beside() -> None:
    work = queue()
    work.add("a")
    assert await work.take() == "a"
    work.add("a")
    work.add("a")
    assert len(work) == 0, "nobody else may begin while one works"
    work.done("a")
    assert await work.take() == "a"
    work.done("a")
    assert work.is_idle


async def test_a_failed_key_comes_again_after_growing_pauses_until_it_succeeds() -> None:
    work = queue()
    work.add("a")
    pauses = [work.failed(await work.take()) for _ in range(3)]
    assert pauses == [0.001, 0.002, 0.004]
    work.done(await work.take())
    work.add("a")
    assert work.failed(await work.take()) == 0.001
    work.forget("a")
    assert work.is_idle


async def test_a_pause_that_the_other_side_asked_for_is_kept() -> None:
    work = queue()
    work.add("a")
    assert work.failed(await work.take(), pause=0.02) == 0.02
    began = asyncio.get_running_loop().time()
    await work.take()
    assert asyncio.get_running_loop().time() - began >= 0.015


async def test_the_earlier_of_two_moments_counts_and_a_closed_queue_wakes_nobody() -> None:
    work = queue()
    work.add_after("a", 30)
    work.add_after("a", 0.001)
    work.add_after("a", 30)
    assert await asyncio.wait_for(work.take(), 5) == "a"
    work.add_after("b", 30)
    work.close()
    assert len(work) == 0


async def test_the_lag_is_that_of_the_oldest_key() -> None:
    now = [100.0]
    work: WorkQueue[str] = WorkQueue(
        monotonic=lambda: now[0], new_backoff=lambda: Backoff(first=1, longest=1)
    )
    assert work.lag == 0
    work.add("a")
    now[0] += 5
    work.add("b")
    assert work.lag == 5
    await work.take()
    assert work.lag == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40))
def test_no_key_is_lost_and_none_is_worked_on_twice_at_once(steps: list[tuple[str, bool]]) -> None:
    async def run() -> None:
        work = queue()
        seen: dict[str, int] = dict.fromkeys("abc", 0)
        asked: dict[str, int] = dict.fromkeys("abc", 0)
        busy: set[str] = set()

        async def worker() -> None:
            while True:
                key = await work.take()
                assert key not in busy
                busy.add(key)
                seen[key] = asked[key]
                await asyncio.sleep(0)
                busy.discard(key)
                work.done(key)

        workers = [asyncio.create_task(worker()) for _ in range(3)]
        for key, pause in steps:
            asked[key] += 1
            work.add(key)
            if pause:
                await asyncio.sleep(0)
        while not work.is_idle:  # noqa: ASYNC110  # it yields to the workers, it does not wait
            await asyncio.sleep(0)
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        assert seen == asked

    asyncio.run(run())
