import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from dantaro_operator.adapters import child as child_module
from dantaro_operator.adapters.child import Child
from tests.support.clock import StepClock
from tests.support.eventually import eventually

pytestmark = pytest.mark.integration

WAITS = "import sys; print('up', flush=True); sys.stdin.read(); print('parent gone', flush=True)"


class Fixture:
    """Children of one folder; none outlives the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = StepClock()
        self.children: list[Child] = []

    def child(self) -> Child:
        made = Child(self.folder, log_name="child.log", clock=self.clock)
        self.children.append(made)
        return made

    @property
    def log(self) -> str:
        path = self.folder / "child.log"
        return path.read_text() if path.exists() else ""


@pytest.fixture
async def fixture(tmp_path: Path) -> AsyncIterator[Fixture]:
    made = Fixture(tmp_path / "bot")
    yield made
    for child in made.children:
        await child.stop()


async def until(check: Callable[[], bool]) -> None:
    """Wait without keeping the loop from noticing ends of processes."""
    await asyncio.to_thread(eventually, check)


def script(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


async def test_a_child_runs_until_it_is_stopped(fixture: Fixture) -> None:
    child = fixture.child()
    assert await child.keep_running(script(WAITS))
    assert not await child.keep_running(script(WAITS))
    await until(lambda: "up" in fixture.log)
    assert child.facts.running
    await child.stop()
    await child.stop()
    assert not child.facts.running
    assert child.facts.failures == 0


async def test_a_crash_is_started_again_after_a_growing_pause(fixture: Fixture) -> None:
    child = fixture.child()
    for failures in (1, 2):
        assert await child.keep_running(script("import sys; print('x'); sys.exit(3)"))
        await until(lambda: not child.facts.running)
        assert not await child.keep_running(script(""))
        facts = child.facts
        assert (facts.exit_code, facts.failures) == (3, failures)
        assert facts.retry_in is not None
        assert facts.retry_in > 0
        fixture.clock.seconds += facts.retry_in + 0.001
    assert fixture.log.count("x") == 2


async def test_earlier_crashes_are_forgotten_after_a_good_run(fixture: Fixture) -> None:
    child = fixture.child()
    await child.keep_running(script("raise SystemExit(1)"))
    await until(lambda: not child.facts.running)
    await child.keep_running(script(WAITS))
    fixture.clock.seconds += 1
    assert await child.keep_running(script(WAITS))
    fixture.clock.seconds += child_module.GOOD_RUN + 1
    await child.keep_running(script(WAITS))
    assert child.facts.failures == 0


async def test_an_unusable_configuration_is_no_hot_loop(fixture: Fixture) -> None:
    child = fixture.child()
    line = '{"level": "error", "event": "refused", "message": "no such strategy"}'
    await child.keep_running(script(f"import sys; print('''{line}'''); sys.exit(78)"))
    await until(lambda: not child.facts.running)
    await child.keep_running(script(WAITS))
    assert child.facts.blocked
    assert child.facts.words == "refused: no such strategy"
    fixture.clock.seconds += 30
    assert not await child.keep_running(script(WAITS))
    child.unblock()
    assert await child.keep_running(script(WAITS))
    assert child.facts.blocked == ""


async def test_a_child_of_a_killed_parent_is_waited_for(fixture: Fixture) -> None:
    old, new = fixture.child(), fixture.child()
    await old.keep_running(script(WAITS))
    assert not await new.keep_running(script(WAITS))
    pid = old.facts.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await until(lambda: not old.facts.running)
    fixture.clock.seconds += 1
    assert await new.keep_running(script(WAITS))


async def test_a_child_that_outstays_its_parent_is_killed(fixture: Fixture) -> None:
    old, new = fixture.child(), fixture.child()
    await old.keep_running(script("import signal; signal.pause()"))
    assert not await new.keep_running(script(WAITS))
    fixture.clock.seconds += child_module.LEFTOVER_GRACE + 1
    assert not await new.keep_running(script(WAITS))
    await until(lambda: not old.facts.running)
    fixture.clock.seconds += 1
    assert await new.keep_running(script(WAITS))


async def test_a_child_that_ignores_the_request_is_killed(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child_module, "STOP_GRACE", 0.2)
    child = fixture.child()
    deaf = (
        "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); signal.pause()"
    )
    await child.keep_running(script(deaf))
    await until(lambda: "up" in fixture.log)
    await child.stop()
    assert not child.facts.running


async def test_a_child_that_is_stuck_is_ended_and_started_again(fixture: Fixture) -> None:
    child = fixture.child()
    await child.keep_running(script(WAITS))
    pid = child.facts.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    child.give_up_on("it did not answer")
    await until(lambda: not child.facts.running)
    await child.keep_running(script(WAITS))
    facts = child.facts
    assert (facts.exit_code, facts.words) == (-9, "it did not answer")
    fixture.clock.seconds += facts.retry_in or 0
    assert await child.keep_running(script(WAITS))


async def test_a_large_log_is_moved_aside(fixture: Fixture) -> None:
    fixture.folder.mkdir()
    large = fixture.folder / "child.log"
    with large.open("wb") as file:
        file.truncate(child_module.MAX_LOG_BYTES + 1)
    await fixture.child().keep_running(script(WAITS))
    assert (fixture.folder / "child.log.1").stat().st_size == child_module.MAX_LOG_BYTES + 1
    assert large.stat().st_size < 100


async def test_a_child_exits_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = f"""
import asyncio, pathlib, sys
from dantaro_crds.kit.clock import SystemClock
from dantaro_operator.adapters.child import Child
async def main():
    child = Child(pathlib.Path({str(tmp_path)!r}), log_name="child.log", clock=SystemClock())
    await child.keep_running((sys.executable, "-c", {WAITS!r}))
    await asyncio.sleep(60)
asyncio.run(main())
"""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    log = tmp_path / "child.log"
    try:
        await until(lambda: log.exists() and "up" in log.read_text())
    finally:
        with suppress(ProcessLookupError):
            parent.kill()
        await parent.wait()
    await until(lambda: "parent gone" in log.read_text())
