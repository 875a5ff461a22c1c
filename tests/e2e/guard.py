"""Who may use a node of the tests, and where there can be one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cluster.node.lifecycle import down, node_obstacle
from tests.cluster.node.place import Place

__all__ = ["held_place", "skip_without_node"]


def skip_without_node() -> None:
    """Skip where there can be no node; fail where nobody reads why something was skipped."""
    if obstacle := node_obstacle():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            f"{obstacle}; DANTARO_TEST_KUBECONFIG names a throw-away cluster to use instead"
        )


@contextmanager
def held_place(name: str) -> Iterator[Place]:
    """Have a place alone among all test runs, with no cluster at the begin and at the end."""
    place = Place.named(name)
    place.folder.parent.mkdir(parents=True, exist_ok=True)
    with place.folder.with_suffix(".tests").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        down(place)
        yield place
        down(place)
