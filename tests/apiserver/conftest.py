"""The API server of the tests: one for the whole run, ours or the one that is named."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.binaries import CONTROL_PLANE, MissingBinaryError, find_binaries, find_binary
from tests.cluster.supervisor import new_folder
from tests.support.cluster import Cluster, open_cluster, start_cluster


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The administrator's kubeconfig; all workers of a run share one API server."""
    if named := os.environ.get("DANTARO_TEST_KUBECONFIG"):
        return Path(named)
    try:
        find_binaries(CONTROL_PLANE)
    except MissingBinaryError as error:
        # On CI nobody reads why something was skipped.
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if is_worker else shared
    with (shared / "cluster.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = shared / "cluster"
        if not started.exists():
            run = os.getppid() if is_worker else os.getpid()
            started.write_text(str(start_cluster(new_folder(), owner=run)))
        return Path(started.read_text())


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server with our CRDs."""
    try:
        kubectl = find_binary("kubectl")
    except MissingBinaryError as error:
        if (found := shutil.which("kubectl")) is None:
            pytest.fail(str(error))
        kubectl = Path(found)
    cache = tmp_path_factory.mktemp("kubectl")
    with open_cluster(kubeconfig, kubectl=kubectl, cache=cache) as opened:
        opened.install_crds()
        yield opened


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """A namespace of the test's own."""
    with cluster.namespace() as name:
        yield name
