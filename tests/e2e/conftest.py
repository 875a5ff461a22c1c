"""The node of the tests: our own, as root on Linux, or that of a named throw-away cluster."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.binaries import MissingBinaryError, find_binary
from tests.cluster.node.images import import_image
from tests.cluster.node.lifecycle import up
from tests.cluster.node.place import Place
from tests.cluster.progress import Progress
from tests.e2e.guard import held_place, skip_without_node
from tests.support.cluster import Cluster, open_cluster

PLACE = Place.named("e2e")


@pytest.fixture(scope="session")
def kubeconfig() -> Iterator[Path]:
    """The administrator's kubeconfig; our own cluster ends with the tests, killed or not."""
    if named := os.environ.get("DANTARO_TEST_KUBECONFIG"):
        yield Path(named)
        return
    skip_without_node()
    with held_place(PLACE.folder.name) as place:
        yield up(place, Progress(), volumes=20, owner=os.getpid())


@pytest.fixture(scope="session")
def cluster(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster, and the administrator's ways to it."""
    try:
        kubectl = find_binary("kubectl")
    except MissingBinaryError as error:
        if (found := shutil.which("kubectl")) is None:
            pytest.fail(str(error))
        kubectl = Path(found)
    cache = tmp_path_factory.mktemp("kubectl")
    with open_cluster(kubeconfig, kubectl=kubectl, cache=cache) as opened:
        yield opened


@pytest.fixture(scope="session")
def runtime_image(kubeconfig: Path) -> str:
    """Name of the image of a bot, present on the node."""
    return _image("runtime")


@pytest.fixture(scope="session")
def operator_image(kubeconfig: Path) -> str:
    """Name of the operator's image, present on the node."""
    return _image("operator")


@pytest.fixture(scope="session")
def central_image(kubeconfig: Path) -> str:
    """Name of central's image, present on the node."""
    return _image("central")


def _image(target: str) -> str:
    if not os.environ.get("DANTARO_TEST_KUBECONFIG"):
        return import_image(PLACE, target, Progress())
    variable = f"DANTARO_TEST_{target.upper()}_IMAGE"
    if named := os.environ.get(variable):
        return named
    pytest.fail(
        f"DANTARO_TEST_KUBECONFIG names a cluster: build the target `{target}` of the Dockerfile, "
        f"give its nodes the image and name it in {variable}"
    )
