"""Events on a real API server, with a clock that only the test moves."""

import pytest

from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.events import (
    BURST,
    QUIET_SECONDS,
    REFILL_SECONDS,
    EventRecorder,
)
from dantaro_operator.core.notices import Notice
from tests.support.bots import make_grid_bot
from tests.support.clock import StepClock
from tests.support.cluster import Cluster

pytestmark = pytest.mark.apiserver

RUNNING = Notice(reason="Running", message="it trades")
STOPPED = Notice(reason="Stopped", message="all own orders are cancelled")


class Reader:
    """A recorder, and what a person reads of it."""

    def __init__(self, cluster: Cluster, api: KubernetesApi, namespace: str) -> None:
        self.clock = StepClock()
        self._cluster = cluster
        self._recorder = EventRecorder(api, clock=self.clock, instance="test")
        self._namespace = namespace

    async def tell(self, *notices: Notice, name: str = "grid") -> None:
        bot = make_grid_bot(name, metadata={"namespace": self._namespace})
        for notice in notices:
            await self._recorder.record(bot, notice)

    def reasons(self, name: str = "grid") -> list[str]:
        path = f"/api/v1/namespaces/{self._namespace}/events"
        answer = self._cluster.api.get(path).raise_for_status()
        found = [e for e in answer.json()["items"] if e["involvedObject"]["name"] == name]
        found.sort(key=lambda event: int(event["metadata"]["resourceVersion"]))
        return [event["reason"] for event in found]


@pytest.fixture
def reader(cluster: Cluster, api: KubernetesApi, namespace: str) -> Reader:
    return Reader(cluster, api, namespace)


async def test_a_state_that_comes_back_is_told_again(reader: Reader) -> None:
    await reader.tell(RUNNING, STOPPED, RUNNING)

    assert reader.reasons() == ["Running", "Stopped", "Running"]


async def test_what_was_told_last_is_told_again_after_some_minutes_only(reader: Reader) -> None:
    await reader.tell(RUNNING, RUNNING)
    reader.clock.seconds += QUIET_SECONDS - 1
    await reader.tell(RUNNING)
    assert reader.reasons() == ["Running"]

    reader.clock.seconds += 1
    await reader.tell(RUNNING)

    assert reader.reasons() == ["Running", "Running"]


async def test_an_object_that_goes_to_and_fro_floods_nobody(reader: Reader) -> None:
    await reader.tell(*[RUNNING, STOPPED] * BURST)
    await reader.tell(RUNNING, name="other")

    assert len(reader.reasons()) == BURST
    assert reader.reasons("other") == ["Running"]
    reader.clock.seconds += REFILL_SECONDS
    await reader.tell(STOPPED, RUNNING, STOPPED)
    assert len(reader.reasons()) == BURST + 1
