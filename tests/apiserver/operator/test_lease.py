"""At most one operator leads: real processes, killed, paused and cut off."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from dantaro_operator.adapters.kubernetes.lease_record import LeaseTimes
from tests.cluster.binaries import CONTROL_PLANE, find_binaries
from tests.cluster.control_plane import control_plane
from tests.cluster.kubeconfig import load_access
from tests.cluster.tether import Tethered, start_tethered
from tests.support.cluster import Cluster
from tests.support.eventually import eventually
from tests.support.lease_candidates import TIMES, Candidate, Candidates, recorded
from tests.support.tcp_proxy import tcp_proxy

pytestmark = pytest.mark.apiserver

SLACK = 2.0
"""Seconds for starts, requests and a busy machine."""


@pytest.fixture
def candidates(kubeconfig: Path, namespace: str, tmp_path: Path) -> Iterator[Candidates]:
    with ExitStack() as stack:
        yield Candidates(kubeconfig=kubeconfig, namespace=namespace, folder=tmp_path, stack=stack)


def lease(api: httpx.Client, namespace: str) -> dict[str, object]:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/dantaro-operator"
    return dict(api.get(path).raise_for_status().json()["spec"])


def holder_of(api: httpx.Client, namespace: str) -> object:
    return lease(api, namespace).get("holderIdentity")


def command_of(part: Tethered) -> list[str]:
    words = Path(f"/proc/{part.process.pid}/cmdline").read_text()
    return words.rstrip("\0").split("\0")


def writes_on(candidate: Candidate) -> None:
    """Wait until it has written some more."""
    before = len(candidate.times("wrote"))
    eventually(lambda: len(candidate.times("wrote")) > before + 5)


def test_of_two_candidates_one_leads_and_the_other_waits(
    candidates: Candidates, cluster: Cluster, namespace: str
) -> None:
    with recorded(cluster.api, namespace) as history:
        both = [candidates.start("a"), candidates.start("b")]
        (winner,) = eventually(lambda: [one for one in both if one.times("wrote")])
        (other,) = [one for one in both if one is not winner]
        other.first("waits")
        at = winner.times("leads")[0]
        eventually(lambda: winner.times("wrote")[-1] > at + 2 * TIMES.duration)
        assert (other.times("leads"), history.writers) == ([], [winner.identity])
        assert holder_of(cluster.api, namespace) == winner.identity


def test_after_kill_9_another_leads_within_lease_duration_and_retry(
    candidates: Candidates, cluster: Cluster, namespace: str
) -> None:
    with recorded(cluster.api, namespace) as history:
        holder = candidates.start_leading("a")
        other = candidates.start("b")
        other.first("waits")
        writes_on(holder)
        holder.process.kill()
        writes_on(other)
        took = other.first("leads") - holder.times("wrote")[-1]
        # Its last renewal may be a retry older than its last write.
        assert TIMES.duration - TIMES.retry - 0.5 < took < TIMES.duration + TIMES.retry + SLACK
        eventually(lambda: history.writers == ["a", "b"])
        assert lease(cluster.api, namespace)["leaseTransitions"] == 1


def test_a_holder_that_wakes_after_its_lease_ran_out_writes_nothing(
    candidates: Candidates, cluster: Cluster, namespace: str
) -> None:
    with recorded(cluster.api, namespace) as history:
        holder = candidates.start_leading("a")
        other = candidates.start("b")
        other.first("waits")
        os.kill(holder.process.process.pid, signal.SIGUSR1)
        writes_on(other)
        paused_with = len(holder.times("wrote"))
        os.kill(holder.process.process.pid, signal.SIGCONT)
        eventually(lambda: len(holder.times("refused")) > 20)
        holder.first("lost")
        writes_on(other)
        eventually(lambda: history.count("b") > 10)
        assert history.writers == ["a", "b"]
        # An answer may have waited for it; a write that began afterwards may not succeed.
        assert len(holder.times("wrote")) <= paused_with + 2


def test_a_pause_shorter_than_the_deadline_changes_nothing(
    candidates: Candidates, cluster: Cluster, namespace: str
) -> None:
    holder = candidates.start_leading("a")
    pid = holder.process.process.pid
    os.kill(pid, signal.SIGUSR1)
    eventually(lambda: "T" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
    os.kill(pid, signal.SIGCONT)
    writes_on(holder)
    assert holder.times("lost") == []
    assert lease(cluster.api, namespace)["leaseTransitions"] == 0


def test_a_holder_that_is_cut_off_stops_before_another_begins(
    candidates: Candidates, cluster: Cluster, namespace: str, kubeconfig: Path
) -> None:
    server = httpx.URL(load_access(kubeconfig).server)
    with (
        recorded(cluster.api, namespace) as history,
        tcp_proxy((server.host, server.port or 443)) as proxy,
    ):
        holder = candidates.start_leading("a", server=f"https://{server.host}:{proxy.port}")
        other = candidates.start("b")
        other.first("waits")
        proxy.cut()
        assert holder.first("lost") < other.first("leads")
        proxy.heal()
        eventually(lambda: len(holder.times("refused")) > 20)
        writes_on(other)
        assert max(holder.times("wrote")) < other.first("leads")
        eventually(lambda: history.count("b") > 10)
        assert history.writers == ["a", "b"]


def test_an_orderly_release_hands_over_at_once(
    candidates: Candidates, cluster: Cluster, namespace: str
) -> None:
    with recorded(cluster.api, namespace) as history:
        holder = candidates.start_leading("a")
        other = candidates.start("b")
        other.first("waits")
        os.kill(holder.process.process.pid, signal.SIGTERM)
        took = other.first("leads") - holder.first("released")
        assert took < TIMES.retry + 0.5
        writes_on(other)
        eventually(lambda: history.writers == ["a", "b"])
    assert lease(cluster.api, namespace)["leaseTransitions"] == 1


def test_a_deleted_lease_is_made_again_by_its_holder_and_the_other_waits(
    candidates: Candidates, cluster: Cluster, namespace: str
) -> None:
    with recorded(cluster.api, namespace) as history:
        holder = candidates.start_leading("a")
        other = candidates.start("b")
        other.first("waits")
        path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/dantaro-operator"

        def uid() -> str:
            return str(cluster.api.get(path).json()["metadata"].get("uid", ""))

        deleted = uid()
        # So that the other has seen it.
        at = holder.times("wrote")[-1]
        eventually(lambda: holder.times("wrote")[-1] > at + 3 * TIMES.retry)
        cluster.api.delete(path).raise_for_status()
        eventually(lambda: uid() not in {"", deleted})
        writes_on(holder)
        assert (holder.times("lost"), other.times("leads")) == ([], [])
        assert history.writers == ["a"]
        assert holder_of(cluster.api, namespace) == "a"


def test_a_holder_outlives_a_restart_of_the_api_server(tmp_path: Path) -> None:
    with (
        control_plane(find_binaries(CONTROL_PLANE), tmp_path / "plane") as plane,
        ExitStack() as stack,
    ):
        candidates = Candidates(
            kubeconfig=plane.kubeconfig,
            namespace="default",
            folder=tmp_path,
            stack=stack,
            times=LeaseTimes(duration=50, renew_deadline=45, retry=0.4),
        )
        holder = candidates.start_leading("a")
        other = candidates.start("b")
        other.first("waits")
        server = plane.parts["kube-apiserver"]
        command = command_of(server)
        server.kill()
        holder.first("failed")
        again = start_tethered("kube-apiserver", command, log=server.log)
        stack.callback(again.kill)
        writes_on(holder)
        assert (holder.times("lost"), holder.times("refused"), other.times("leads")) == ([], [], [])
        assert [one.process.process.poll() for one in (holder, other)] == [None, None]
