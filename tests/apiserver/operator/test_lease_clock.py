"""One election step by step on the real API server, with clocks that the test moves."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from dantaro_crds.errors import AuthenticationError
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.credentials import Credentials
from dantaro_operator.adapters.kubernetes.lease import (
    LeaseElection,
    LeasePlace,
    SuspendClock,
    new_identity,
)
from dantaro_operator.adapters.kubernetes.lease_record import LeaseTimes
from dantaro_operator.adapters.kubernetes.retry import NEVER
from dantaro_operator.adapters.kubernetes.transport import ApiLimits
from dantaro_operator.errors import NotLeadingError
from tests.support.api_front import DROP, LOSE, ApiFront, api_front
from tests.support.clock import StepClock

pytestmark = pytest.mark.apiserver

TIMES = LeaseTimes()


class SlowedClock(StepClock):
    """Lets other tasks run when somebody sleeps, and tells when a minute is over."""

    def __init__(self) -> None:
        super().__init__()
        self.minute_over = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if self.seconds > 60:
            self.minute_over.set()
        await asyncio.sleep(0)


@pytest.fixture
async def front(credentials: Credentials) -> AsyncIterator[ApiFront]:
    async with api_front(credentials) as running:
        yield running


@pytest.fixture
async def bad_way(credentials: Credentials, front: ApiFront) -> AsyncIterator[KubernetesApi]:
    """A client as an election has it, through the front."""
    async with KubernetesApi(
        dataclasses.replace(credentials, server=front.address),
        may_write=lambda: True,
        limits=ApiLimits(connections=1, retry=NEVER),
    ) as opened:
        yield opened


@pytest.fixture
def place(namespace: str) -> LeasePlace:
    return LeasePlace(namespace=namespace)


@pytest.fixture
def path(namespace: str) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/dantaro-operator"


async def test_the_holders_time_runs_from_the_start_of_its_request(
    credentials: Credentials, place: LeasePlace
) -> None:
    clock = StepClock()

    def take_three_seconds(*_: object) -> None:
        clock.seconds += 3

    async with KubernetesApi(
        credentials, may_write=lambda: True, observed=take_three_seconds
    ) as api:
        election = LeaseElection(api, place, identity="a", clock=clock)
        assert not election.is_leading()
        await election.acquire()
    assert clock.seconds == 6
    clock.seconds = 3 + TIMES.renew_deadline - 0.01
    assert election.is_leading()
    clock.seconds = 3 + TIMES.renew_deadline
    assert not election.is_leading()


async def test_wall_clocks_decades_apart_change_nothing(
    api: KubernetesApi, place: LeasePlace
) -> None:
    first = StepClock(datetime(2050, 1, 1, tzinfo=UTC))
    second = StepClock(datetime(2001, 1, 1, tzinfo=UTC))
    holder = LeaseElection(api, place, identity="a", clock=first)
    other = LeaseElection(api, place, identity="b", clock=second)
    await holder.acquire()
    await other.acquire()
    assert TIMES.duration <= second.seconds <= TIMES.duration + TIMES.retry
    assert (holder.transitions, other.transitions) == (0, 1)
    first.seconds = TIMES.renew_deadline - 3
    with pytest.raises(NotLeadingError, match="b holds it"):
        await holder.hold()
    assert not holder.is_leading()
    assert other.is_leading()


async def test_of_many_candidates_at_once_one_leads(api: KubernetesApi, place: LeasePlace) -> None:
    clocks = [SlowedClock() for _ in range(8)]
    elections = [
        LeaseElection(api, place, identity=new_identity("pod"), clock=clock) for clock in clocks
    ]
    tasks = [asyncio.create_task(election.acquire()) for election in elections]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    leaders = [election for election in elections if election.is_leading()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(leaders) == 1
    assert len({election.identity for election in elections}) == 8


async def test_a_renewal_whose_answer_got_lost_is_found_again(
    bad_way: KubernetesApi, front: ApiFront, place: LeasePlace
) -> None:
    clock = SlowedClock()
    election = LeaseElection(bad_way, place, identity="a", clock=clock)
    front.faults = [None, LOSE]
    await election.acquire()
    front.faults = [LOSE, (503, 0), DROP]
    holding = asyncio.create_task(election.hold())
    await asyncio.wait_for(clock.minute_over.wait(), 20)
    assert (front.faults, holding.done()) == ([], False)
    assert election.is_leading()
    assert election.transitions == 0
    holding.cancel()


async def test_it_ends_when_the_server_is_away_for_too_long(
    bad_way: KubernetesApi, front: ApiFront, place: LeasePlace
) -> None:
    clock = SlowedClock()
    election = LeaseElection(bad_way, place, identity="a", clock=clock)
    await election.acquire()
    front.faults = [(503, 0)] * 20
    with pytest.raises(NotLeadingError, match="no renewal within 10 s"):
        await election.hold()
    assert clock.seconds == pytest.approx(TIMES.renew_deadline)
    assert not election.is_leading()


async def test_a_released_lease_is_free_and_one_of_another_is_left_alone(
    api: KubernetesApi, place: LeasePlace, path: str
) -> None:
    election = LeaseElection(api, place, identity="a", clock=StepClock())
    await election.acquire()
    await election.release()
    assert not election.is_leading()
    lease = await api.get(path)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == ""
    next_clock = StepClock()
    following = LeaseElection(api, place, identity="b", clock=next_clock)
    await following.acquire()
    assert next_clock.seconds == 0
    await election.release()
    lease = await api.get(path)
    assert lease is not None
    assert lease["spec"]["holderIdentity"] == "b"


async def test_a_release_that_fails_is_no_error(
    bad_way: KubernetesApi, front: ApiFront, place: LeasePlace
) -> None:
    election = LeaseElection(bad_way, place, identity="a", clock=StepClock())
    await election.acquire()
    front.faults = [(503, 0)]
    await election.release()
    assert not election.is_leading()


async def test_a_candidate_without_rights_gives_up_after_a_lease_duration(
    credentials: Credentials, place: LeasePlace
) -> None:
    clock = StepClock()
    nobody = dataclasses.replace(credentials, authorization=lambda: "Bearer wrong")
    async with KubernetesApi(nobody, may_write=lambda: True) as api:
        election = LeaseElection(api, place, identity="a", clock=clock)
        with pytest.raises(AuthenticationError, match="HTTP 401"):
            await election.acquire()
    assert TIMES.duration < clock.seconds < TIMES.duration + 2 * TIMES.retry


def test_the_clock_counts_on() -> None:
    clock = SuspendClock()
    assert 0 < clock.monotonic() <= clock.monotonic()
