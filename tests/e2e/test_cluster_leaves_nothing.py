"""`make cluster-down` leaves nothing; neither does a cluster that was killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cluster.binaries import find_binary
from tests.cluster.node.lifecycle import down, status, up
from tests.cluster.node.packages import NODE_TOOLS, install_tools
from tests.cluster.node.place import Place
from tests.cluster.progress import Progress
from tests.e2e.guard import held_place, skip_without_node
from tests.e2e.traces import TRACES, take_traces
from tests.support.eventually import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "leaver"},
    "spec": {
        "containers": [
            {
                "name": "leaver",
                "image": "localhost/dantaro/pause:v1",
                "imagePullPolicy": "Never",
                "ports": [{"containerPort": 80, "hostPort": 8099}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "leaver"}}],
    },
}
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "leaver"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}


@pytest.fixture
def place() -> Iterator[Place]:
    """A place for a cluster that a test ends; the tests' own tools are there."""
    skip_without_node()
    install_tools(NODE_TOOLS, Progress(), cni=True)
    with held_place("e2e-leaver") as held:
        yield held


@pytest.fixture
def before(place: Place) -> dict[str, set[str]]:
    """What there is before the cluster."""
    return take_traces()


def run_a_pod(kubeconfig: Path) -> None:
    """Run a pod with a port of the node and a volume: all that makes mounts and rules."""
    kubectl = [str(find_binary("kubectl")), f"--kubeconfig={kubeconfig}"]
    objects = yaml.safe_dump_all([CLAIM, POD])
    subprocess.run([*kubectl, "create", "-f-"], input=objects, text=True, check=True)
    wait = ["wait", "pod/leaver", "--for=condition=Ready", "--timeout=50s"]
    subprocess.run([*kubectl, *wait], check=True)


def new(before: dict[str, set[str]], *, but: tuple[str, ...] = ()) -> dict[str, set[str]]:
    """Return what there is now and was not before."""
    now = take_traces()
    found = {name: now[name] - before[name] for name in TRACES if name not in but}
    return {name: lines for name, lines in found.items() if lines}


def test_down_leaves_nothing(place: Place, before: dict[str, set[str]]) -> None:
    run_a_pod(up(place, Progress()))
    assert {"processes", "links", "control groups"} <= new(before).keys()
    assert down(place)
    assert (new(before), place.folder.exists()) == ({}, False)


def test_a_running_cluster_changes_no_setting_file_or_rule_of_the_machine(
    place: Place, before: dict[str, set[str]]
) -> None:
    run_a_pod(up(place, Progress()))
    assert new(before).keys() == {"processes", "links", "routes", "control groups"}


def test_a_cluster_whose_first_process_is_killed_is_gone_but_for_groups_and_files(
    place: Place, before: dict[str, set[str]]
) -> None:
    run_a_pod(up(place, Progress()))
    record = place.running()
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    eventually(lambda: not new(before, but=("control groups",)))
    assert status(place).message.startswith("the cluster has ended")
    assert not down(place)
    assert (new(before), place.folder.exists()) == ({}, False)


def test_a_cluster_ends_with_its_owner(place: Place, before: dict[str, set[str]]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        up(place, Progress(), owner=owner.pid)
        owner.kill()
    eventually(lambda: place.running() is None)


def test_up_twice_is_up_once_and_down_twice_is_down_once(place: Place) -> None:
    first = up(place, Progress())
    record = place.running()
    assert (up(place, Progress()), place.running()) == (first, record)
    assert (down(place), down(place)) == (True, False)


def test_a_start_that_fails_says_which_part_and_leaves_nothing(
    place: Place, before: dict[str, set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "coredns"
    broken.write_text("#!/bin/sh\necho no names today >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))
    with pytest.raises(Exception, match=r"coredns ended with exit code 3:\nno names today"):
        up(place, Progress())
    assert (new(before), place.folder.exists()) == ({}, False)
