"""Real processes of live bots, killed with SIGKILL at chosen steps of their order path."""

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.doomed_day import DoomedDay, doomed_day
from tests.support.doomed_lives import Lives, spend_lives
from tests.support.exchange.faults import FaultKind

KILLS = int(os.environ.get("DANTARO_TEST_PROCESS_KILLS", "60"))
SEED = int(os.environ.get("DANTARO_TEST_SEED", "1"))

pytestmark = [pytest.mark.integration, pytest.mark.timeout(120 + 3 * KILLS)]

TROUBLES = [
    (kind, method, 0.005 if method == "GET" else 0.05)
    for kind in (
        FaultKind.LOSE_BEFORE,
        FaultKind.LOSE_AFTER,
        FaultKind.ERROR_BEFORE,
        FaultKind.ERROR_AFTER,
    )
    for method in ("POST", "DELETE", "GET")
] + [(FaultKind.CANCEL_FILLS, "DELETE", 0.2)]
"""What goes wrong at the exchange meanwhile, and how often."""


def trouble(day: DoomedDay) -> None:
    for number, (kind, method, probability) in enumerate(TROUBLES):
        day.exchange.add_fault(
            kind,
            method=method,
            path="/v1/order",
            count=None,
            probability=probability,
            seed=SEED * len(TROUBLES) + number,
        )


def test_processes_killed_at_any_step_lose_and_double_no_order(tmp_path: Path) -> None:
    with doomed_day(tmp_path, seed=SEED) as day:
        trouble(day)
        lives = [
            Lives(bot=bot, seed=f"{SEED}-{name}", count=KILLS // len(day.bots))
            for name, bot in day.bots.items()
        ]
        spend_lives(lives)
        assert [each.problem for each in lives if each.problem] == []

        for bot in day.bots.values():
            bot.write()
        day.freeze()
        with ExitStack() as stack:
            for bot in day.bots.values():
                stack.enter_context(bot.running())
            for bot in day.bots.values():
                bot.wait_until_true()

        truth = day.exchange.truth()
        kinds = sum((each.kinds for each in lives), Counter[str]())
        print(f"\nseed {SEED}: {kinds.total()} kills, 0 lost, 0 double; faults {truth.faults}")
        for kind, count in sorted(kinds.items()):
            print(f"  {kind:24} {count:5}")
        for name, pocket in truth.pockets.items():
            print(f"  {name}: {len(pocket.orders)} orders, {len(pocket.trades)} executions")
            assert pocket.trades
