"""Operator killed, API server killed, the way to it bad: the end is that of a calm run."""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.support.bad_front import bad_front
from tests.support.eventually import eventually
from tests.support.fault_plane import FaultPlane, fault_plane
from tests.support.fleet_pods import FleetPods, fleet_pods
from tests.support.fleet_script import FleetScript
from tests.support.fleet_state import FleetState, check_wishes, differences, find_orphans
from tests.support.operator_deployment import DEFAULT_LEASE, FleetRun, fleet_run

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("DANTARO_TEST_OPERATOR_KILLS", "3"))
BOTS = int(os.environ.get("DANTARO_TEST_OPERATOR_BOTS", "20"))
SEED = int(os.environ.get("DANTARO_TEST_OPERATOR_SEED", "1"))
API_SERVER_KILLS = 2
LONGEST_LIFE = 1.0 + BOTS / 100
"""Seconds that an operator leads at most before it is killed."""

SHORT_LEASE = {
    "lease_duration_seconds": 1.2 + BOTS / 100,
    "lease_renew_deadline_seconds": 0.9 + BOTS / 125,
    "lease_retry_seconds": 0.15,
}
"""Who was killed is waited for hardly longer than a process takes to start."""

SETTLE_SECONDS = 40 + BOTS
"""Most that a fleet may take to come to rest."""

REST_SECONDS = 1.5
"""Three times of asking a bot: then whatever it said is written."""

KILLED, LOST_LEASE = -9, 1


@dataclass(frozen=True, kw_only=True)
class World:
    """An API server, a script, and what an undisturbed run of it ends with."""

    plane: FaultPlane
    pods: FleetPods
    script: FleetScript
    want: FleetState


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("world")
    script = FleetScript(bots=BOTS, seed=SEED)
    with fault_plane(folder) as plane, fleet_pods(plane.plane.kubeconfig) as pods:
        with fleet_run(plane.cluster, pods, script, folder / "calm", **DEFAULT_LEASE) as run:
            run.begin()
            run.finish()
            want = eventually(partial(at_rest, run, script), timeout=SETTLE_SECONDS)
            assert run.operator.ended == {}
        yield World(plane=plane, pods=pods, script=script, want=want)


def at_rest(run: FleetRun, script: FleetScript) -> FleetState:
    """Return the state if it is what the script asks for and nothing changes any more."""
    state = run.state()
    check_wishes(script, state)
    time.sleep(REST_SECONDS)
    assert run.state() == state
    return state


def is_as(run: FleetRun, want: FleetState) -> bool:
    found = list(differences(run.state(), want))
    assert found == [], "\n".join(found)[:4000]
    return True


def check_end(world: World, run: FleetRun) -> None:
    run.finish()
    eventually(partial(is_as, run, world.want), timeout=SETTLE_SECONDS)
    assert find_orphans(world.plane.cluster, run.namespaces) == []


def test_kills_of_operator_and_api_server_change_no_end(world: World, tmp_path: Path) -> None:
    """Of two operators one is killed and started again, as a Deployment would do.

    Twice the API server is killed with it. The other operator has the default Lease times and lives
    through that.
    """
    rng, steps = random.Random(SEED), len(world.script.steps)
    outages = {KILLS * (number + 1) // (API_SERVER_KILLS + 1) for number in range(API_SERVER_KILLS)}
    start = partial(fleet_run, world.plane.cluster, world.pods, world.script)
    with (
        start(tmp_path / "killed", **SHORT_LEASE) as killed,
        start(tmp_path / "long", **DEFAULT_LEASE) as long,
    ):
        for run in (killed, long):
            run.operator.wait_until_it_leads()
            run.begin()
        for number in range(KILLS):
            for run in (killed, long):
                run.allow(steps // KILLS + 1)
            time.sleep(rng.uniform(0, LONGEST_LIFE))
            killed.operator.kill()
            if number in outages:
                world.plane.restart_api_server()
            killed.operator.wait_until_it_leads()
        for run in (killed, long):
            check_end(world, run)
        print(f"ended: {dict(killed.operator.ended)} and {dict(long.operator.ended)}")
        assert killed.operator.ended[KILLED] == KILLS
        assert set(killed.operator.ended) <= {KILLED, LOST_LEASE}
        assert long.operator.ended == {}


def test_failing_calls_and_broken_watches_change_no_end(world: World, tmp_path: Path) -> None:
    plane = world.plane.plane
    with (
        bad_front(plane, tmp_path, faults=40, watch_faults=24, seed=SEED) as (front, login),
        fleet_run(
            world.plane.cluster,
            world.pods,
            world.script,
            tmp_path / "bad",
            kubeconfig=login,
            **DEFAULT_LEASE,
        ) as run,
    ):
        run.begin()
        check_end(world, run)
        assert run.operator.ended == {}
        assert front.left == 0
