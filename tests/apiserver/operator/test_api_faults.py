"""Our client when the way to the API server is bad."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Protocol

import pytest

from dantaro_crds.errors import RateLimitedError, TransientError
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.credentials import Credentials
from dantaro_operator.adapters.kubernetes.retry import UNREACHABLE, RetryPolicy
from dantaro_operator.adapters.kubernetes.transport import ApiLimits
from dantaro_operator.errors import NotLeadingError
from tests.support.api_front import DROP, HANG, LOSE, ApiFront, api_front
from tests.support.clock import StepClock

pytestmark = pytest.mark.apiserver

MANIFEST: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a"},
    "data": {"x": "1"},
}


class Opened(Protocol):
    """Opens a client through the front."""

    def __call__(
        self, *, may_write: Any = ..., limits: ApiLimits = ..., observed: Any = ...
    ) -> AbstractAsyncContextManager[KubernetesApi]: ...


@pytest.fixture
async def front(credentials: Credentials) -> AsyncIterator[ApiFront]:
    async with api_front(credentials) as running:
        yield running


@pytest.fixture
def clock() -> StepClock:
    return StepClock()


@pytest.fixture
def opened(front: ApiFront, credentials: Credentials, clock: StepClock) -> Opened:
    @asynccontextmanager
    async def open_api(
        *, may_write: Any = lambda: True, limits: ApiLimits | None = None, observed: Any = None
    ) -> AsyncIterator[KubernetesApi]:
        async with KubernetesApi(
            dataclasses.replace(credentials, server=front.address),
            may_write=may_write,
            limits=limits,
            observed=observed,
            clock=clock,
        ) as api:
            yield api

    return open_api


@pytest.fixture
def config_maps(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


@pytest.mark.parametrize("fault", [(503, 0), (500, 0), (504, 0), DROP, LOSE])
async def test_what_may_be_repeated_is_repeated(
    opened: Opened, front: ApiFront, config_maps: str, fault: Any, clock: StepClock
) -> None:
    front.faults = [fault, fault]
    async with opened() as api:
        made = await api.apply(f"{config_maps}/a", MANIFEST)
        assert made["data"] == {"x": "1"}
        front.faults = [fault, fault]
        assert await api.get(f"{config_maps}/a") is not None
    assert front.seen.count("PATCH a") == 3
    assert 0.4 < clock.seconds < 2


async def test_the_pause_that_the_server_asks_for_is_kept(
    opened: Opened, front: ApiFront, config_maps: str, clock: StepClock
) -> None:
    front.faults = [(429, 7), (429, 9)]
    async with opened() as api:
        await api.create(config_maps, MANIFEST)
    assert (clock.seconds, front.seen) == (16, ["POST configmaps"] * 3)


async def test_a_pause_beyond_our_patience_is_left_to_the_caller(
    opened: Opened, front: ApiFront, config_maps: str, clock: StepClock
) -> None:
    front.faults = [(429, 3600)]
    async with opened() as api:
        with pytest.raises(RateLimitedError, match=r"apply configmaps/a in test-.*busy") as caught:
            await api.apply(f"{config_maps}/a", MANIFEST)
    assert (caught.value.retry_after, clock.seconds) == (timedelta(hours=1), 0)


async def test_attempts_are_bounded(
    opened: Opened, front: ApiFront, config_maps: str, clock: StepClock
) -> None:
    front.faults = [(503, 0)] * 10
    seen: list[tuple[str, int]] = []
    async with opened(observed=lambda *what: seen.append(what[:2])) as api:
        with pytest.raises(TransientError, match=r"busy \(HTTP 503\)"):
            await api.apply(f"{config_maps}/a", MANIFEST)
    assert seen == [("apply", 503)] * 5
    assert clock.seconds < 3.1


async def test_a_create_whose_answer_got_lost_is_not_repeated(
    opened: Opened, front: ApiFront, config_maps: str
) -> None:
    front.faults = [LOSE]
    async with opened() as api:
        with pytest.raises(TransientError, match="no answer"):
            await api.create(config_maps, MANIFEST)
        assert await api.get(f"{config_maps}/a") is not None
    assert front.seen.count("POST configmaps") == 1


async def test_an_answer_that_never_comes_is_waited_for_a_while(
    opened: Opened, front: ApiFront, config_maps: str
) -> None:
    front.faults = [HANG, HANG]
    limits = ApiLimits(attempt=0.2, retry=RetryPolicy(attempts=2))
    seen: list[tuple[str, int]] = []
    async with opened(limits=limits, observed=lambda *what: seen.append(what[:2])) as api:
        with pytest.raises(TransientError, match="no answer from the API server: TimeoutError"):
            await api.get(f"{config_maps}/a")
    assert seen == [("get", 0), ("get", 0)]


async def test_where_nobody_listens_even_a_create_is_tried_again(
    credentials: Credentials, config_maps: str, clock: StepClock
) -> None:
    nowhere = dataclasses.replace(credentials, server="http://127.0.0.1:1")
    seen: list[int] = []
    async with KubernetesApi(
        nowhere, may_write=lambda: True, clock=clock, observed=lambda _, code, __: seen.append(code)
    ) as api:
        with pytest.raises(TransientError) as caught:
            await api.create(config_maps, MANIFEST)
    assert (caught.value.code, seen) == (UNREACHABLE, [0] * 5)


async def test_calls_wait_for_their_turn_and_do_not_time_out_there(
    opened: Opened, front: ApiFront, config_maps: str
) -> None:
    async with opened(limits=ApiLimits(connections=4, attempt=1.0)) as api:
        await asyncio.gather(*(api.get(f"{config_maps}/a") for _ in range(200)))
    assert (len(front.seen), front.most <= 4) == (200, True)


class TestTheGate:
    """It is asked each time that something is about to be sent."""

    async def test_before_a_retry(self, opened: Opened, front: ApiFront, config_maps: str) -> None:
        front.faults = [(503, 0)]
        async with opened(may_write=lambda: not front.seen) as api:
            with pytest.raises(NotLeadingError):
                await api.apply(f"{config_maps}/a", MANIFEST)
        assert front.seen == ["PATCH a"]

    async def test_before_a_hidden_repetition_of_aiohttp(
        self, opened: Opened, front: ApiFront, config_maps: str
    ) -> None:
        front.faults = [None, DROP]
        async with opened(may_write=lambda: "PUT a" not in front.seen) as api:
            await api.get(f"{config_maps}/a")
            with pytest.raises(NotLeadingError):
                await api.replace(f"{config_maps}/a", MANIFEST)
        assert front.seen == ["GET a", "PUT a"]

    async def test_when_a_call_waited_for_its_turn(
        self, opened: Opened, front: ApiFront, config_maps: str
    ) -> None:
        front.faults = [HANG]
        limits = ApiLimits(connections=1, attempt=0.2, retry=RetryPolicy(attempts=1))
        leads = True
        async with (
            opened(may_write=lambda: leads, limits=limits) as api,
            asyncio.TaskGroup() as group,
        ):

            async def write() -> None:
                with pytest.raises(NotLeadingError):
                    await api.apply(f"{config_maps}/a", MANIFEST)

            async def read() -> None:
                nonlocal leads
                with pytest.raises(TransientError):
                    await api.get(f"{config_maps}/a")
                leads = False

            group.create_task(read())
            group.create_task(write())
        assert front.seen == ["GET a"]

    async def test_between_the_request_and_its_first_byte(
        self, opened: Opened, front: ApiFront, config_maps: str
    ) -> None:
        answers = [True, False]
        async with opened(may_write=lambda: answers.pop(0)) as api:
            with pytest.raises(NotLeadingError):
                await api.apply(f"{config_maps}/a", MANIFEST)
            assert await api.get(f"{config_maps}/a") is None
        assert (answers, front.seen) == ([], ["GET a"])
