"""Which control groups a machine has, and the removal of ours."""

from pathlib import Path

import pytest

from tests.cluster.node.cgroups import Hierarchy, alias_names, groups, hierarchies, remove

pytestmark = pytest.mark.unit

ROOT = "/sys/fs/cgroup"
VERSION_2 = f"cgroup2 {ROOT} cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0\n"
VERSION_1 = (
    "proc /proc proc rw,relatime 0 0\n"
    f"tmpfs {ROOT} tmpfs ro,nosuid 0 0\n"
    f"cgroup2 {ROOT}/unified cgroup2 rw,relatime 0 0\n"
    f"cgroup {ROOT}/cpu,cpuacct cgroup rw,nosuid,relatime,cpu,cpuacct 0 0\n"
    f"cgroup {ROOT}/systemd cgroup rw,xattr,release_agent=/lib/agent,name=systemd 0 0\n"
)


def test_version_1_counts_where_it_holds_the_controllers() -> None:
    found = hierarchies(VERSION_1)
    assert [(h.mount.name, h.kind) for h in found] == [
        ("cpu,cpuacct", "cgroup"),
        ("systemd", "cgroup"),
    ]
    assert [h.controllers for h in found] == [("cpu", "cpuacct"), ("name=systemd",)]


def test_version_2_counts_where_it_is_alone() -> None:
    assert hierarchies(VERSION_2) == [Hierarchy(mount=Path(ROOT), kind="cgroup2", controllers=())]


def test_a_machine_without_control_groups_has_none() -> None:
    assert hierarchies("proc /proc proc rw 0 0\n") == []


def test_joined_controllers_are_found_by_each_name() -> None:
    assert [alias_names(h) for h in hierarchies(VERSION_1)] == [["cpu", "cpuacct"], []]


def test_removal_takes_the_named_group_with_all_below_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "ours" / "pods" / "one").mkdir(parents=True)
    (tmp_path / "theirs").mkdir()
    found = [Hierarchy(mount=tmp_path, kind="cgroup2", controllers=())]
    remove(found, "ours")
    remove(found, "ours")
    assert groups(found, "ours") == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["theirs"]
