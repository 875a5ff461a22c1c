"""The test cluster itself: it ends with its owner, whatever happens, and a failed start tells."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.binaries import CONTROL_PLANE, MissingBinaryError, find_binaries
from tests.cluster.supervisor import kubeconfig_of, remove_leftovers, stop
from tests.cluster.tether import exited_within
from tests.support.cluster import start_cluster
from tests.support.eventually import eventually

pytestmark = pytest.mark.apiserver

ROOT = Path(__file__).parents[2]
PARTS = {"etcd", "kube-apiserver", "kube-controller-manager"}


@pytest.fixture(autouse=True)
def _binaries() -> None:
    try:
        find_binaries(CONTROL_PLANE)
    except MissingBinaryError as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))


@contextmanager
def owner() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a test run."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def processes_of(folder: Path) -> dict[int, str]:
    """Return the name by the id of each process whose command line names the folder."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if any(str(folder) in word for word in words):
                found[int(entry.name)] = Path(words[0]).name
    return found


def test_kill_9_of_the_test_run_ends_everything_and_leaves_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "cluster"
    with owner() as run:
        kubeconfig = start_cluster(folder, owner=run.pid)
        assert kubeconfig == kubeconfig_of(folder)
        started = processes_of(folder)
        assert set(started.values()) >= PARTS
        run.kill()
        for pid in started:
            assert exited_within(pid, 15), started[pid]
    eventually(lambda: not folder.exists())


def test_kill_9_of_the_supervisor_ends_everything_and_the_folder_can_be_told_dead(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "cluster"
    with owner() as run:
        start_cluster(folder, owner=run.pid)
        started = processes_of(folder)
        os.kill(int((folder / "pid").read_text()), signal.SIGKILL)
        for pid in started:
            assert exited_within(pid, 15), started[pid]
    assert kubeconfig_of(folder) is None
    remove_leftovers(tmp_path)
    assert folder.exists(), "a young folder may belong to a run that is starting"
    os.utime(folder, (0, 0))
    remove_leftovers(tmp_path)
    assert not folder.exists()
    assert stop(folder) is False


def test_a_failed_start_shows_the_log_of_the_part_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    broken = assets / "kube-apiserver"
    broken.write_text("#!/bin/sh\necho the disk of this machine is on fire\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))
    folder = tmp_path / "cluster"
    command = [sys.executable, "-m", "tests.cluster", "start", "--folder", str(folder)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert "kube-apiserver ended with exit code 3" in answer.stderr
    assert "the disk of this machine is on fire" in answer.stderr
    assert processes_of(folder) == {}
