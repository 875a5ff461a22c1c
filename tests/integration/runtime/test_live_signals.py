"""SIGTERM while the outcome of an order is unknown: the process ends, the next one explains."""

import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.doomed_day import doomed_day
from tests.support.eventually import eventually
from tests.support.exchange.faults import FaultKind

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

GRID = {"grid": {"grid": {"lowerPrice": "3000", "upperPrice": "3400", "grids": 8}}}
GRACE_SECONDS = 10
"""A third of what a pod is given from SIGTERM to SIGKILL."""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "/v1/orders", id="while-the-order-is-sent"),
        pytest.param("GET", "/v1/order", id="while-it-is-looked-up"),
    ],
)
def test_a_process_told_to_stop_leaves_an_unknown_order_to_the_next_one(
    tmp_path: Path, method: str, path: str
) -> None:
    with doomed_day(tmp_path, seed=1, strategies=GRID) as day:
        bot = day.bots["grid"]
        hang: dict[str, Any] = {"how": "hang", "seconds": 120, "count": None, "exact_path": True}
        if method == "GET":
            day.exchange.add_fault(
                FaultKind.LOSE_AFTER, method="POST", path="/v1/orders", exact_path=True
            )
        day.exchange.add_fault(FaultKind.LOSE_AFTER, method=method, path=path, **hang)
        with bot.running() as run:
            wanted = 1 + (method == "GET")
            eventually(lambda: day.exchange.truth().faults.get("lose_after", 0) >= wanted)
            began = time.monotonic()
            assert run.stop(signal.SIGTERM) == 0
            assert time.monotonic() - began < GRACE_SECONDS

        assert [state for (state,) in bot.rows("SELECT state FROM orders")] == ["Pending"]
        ((name,),) = bot.rows("SELECT client_id FROM orders")
        assert bot.truth().posts == {name: 1}

        day.exchange.clear_faults()
        with bot.running():
            eventually(lambda: len(bot.truth().orders) > 4, timeout=40)
            day.freeze()
            bot.wait_until_true()
        assert bot.truth().posts[name] == 1
