"""The machine's clock."""

from datetime import UTC

import pytest

from dantaro_crds.kit.clock import Clock, SystemClock

pytestmark = pytest.mark.unit


async def test_the_clock_is_aware_and_never_goes_back() -> None:
    clock: Clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is UTC
